"""Windows that were prepared in another way than those of a run never meet it unnoticed."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from helpers.bids_folder import BidsFolder
from helpers.command import assert_one_line
from helpers.epochs_file import write_epochs
from sparseeg.data import load
from sparseeg.data.bids.hbn import CH_NAMES
from sparseeg.data.load import load_like
from sparseeg.data.provenance import Processing
from sparseeg.data.store import open_store, save
from sparseeg.data.store.prepare import Options, prepare
from sparseeg.data.tasks import TaskFile, find_task
from sparseeg.errors import SparseEEGError
from sparseeg.training.inputs import Inputs

FILTER = Processing(low_cut=0.5, high_cut=40.0)  # of the run


@pytest.fixture
def others(tmp_path: Path) -> Path:
    """A BIDS folder of two people who trained no network, on the run's four channels."""
    bids = BidsFolder(tmp_path / "others")
    for seed, name in enumerate(("X", "Y")):
        bids.add(name, seed=seed)
    return bids.root


def predictions(folder: Path) -> pd.Series:
    return pd.read_csv(folder / "predictions.tsv", sep="\t")["prediction"]


@pytest.mark.parametrize("own_data", ["there", "gone"])
def test_other_recordings_are_prepared_like_those_of_the_run(
    own_data: str, version_0_1: Path, others: Path, tmp_path: Path, sparseeg
) -> None:
    prepare(others, tmp_path / "filtered", options=Options(FILTER))
    if own_data == "gone":
        shutil.rmtree(version_0_1 / "store")
    found = {}
    for data in ("others", "filtered"):
        code, text = sparseeg(
            "evaluate", version_0_1 / "run", "--data", tmp_path / data, "--out", tmp_path / f"on-{data}"
        )
        assert code == 0, text
        found[data] = predictions(tmp_path / f"on-{data}")
    assert len(found["others"]) == 4
    assert found["others"].to_numpy() == pytest.approx(found["filtered"].to_numpy(), abs=1e-5)


def test_events_of_other_names_are_said_once(
    version_0_1: Path, others: Path, tmp_path: Path, sparseeg
) -> None:
    for table in others.rglob("*_events.tsv"):
        table.write_text(
            table.read_text().replace("left_target", "links").replace("left_buttonPress", "taste")
        )
    file = TaskFile(stimulus=("links",), response=("taste",), trial_start=("contrastTrial_start",))
    prepare(others, tmp_path / "own", find_task("response-time", file), Options(FILTER))
    code, text = sparseeg("evaluate", version_0_1 / "run", "--data", tmp_path / "own")
    assert code == 0, text
    assert text.count("events of the stimulus are links, ") == 1


def test_a_store_without_the_filter_of_the_run_is_refused(
    version_0_1: Path, others: Path, tmp_path: Path, sparseeg
) -> None:
    prepare(others, tmp_path / "raw")
    result = sparseeg("evaluate", version_0_1 / "run", "--data", tmp_path / "raw")
    assert_one_line(
        *result, "not filtered instead of filtered from 0.5 to 40 Hz", "--low-cut 0.5 --high-cut 40"
    )


def test_a_filtered_and_a_raw_store_do_not_train_together(
    version_0_1: Path, others: Path, tmp_path: Path, sparseeg
) -> None:
    prepare(others, tmp_path / "raw")
    data = ("--data", version_0_1 / "store", "--data", tmp_path / "raw")
    result = sparseeg("train", *data, "--out", tmp_path / "new")
    assert_one_line(*result, f"{tmp_path / 'raw'} does not fit {version_0_1 / 'store'}", "--low-cut 0.5")
    assert not (tmp_path / "new" / "config.yaml").exists()


