"""A recipe is what a network is trained by, where nobody says otherwise."""

import pytest

from sparseeg.training.config import DataConfig
from sparseeg.training.recipes import RECIPES, configure

DATA = DataConfig(path="toy")
LOCATOR = "sparse-attention-locator"


def test_a_recipe_goes_before_the_defaults_and_an_option_before_the_recipe() -> None:
    plain, given = configure(DATA, LOCATOR), configure(DATA, LOCATOR, learning_rate=1e-4)
    assert plain.learning_rate == RECIPES[LOCATOR]["learning_rate"]
    assert given.learning_rate == 1e-4
    assert given.loss == plain.loss == "kl"


def test_an_augmentation_leaves_the_others_of_the_recipe() -> None:
    augment = configure(DATA, LOCATOR, augment={"jitter": 0.0}).augment
    assert augment.jitter == 0
    assert augment.channel_dropout == RECIPES[LOCATOR]["augment"]["channel_dropout"]


@pytest.mark.parametrize(
    ("given", "least"), [({}, 400), ({"epochs": 3}, 0), ({"epochs": 3, "min_steps": 9}, 9)]
)
def test_who_gives_epochs_gets_as_many(given: dict[str, int], least: int) -> None:
    assert configure(DATA, LOCATOR, **given).min_steps == least
    assert RECIPES[LOCATOR]["min_steps"] == 400, "the recipe itself stays"
