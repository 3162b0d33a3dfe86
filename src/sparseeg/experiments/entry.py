"""One line of a comparison: a model, how it is trained, and with how many seeds."""

import hashlib
import re
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
# The folder names of other texts could be those of two: "_" stands for every other character.
_PLAIN = re.compile(r"(braindecode:)?[A-Za-z0-9.-]+(@[A-Za-z0-9]+(_[A-Za-z0-9]+)*=[A-Za-z0-9.-]+)*")
_FIXED = ("augment", "data", "model", "seed", "split")  # set by the comparison, or written otherwise


@dataclass(frozen=True)
class Entry:
    """One line of a comparison.

    Parameters
    ----------
    name : as the user wrote it, as `light-sparse-attention-cnn@output=latency`, with the absolute path of
        `init`: the same name is the same entry from any folder.
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
        names = [model]
        if model not in BASELINES:
            check_name(model, BASELINES)
        given: dict[str, Any] = {}
        n_runs = None
        if words and model in BASELINES:
            raise SparseEEGError(f"{text}: {model} has no options")
        for word in words:
            name, value = name_and_value(word)
            if name == "init":
                value = str(Path(str(value)).resolve())
                word = f"init={value}"
            names.append(word)
            if name == "runs":
                if not isinstance(value, int) or value < 1:
                    raise SparseEEGError(f"{text}: runs takes a number from 1 on")
                n_runs = value
            elif name in _FIXED:
                raise SparseEEGError(f"{text}: {name} is no option of a single model")
            elif name in AugmentConfig.model_fields:
                given.setdefault("augment", {})[name] = value
            elif name in TrainConfig.model_fields:
                given[name] = value
            else:
                given.setdefault("model_options", {})[name] = value
        return cls("@".join(names), model, given, n_runs)

    @property
    def folder(self) -> str:
        """Name of the folder of its runs, different for every entry."""
        words = re.sub(r"[^A-Za-z0-9.=#-]+", "_", self.name)
        if _PLAIN.fullmatch(self.name):
            return words
        return f"{words[:80]}+{hashlib.sha256(self.name.encode()).hexdigest()[:12]}"

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
