"""One line of a comparison: a model, how it is trained, and with how many seeds."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sparseeg.errors import SparseEEGError
from sparseeg.files.yaml import describe, name_and_value
from sparseeg.models.registry import check_name
from sparseeg.training.config import AugmentConfig, DataConfig, SplitConfig, TrainConfig
from sparseeg.training.recipes import configure

BASELINES = {
    "training-mean": "train_mean",
    "ridge": "ridge",
    "gradient-boosting": "hist_gradient_boosting",
    "ceiling": "ceiling",
}
_FIXED = ("augment", "data", "model", "seed", "split")  # set by the comparison, or written otherwise


@dataclass(frozen=True)
class Entry:
    """One line of a comparison.

    Parameters
    ----------
    name : as the user wrote it, as `light-sparse-attention-cnn@output=latency`.
    model : name of a network or of a baseline.
    given : changes to the network's recipe: fields of `TrainConfig`, of its `augment`, or options of the
        network.
    runs : number of seeds, where it differs from that of the other entries.
    """

    name: str
    model: str
    given: dict[str, Any] = field(default_factory=dict)
    runs: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Entry":
        """Read MODEL or MODEL@NAME=VALUE@...; SparseEEGError for anything else."""
        model, *words = text.split("@")
        if model not in BASELINES:
            check_name(model)
        given: dict[str, Any] = {}
        n_runs = None
        if words and model in BASELINES:
            raise SparseEEGError(f"{text}: {model} has no options")
        for word in words:
            name, value = name_and_value(word)
            if name == "runs":
                if not isinstance(value, int) or value < 1:
                    raise SparseEEGError(f"{text}: runs takes a number from 1 on")
                n_runs = value
            elif name in _FIXED:
                raise SparseEEGError(f"{text}: {name} is no option of a single model")
            elif name in AugmentConfig.model_fields:
                given.setdefault("augment", {})[name] = value
            elif name == "init":
                given[name] = str(Path(str(value)).resolve())  # the same run from any folder
            elif name in TrainConfig.model_fields:
                given[name] = value
            else:
                given.setdefault("model_options", {})[name] = value
        return cls(text, model, given, n_runs)

    @property
    def is_network(self) -> bool:
        """Whether it is a network, which is trained by a recipe."""
        return self.model not in BASELINES

    def configure(self, data: DataConfig, split: SplitConfig, **given: Any) -> TrainConfig:
        """Return how the network is trained; the entry's own changes go before those `given`.

        Raises SparseEEGError for values that don't fit.
        """
        try:
            return configure(data, self.model, split, **{**given, **self.given})
        except ValidationError as error:
            raise SparseEEGError(f"{self.name}: {describe(error)}") from error

    def seeds(self, seeds: int) -> range:
        """Return the seeds of its runs in a comparison of `seeds` runs each; a baseline has one run."""
        if not self.is_network:
            return range(1)
        # Networks of one ensemble differ in their seed; so must those of two ensembles.
        n_members = self.given.get("seeds", 1)
        return range(0, (self.runs or seeds) * n_members, n_members)
