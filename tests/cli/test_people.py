"""The people of epochs files on the command line: the run keeps how they were found."""

import json

import numpy as np
import pytest
import yaml

from helpers.epochs_file import write_epochs

OPTIONS = (
    *("--target", "rt", "--target-unit", "ms", "--model", "sparse-attention-locator", "--epochs", 1),
    *("--option", "n_filters=4", "--option", "width=8", "--no-control", "--no-boosting"),
)


@pytest.fixture
def folder(tmp_path):
    for person in ("anna", "bob", "carl", "dora"):
        for kind in ("odd", "rest"):
            rt = np.random.default_rng(len(person + kind)).uniform(300, 700, 8)
            seed = sum(map(ord, person + kind))
            data = 10.0 * np.random.default_rng(seed).standard_normal((8, 3, 100))
            write_epochs(tmp_path / "data" / f"{person}_{kind}-epo.fif", rt=rt, data=data)
    return tmp_path / "data"


def test_a_pattern_is_kept_in_the_run_and_used_again(folder, tmp_path, sparseeg):
    run = tmp_path / "run"
    code, text = sparseeg("train", "--data", folder, *OPTIONS, "--out", run)
    assert code == 2
    assert "it is not clear whose epochs these are" in text
    code, text = sparseeg("train", "--data", folder, *OPTIONS, "--subject-pattern", "^[a-z]+", "--out", run)
    assert code == 0, text
    assert "4 subjects: anna, bob, carl, dora (found by the pattern ^[a-z]+)" in text
    (split,) = json.loads((run / "splits.json").read_text())
    assert sorted(split["train"] + split["valid"] + split["test"]) == ["anna", "bob", "carl", "dora"]
    assert yaml.safe_load((run / "config.yaml").read_text())["data"]["subject_pattern"] == "^[a-z]+"
    assert sparseeg("evaluate", run)[0] == 0
    code, text = sparseeg("train", "--out", run, "--resume")
    assert code == 0
    assert f"{run} is finished: nothing is left to train" in text
    code, text = sparseeg("evaluate", run, "--data", tmp_path / "data", "--subject-pattern", "odd")
    assert code == 2
    assert "--subject-pattern is for the recordings of --data; those of" in text
    write_epochs(tmp_path / "other" / "eve_odd-epo.fif")
    code, text = sparseeg("evaluate", run, "--data", tmp_path / "other")
    assert code == 0, text
    assert "1 subject: eve (found by the pattern ^[a-z]+)" in text


def test_the_longest_response_time_is_an_option(tmp_path, sparseeg):
    for number in range(4):
        write_epochs(tmp_path / "data" / f"sub-0{number}_epo.fif", rt=(300.0, 450.0, 11_000.0))
    words = ("compare", "--data", tmp_path / "data", "--target", "rt", "--models", "training-mean")
    code, text = sparseeg(*words, "--target-unit", "ms", "--out", tmp_path / "default")
    assert code == 0, text
    assert "1 of 3 epochs have a time longer than 10 s in column rt; --max-rt sets the limit" in text
    assert "8 windows" in text
    code, text = sparseeg(*words, "--target-unit", "ms", "--max-rt", 12, "--out", tmp_path / "longer")
    assert code == 0, text
    assert "12 windows" in text
    code, text = sparseeg(*words, "--max-rt", 12, "--out", tmp_path / "number")
    assert code == 2
    assert "max_rt has no effect" in text


def test_a_pattern_without_epochs_is_refused(bids, tmp_path, sparseeg):
    bids.add("A")
    code, text = sparseeg("train", "--data", bids.root, "--subject-pattern", "x", "--out", tmp_path / "run")
    assert code == 2
    assert "--subject-pattern has no effect" in text


def test_a_target_without_a_unit_is_said(tmp_path, sparseeg):
    for number in range(4):
        write_epochs(tmp_path / "data" / f"sub-0{number}_epo.fif")
    options = ("--target", "rt", "--models", "training-mean")
    text = sparseeg("compare", "--data", tmp_path / "data", *options, "--out", tmp_path / "a")[1]
    assert "the unit of rt is not given, so it is decoded as a plain number" in text
    options += ("--target-unit", "ms ")
    text = sparseeg("compare", "--data", tmp_path / "data", *options, "--out", tmp_path / "b")[1]
    assert "12 windows" in text
    assert "the unit of rt" not in text
