"""Options that take names: given once or several times, separated by commas or with commas in them."""

from pathlib import Path

import mne
import numpy as np
import pandas as pd
import pytest

from helpers.bids_folder import BidsFolder
from sparseeg.cli.options import name_list
from sparseeg.data.store.store import open_store
from sparseeg.errors import SparseEEGError


@pytest.mark.parametrize(
    ("given", "known", "expected"),
    [
        (None, (), ()),
        ([], (), ()),
        ("a,b", (), ("a", "b")),
        (["a,b", " c "], (), ("a", "b", "c")),
        (["a, b"], ("a, b",), ("a, b",)),
        (["a, b", "c,d"], ("a, b", "c"), ("a, b", "c", "d")),
        (["a, b"], ("a", "b"), ("a", "b")),
        (["a:b c"], (), ("a:b c",)),
    ],
)
def test_names_of_an_option(given, known, expected) -> None:
    assert name_list(given, "--stimulus", known) == expected


@pytest.mark.parametrize("given", [",", "", [" , "], ["a", ""]])
def test_an_option_that_names_nothing_is_refused(given) -> None:
    with pytest.raises(SparseEEGError, match=r"--stimulus '.*' names nothing"):
        name_list(given, "--stimulus")


ROWS = [
    (4.0, "go, left"),
    (5.25, "key: A"),
    (10.0, "go"),
    (10.5, "key: A"),
    (15.0, "left"),
    (15.75, "key: A"),
]


@pytest.mark.parametrize(
    ("stimulus", "expected"),
    [
        (("--stimulus", "go, left"), [1.25]),
        (("--stimulus", "go, left", "--stimulus", "go"), [1.25, 0.5]),
        (("--stimulus", "go,left"), [0.5, 0.75]),  # no event has this whole name
        (("--stimulus", "left", "--stimulus", "go"), [0.5, 0.75]),
    ],
)
@pytest.mark.parametrize("source", ["events.tsv", "annotations"])
def test_prepare_with_names_with_commas(source, stimulus, expected, tmp_path: Path, sparseeg) -> None:
    bids = BidsFolder(tmp_path / "bids")
    path = bids.add("A", task="x", events=pd.DataFrame(ROWS, columns=["onset", "value"]))
    if source == "annotations":
        path.with_name("sub-A_task-x_run-1_events.tsv").unlink()
        path.unlink()
        info = mne.create_info(["Fz", "Cz"], 100.0, "eeg")
        noise = 1e-5 * np.random.default_rng(0).standard_normal((2, 2000))
        raw = mne.io.RawArray(noise, info, verbose="error")
        raw.set_annotations(mne.Annotations(*zip(*((at, 0.0, name) for at, name in ROWS), strict=True)))
        mne.export.export_raw(path.with_suffix(".edf"), raw, verbose="error")
    words = ("--task", "own", *stimulus, "--response", "key: A", "--tmin", 0, "--tmax", 1)
    code, text = sparseeg("prepare", bids.root, "--out", tmp_path / "store", *words)
    assert code == 0, text
    assert open_store(tmp_path / "store").targets.tolist() == pytest.approx(expected, abs=1e-9)


def test_the_longest_response_time_is_an_option(tmp_path: Path, sparseeg) -> None:
    bids = BidsFolder(tmp_path / "bids")
    bids.add("A", task="x", events=pd.DataFrame(ROWS, columns=["onset", "value"]))
    words = ("--task", "own", "--stimulus", "go,left", "--response", "key: A", "--tmin", 0, "--tmax", 1)
    code, text = sparseeg("prepare", bids.root, "--out", tmp_path / "store", *words, "--max-rt", 0.6)
    assert code == 0, text
    assert open_store(tmp_path / "store").targets.tolist() == [0.5]
    assert "1 of 2 windows have response times longer than 0.6 s" in text