def test_filtered_and_raw_epochs_do_not_train_together(tmp_path: Path, sparseeg) -> None:
    write_epochs(tmp_path / "filtered" / "sub-01_epo.fif", band=(1.0, 30.0), reference=True)
    write_epochs(tmp_path / "raw" / "sub-02_epo.fif")
    data = ("--data", tmp_path / "filtered", "--data", tmp_path / "raw", "--target", "rt")
    result = sparseeg("train", *data, "--out", tmp_path / "run")
    assert_one_line(
        *result, f"{tmp_path / 'raw'} does not fit", "0 to 50 Hz, with", "instead of 1 to 30 Hz, re-ref"
    )
    like = load(tmp_path / "filtered", target="rt").provenance
    with pytest.raises(SparseEEGError, match="its files say 0 to 50 Hz"):  # as `evaluate --data` reads
        load_like(tmp_path / "raw", like, "the run RUN")


def test_a_run_is_not_resumed_on_data_that_were_prepared_anew(
    version_0_1: Path, tmp_path: Path, sparseeg
) -> None:
    store = open_store(version_0_1 / "store")
    raw = store.select(range(len(store)))
    object.__setattr__(raw, "processing", Processing())
    save(raw, tmp_path / "anew")
    shutil.rmtree(version_0_1 / "store")
    shutil.move(tmp_path / "anew", version_0_1 / "store")
    result = sparseeg("train", "--out", version_0_1 / "interrupted", "--resume")
    assert_one_line(*result, "not filtered instead of filtered", "the run")


def test_a_contradiction_of_task_and_target_is_refused(others: Path, tmp_path: Path, sparseeg) -> None:
    words = ("--task", "externalizing", "--target", "p_factor")
    result = sparseeg("train", "--data", others, *words, "--out", tmp_path / "run")
    assert_one_line(
        *result, "the task externalizing decodes externalizing, not p_factor", "name the task p_factor"
    )


def test_epochs_are_called_after_their_target(tmp_path: Path) -> None:
    write_epochs(tmp_path / "epochs" / "sub-01_epo.fif")
    times = load(tmp_path / "epochs", target="rt", target_unit="ms")
    blocks = load(tmp_path / "epochs", target="block")
    assert (times.task.name, times.locked) == ("rt", True)
    assert (blocks.task.name, blocks.locked) == ("block", False)


def test_what_was_done_to_signals_stays_with_a_saved_store(others: Path, tmp_path: Path) -> None:
    prepared = prepare(others, tmp_path / "prepared", options=Options(FILTER))
    save(prepared, tmp_path / "saved")
    for name in ("prepared", "saved"):
        inputs = Inputs.of(open_store(tmp_path / name))
        assert (inputs.processing.low_cut, inputs.processing.high_cut) == (0.5, 40.0)
        assert inputs.stimulus == ("left_target", "right_target")
        assert inputs.provenance.ch_names == CH_NAMES[-4:]
    assert json.loads((tmp_path / "saved" / "store.json").read_text())["processing"]["low_cut"] == 0.5


def test_own_data_that_were_prepared_anew_cost_the_learned_baselines_only(
    version_0_1: Path, others: Path, tmp_path: Path, sparseeg
) -> None:
    shutil.rmtree(version_0_1 / "store")
    prepare(others, version_0_1 / "store", options=Options(Processing(high_cut=20.0)))
    code, text = sparseeg("evaluate", version_0_1 / "run", "--data", others, "--out", tmp_path / "scores")
    assert code == 0, text
    assert "the run's own data can't be used (" in text
    assert str(version_0_1 / "store") in text
    assert len(predictions(tmp_path / "scores")) == 4


def test_the_unit_of_epochs_can_be_given(version_0_1: Path, tmp_path: Path, sparseeg) -> None:
    write_epochs(tmp_path / "epochs" / "sub-09_epo.fif", n_times=300)
    words = ("evaluate", version_0_1 / "run", "--data", tmp_path / "epochs", "--out", tmp_path / "scores")
    assert_one_line(*sparseeg(*words), "is not known; give it with --target-unit, as s or ms")
    code, text = sparseeg(*words, "--target-unit", "ms")
    assert "--target-unit" not in text, code
    assert_one_line(*sparseeg(*words[:2], "--target-unit", "ms"), "--target-unit is for the recordings of")
