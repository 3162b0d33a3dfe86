"""Sentences of a page say what is so, also where scores don't exist."""

from typing import Any

import pytest

from sparseeg.data.provenance import Processing, Provenance
from sparseeg.data.tasks import TASKS
from sparseeg.report import words
from sparseeg.training.config import DataConfig, SplitConfig, TrainConfig


def metrics(
    nrmse: float | None, low: float | None, high: float | None, ridge: float | None
) -> dict[str, Any]:
    return {
        "task": "response-time",
        "nrmse": nrmse,
        "nrmse_ci95": [low, high],
        "n_subjects": 3,
        "baselines": {"ridge": {"nrmse": ridge}, "train_mean": {"nrmse": 0.5}},
        "version": "0",
    }


@pytest.mark.parametrize(
    ("scores", "begin", "end"),
    [
        (
            (0.9, 0.8, 0.95, 0.97),
            "The model predicts better than any",
            "It scored better than ridge",
        ),
        ((0.9, 0.8, 1.05, 0.85), "The scored people do not show", "Ridge scored better"),
        ((1.2, 1.1, 1.3, 1.0), "The model predicts worse than the best constant", "Ridge scored better"),
        ((0.9, None, None, 0.97), "The score of one person says little", "It scored better than ridge"),
        ((None, None, None, None), "All scored targets are the same", "nothing that could be predicted."),
    ],
)
def test_what_the_scores_mean(scores: tuple[float | None, ...], begin: str, end: str) -> None:
    found = words.answered(metrics(*scores))
    assert found.startswith(begin)
    assert end in found


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("subjects", "nobody was in two parts"),
        ("loso", "In leave-one-subject-out cross-validation over people, every person was tested once"),
        ("kfold", "In 5-fold cross-validation over people"),
    ],
)
def test_methods_say_how_people_were_split_and_only_what_is_shown(kind: str, says: str) -> None:
    config = TrainConfig(model="response-time-cnn", data=DataConfig(path="toy"), split=SplitConfig(kind=kind))
    inputs = Provenance(TASKS["response-time"], Processing(100.0), ("Cz",), 100, 0.5)
    text, references = words.methods(
        config, inputs, metrics(0.9, 0.8, 1.0, 1.0), 10, "1 epoch", {"attribution"}
    )
    assert says in text
    assert "for 1 epoch;" in text
    assert "integrated gradients" in text
    assert "patterns" not in text
    assert len(references) == text.count("[") == len(set(references))
