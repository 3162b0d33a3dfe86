"""The trial rule on the real labels of HBN-EEG release 5, without signals."""

import zipfile

import numpy as np
import pandas as pd
import pytest

from helpers.bids_folder import BidsFolder, contrast_events
from sparseeg.data.bids.hbn import EXCLUDED_SUBJECTS
from sparseeg.data.read_bids import read_trials
from sparseeg.errors import SparseEEGError


@pytest.fixture(scope="module")
def labels(real_labels, tmp_path_factory) -> pd.DataFrame:
    folder = tmp_path_factory.mktemp("r5")
    with zipfile.ZipFile(real_labels / "ds005509-labels.zip") as archive:
        archive.extractall(folder)
    trials, problems = read_trials(folder / "ds005509")
    assert problems == ()
    return trials


def test_release_5_has_the_known_trials(labels):
    answered = labels.dropna(subset=["rt"])
    assert labels["file"].nunique() == 745
    assert labels["stimulus"].notna().sum() == 17_880
    assert answered["subject"].nunique() == 260
    assert len(answered) == 15_144
    assert not set(answered["subject"]) & EXCLUDED_SUBJECTS


def test_release_5_has_the_known_response_times(labels):
    rt = labels["rt"].dropna().to_numpy()
    assert rt.mean() == pytest.approx(1.5894, abs=5e-5)
    assert rt.std() == pytest.approx(0.39299, abs=5e-6)
    assert np.sqrt(np.mean(rt**2)) / rt.std() == pytest.approx(4.16604, abs=5e-6)


def test_release_5_has_its_subject_table_joined(labels):
    assert set(labels["release"]) == {"R5"}
    assert labels["age"].between(5, 22).all()
    assert set(labels["sex"]) == {"M", "F"}


def test_a_bad_events_file_is_reported_and_the_others_are_read(bids: BidsFolder):
    for subject in ("A", "B"):
        bids.add(subject)
    bids.write_participants({"A": ("R1", "F", "8"), "B": ("R1", "M", "9")})
    path = bids.root / "sub-A" / "eeg" / "sub-A_task-contrastChangeDetection_run-1_events.tsv"
    path.write_text("onset\tvalue\nsoon\tcontrastTrial_start\n")
    trials, problems = read_trials(bids.root)
    assert set(trials["subject"]) == {"sub-B"}
    assert [(problem.path, problem.lost) for problem in problems] == [(path, "recording")]
    assert "row 1: 'soon'" in problems[0].reason


def test_a_folder_without_such_events_is_an_error(bids: BidsFolder):
    bids.add("A", task="RestingState", events=contrast_events([4.0], [1.0]))
    with pytest.raises(
        SparseEEGError, match=r"no events file of the task .*; tasks found: RestingState \(1\)"
    ):
        read_trials(bids.root)
