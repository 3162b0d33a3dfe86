"""Problems with files: the first ones are printed, and a table that is named lists all."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from helpers.toys import others_signals
from sparseeg.data.problems import Problem
from sparseeg.data.store import store
from sparseeg.data.windows import WindowSet

MANY = tuple(
    Problem(Path(f"sub-{number}.bdf"), f"is damaged at byte {number}", "left out") for number in range(23)
)
SHORT = ("--epochs", 1, "--device", "cpu")
MODEL = ("--model", "response-time-cnn", "--no-control", "--no-boosting")


@pytest.fixture
def damaged(toy: WindowSet, tmp_path: Path) -> Path:
    """A store that was made of a folder with damaged files."""
    return store.save(replace(toy, problems=MANY, source="BIDS"), tmp_path / "damaged")


def check_listed(said: str, folder: Path, n_lists: int = 1) -> None:
    assert "sub-19.bdf: is damaged at byte 19" in said
    assert "sub-20.bdf" not in said
    assert said.count("and 3 others") == 1
    assert said.count("lists all 23 problems") == n_lists
    assert f"{folder / 'problems.tsv'} lists all 23" in said
    assert len(pd.read_csv(folder / "problems.tsv", sep="\t")) == 23


def test_train_and_evaluate_list_problems(
    damaged: Path, toy: WindowSet, toy_store: Path, tmp_path: Path, sparseeg
) -> None:
    run, split = tmp_path / "run", ("--valid", "R4", "--test", "R5")
    code, said = sparseeg("train", "--data", damaged, *split, *SHORT, *MODEL, "--out", run)
    assert code == 0, said
    check_listed(said, run)
    assert f"{damaged}: 288 windows" in said  # not the folder that the store was made of
    run = tmp_path / "other"
    code, said = sparseeg("train", "--data", toy_store, *split, *SHORT, *MODEL, "--out", run)
    assert code == 0, said
    assert "problems.tsv" not in said
    table = toy.table.assign(subject="new-" + toy.table["subject"])
    other = replace(toy, table=table, signals=others_signals(toy))
    others = store.save(replace(other, problems=MANY), tmp_path / "others")
    code, said = sparseeg("evaluate", run, "--data", others)
    assert code == 0, said
    check_listed(said, run / "evaluations" / "others")
    store.save(other, others, overwrite=True)
    code, said = sparseeg("evaluate", run, "--data", others)
    assert code == 0, said
    assert not (run / "evaluations" / "others" / "problems.tsv").exists()


def test_compare_lists_problems(damaged: Path, tmp_path: Path, sparseeg) -> None:
    out = tmp_path / "out"
    code, said = sparseeg("compare", "--data", damaged, "--models", "training-mean", "--out", out)
    assert code == 0, said
    check_listed(said, out)


def test_pretrain_lists_problems(damaged: Path, tmp_path: Path, sparseeg) -> None:
    options = ("width=16", "n_blocks=1", "patch=0.1", "positions=index")
    out, small = tmp_path / "out", [word for option in options for word in ("--option", option)]
    code, said = sparseeg("pretrain", "--data", damaged, *SHORT, *small, "--out", out)
    assert code == 0, said
    check_listed(said, out)
