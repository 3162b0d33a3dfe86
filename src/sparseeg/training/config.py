"""Configuration of a run (`config.yaml`)."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from sparseeg.errors import SparseEEGError
from sparseeg.files.atomic import write_whole
from sparseeg.files.yaml import read_yaml


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _as_tuple(path: Any) -> Any:
    return (path,) if isinstance(path, str) else path


class DataConfig(_Section):
    """Which windows: BIDS folders, stores, or folders of MNE epochs, and what to predict from them.

    All subjects in `test_path` test; without it, those who test are among those in `path`.
    """

    path: Annotated[tuple[str, ...], BeforeValidator(_as_tuple)]
    test_path: tuple[str, ...] | None = None
    task: str = "response-time"
    target: str | None = None
    target_unit: str | None = None
    max_rt: float | None = Field(default=None, gt=0)
    subject_pattern: str | None = None
    proc: str | None = None
    tmin: float | None = None
    tmax: float | None = None
    sfreq: float | None = Field(default=None, gt=0)
    releases: tuple[str, ...] | None = None
    keep_bad: bool = False
    channels: Literal["common", "interpolate", "strict"] | None = None


class SplitConfig(_Section):
    """Who trains, validates and tests; always whole subjects."""

    kind: Literal["subjects", "release", "loso", "kfold"] = "subjects"
    valid: tuple[str, ...] = ()
    test: tuple[str, ...] = ()
    folds: int = Field(default=5, ge=3)
    valid_share: float = Field(default=0.15, gt=0, lt=1)
    test_share: float = Field(default=0.25, gt=0, lt=1)
    seed: int = 0

    def check_refit(self) -> None:
        """Raise SparseEEGError where a refit would train on the subjects that are scored."""
        if self.kind == "release" and not self.test:
            raise SparseEEGError(
                "refit trains on the validation subjects too: name releases to test on (--test)"
            )


class AugmentConfig(_Section):
    """How training windows are changed; see `sparseeg.training.augment`."""

    jitter: float = Field(default=0.0, ge=0)
    channel_dropout: float = Field(default=0.0, ge=0, le=0.5)
    amplitude: float = Field(default=0.0, ge=0)
    noise: float = Field(default=0.0, ge=0)
    mixup: float = Field(default=0.0, ge=0)


class _RunConfig(_Section):
    """Content of `config.yaml` in the folder of a run."""

    def write(self, run: Path) -> None:
        """Write into the folder of a run."""
        text = yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False)
        write_whole(run / "config.yaml", text)

    @classmethod
    def read(cls, run: Path) -> Self:
        """Read from the folder of a run; SparseEEGError says what is missing or doesn't fit."""
        path = run / "config.yaml"
        if not path.exists():
            raise SparseEEGError(f"{run} is no run folder: there is no {path.name} in it")
        return read_yaml(path, cls)


class TrainConfig(_RunConfig):
    """One training run; written to `config.yaml` in its folder.

    What decides how a network is trained, its recipe, has defaults here that fit the specification's
    networks; `sparseeg.training.recipes.configure` puts a network's own in their place.

    Parameters
    ----------
    init : folder of a run whose weights the network starts from; see `sparseeg.training.start`.
    layer_decay : learning rate of a layer, as a share of that of the layer above it.
    epochs, min_steps : maximum number of epochs; more if fewer than `min_steps` steps would be made.
    keep : "best" keeps the epoch that validates best and stops after `patience` epochs without a better one;
        "last" trains all epochs and keeps the last one.
    target_width : standard deviation of smoothed targets in s; a quarter of the targets' own by default.
    refit : once the validation subjects have chosen epoch, shrinkage and intervals, train again on them too.
    """

    data: DataConfig
    split: SplitConfig = SplitConfig()
    model: str
    model_options: dict[str, Any] = Field(default_factory=dict)
    init: str | None = None
    layer_decay: float = Field(default=1.0, gt=0, le=1)
    epochs: int = Field(default=40, ge=1)
    min_steps: int = Field(default=0, ge=0)
    batch_size: int = Field(default=64, ge=2)
    learning_rate: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=1e-4, ge=0)
    betas: tuple[float, float] = (0.9, 0.999)
    schedule: Literal["plateau", "cosine"] = "plateau"
    warmup: float = Field(default=0.05, gt=0, lt=1)
    clip: float | None = Field(default=None, gt=0)
    ema: float = Field(default=0.0, ge=0, lt=1)
    loss: Literal["squared", "kl", "both"] = "kl"
    target_width: float | None = Field(default=None, gt=0)
    auxiliary: float = Field(default=0.0, ge=0)
    augment: AugmentConfig = AugmentConfig()
    keep: Literal["best", "last"] = "best"
    patience: int = Field(default=10, ge=1)
    refit: bool = False
    seed: int = 0
    seeds: int = Field(default=1, ge=1)
    partitions: Annotated[int, Field(ge=1)] | Literal["full"] = 1
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["32", "bf16"] = "32"
    control: bool = True
    control_within_subject: bool = False
    boosting: bool = True

    @model_validator(mode="after")
    def _check_refit(self) -> Self:
        if self.refit and self.data.test_path is None:
            self.split.check_refit()
        return self


class PretrainConfig(_RunConfig):
    """Masked pretraining: predict hidden patches from the visible ones.

    Parameters
    ----------
    mask : share of the patches that are masked.
    span : length of the masked stretches in seconds.
    """

    data: DataConfig
    split: SplitConfig = SplitConfig()
    model: str = "sparse-eeg-transformer"
    model_options: dict[str, Any] = Field(default_factory=dict)
    epochs: int = Field(default=50, ge=1)
    mask: float = Field(default=0.5, gt=0, lt=1)
    span: float = Field(default=0.4, gt=0)
    batch_size: int = Field(default=64, ge=2)
    learning_rate: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=0.05, ge=0)
    betas: tuple[float, float] = (0.9, 0.95)
    warmup: float = Field(default=0.1, gt=0, lt=1)
    clip: float | None = Field(default=1.0, gt=0)
    seed: int = 0
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["32", "bf16"] = "32"
