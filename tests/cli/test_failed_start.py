"""A command that fails at its start leaves nothing, and checks its options before it reads data."""

import shutil
from pathlib import Path

import pytest
import torch

from helpers.bids_folder import BidsFolder
from helpers.command import assert_one_line
from sparseeg.training import fit

NO_CUDA = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
SPLIT = ("--valid", "R4", "--test", "R5")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--option", "nonsense=1"), "has no option 'nonsense'"),
        (("--option", "n_chans=5"), "n_chans follows from the data"),
        (("--model", "nonsense"), "unknown model 'nonsense'"),
        pytest.param(("--device", "cuda"), "no CUDA device", marks=NO_CUDA),
    ],
)
@pytest.mark.parametrize("command", ["train", "pretrain"])
def test_options_are_checked_before_data_are_read(
    command: str, options: tuple[str, ...], said: str, toy_store: Path, tmp_path: Path, sparseeg
) -> None:
    code, text = sparseeg(command, "--data", toy_store, *options, "--out", tmp_path / "a" / "run")
    assert_one_line(code, text, said)
    assert "windows" not in text
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--split", "kfold", "--folds", 20), "20"),
        (("--valid", "R4", "--test", "R7"), "R7"),
        ((*SPLIT, "--option", "width=-1"), "can't build"),
    ],
)
def test_a_start_that_fails_with_the_data_leaves_nothing(
    options: tuple[object, ...], said: str, toy_store: Path, tmp_path: Path, sparseeg
) -> None:
    result = sparseeg("train", "--data", toy_store, *options, "--out", tmp_path / "a" / "run")
    assert_one_line(*result, said)
    assert not (tmp_path / "a").exists()


def test_a_fit_that_fails_before_its_training_leaves_nothing(
    toy_store: Path, tmp_path: Path, sparseeg, monkeypatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise fit.SparseEEGError("nothing to learn")

    monkeypatch.setattr(fit, "_set_target", refused)
    result = sparseeg("train", "--data", toy_store, *SPLIT, "--out", tmp_path / "run")
    assert_one_line(*result, "nothing to learn")
    assert not (tmp_path / "run").exists()


def test_a_comparison_that_fails_leaves_nothing(toy_store: Path, tmp_path: Path, sparseeg) -> None:
    words = ("--models", "ridge", "--split", "kfold", "--folds", 20, "--out", tmp_path / "out")
    assert_one_line(*sparseeg("compare", "--data", toy_store, *words), "20")
    assert not (tmp_path / "out").exists()


def test_a_store_of_nothing_is_not_kept(bids: BidsFolder, tmp_path: Path, sparseeg) -> None:
    bids.add("A")
    events = ("--stimulus", "foo", "--response", "left_buttonPress")
    assert_one_line(*sparseeg("prepare", bids.root, *events, "--out", tmp_path / "store"), "no event foo")
    assert not (tmp_path / "store").exists()


def test_an_evaluation_that_is_refused_leaves_nothing(
    response_time: Path, dataset: Path, tmp_path: Path, sparseeg
) -> None:
    run = shutil.copytree(response_time, tmp_path / "run")
    shutil.copytree(dataset, tmp_path / "copy")
    assert_one_line(*sparseeg("evaluate", run, "--data", tmp_path / "copy"), "trained the network")
    assert not (run / "evaluations").exists()
