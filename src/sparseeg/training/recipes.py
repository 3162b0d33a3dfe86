"""Training settings of each network: changes to the defaults of `TrainConfig`."""

from typing import Any

from sparseeg.training.config import DataConfig, SplitConfig, TrainConfig

# Optimisers of braindecode's networks as their authors or braindecode's examples set them; epochs, early
# stopping and everything else are the defaults, the same for all.
_BRAINDECODE: dict[str, dict[str, Any]] = {
    "EEGNet": {"weight_decay": 0.0},  # Lawhern et al. 2018: Adam, 1e-3
    "ShallowFBCSPNet": {"learning_rate": 6.25e-4, "weight_decay": 0.0},  # braindecode, trialwise decoding
    "Deep4Net": {"learning_rate": 1e-2, "weight_decay": 5e-4},  # braindecode, trialwise decoding
    "EEGConformer": {"learning_rate": 2e-4, "betas": (0.5, 0.999), "weight_decay": 0.0},  # Song et al. 2022
    "ATCNet": {"weight_decay": 0.0},  # Altaheri et al. 2022: Adam, 1e-3
    "CTNet": {"betas": (0.5, 0.999), "weight_decay": 0.0},  # Zhao et al. 2024: Adam, 1e-3
    "EEGSimpleConv": {"weight_decay": 0.0},  # El Ouahidi et al. 2023: Adam, 1e-3
    "EEGNeX": {"weight_decay": 1e-5, "batch_size": 128, "schedule": "cosine"},  # start kit of the challenge
}
# Chosen for the locator on a simulated set of seed 1, whose people are not those of the reference set.
_OURS = {
    "epochs": 16,
    "min_steps": 400,
    "keep": "last",
    "learning_rate": 2e-3,
    "weight_decay": 0.05,
    "schedule": "cosine",
    "clip": 1.0,
    "ema": 0.99,
    "loss": "kl",
    "augment": {"jitter": 0.2, "channel_dropout": 0.15},
}
RECIPES: dict[str, dict[str, Any]] = {
    "sparse-attention-locator": {**_OURS, "auxiliary": 0.1},
    "sparse-eeg-transformer": {**_OURS, "learning_rate": 1e-3},  # deeper; tuned on no task
    **{f"braindecode:{name}": changes for name, changes in _BRAINDECODE.items()},
}


def recipe(model: str) -> dict[str, Any]:
    """Return what a network's recipe changes of the defaults, by field of `TrainConfig`; often nothing."""
    return RECIPES.get(model, {})


def configure(data: DataConfig, model: str, split: SplitConfig | None = None, **given: Any) -> TrainConfig:
    """Return the configuration of a run: what is `given`, then a network's recipe, then the defaults.

    `given` are fields of `TrainConfig`; those of `augment` are a dict and leave its other fields to the
    recipe. If `epochs` is given, `min_steps` of the recipe is ignored. Raises pydantic's
    ValidationError for values that don't fit.
    """
    own = dict(recipe(model))
    if "epochs" in given:
        own.pop("min_steps", None)
    augment = {**own.get("augment", {}), **given.pop("augment", {})}
    values = {**own, **given, "augment": augment, "data": data, "model": model}
    return TrainConfig.model_validate(values if split is None else {**values, "split": split})
