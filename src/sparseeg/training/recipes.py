"""How each network is trained best: what replaces the defaults of `TrainConfig`."""

from typing import Any

from sparseeg.training.config import DataConfig, SplitConfig, TrainConfig

# braindecode's networks: the settings of the papers they come from, or of braindecode's own examples.
RECIPES: dict[str, dict[str, Any]] = {
    "braindecode:EEGConformer": {"learning_rate": 2e-4, "betas": (0.5, 0.999)},  # Song et al. 2022
}


def recipe(model: str) -> dict[str, Any]:
    """Return what a network's recipe changes of the defaults, by field of `TrainConfig`; often nothing."""
    return RECIPES.get(model, {})


def configure(data: DataConfig, model: str, split: SplitConfig | None = None, **given: Any) -> TrainConfig:
    """Return the configuration of a run: what is `given`, then a network's recipe, then the defaults.

    `given` are fields of `TrainConfig`; those of `augment` are a dict and leave its other fields to the
    recipe. Raises pydantic's ValidationError for values that don't fit.
    """
    own = recipe(model)
    augment = {**own.get("augment", {}), **given.pop("augment", {})}
    values = {**own, **given, "augment": augment, "data": data, "model": model}
    return TrainConfig.model_validate(values if split is None else {**values, "split": split})
