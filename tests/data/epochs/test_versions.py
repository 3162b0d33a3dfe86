"""Two versions of the same trials, whose names don't say so: no trial counts twice."""

import numpy as np
import pytest

from helpers.epochs_file import write_epochs
from sparseeg.data.epochs.read import read_epochs
from sparseeg.errors import SparseEEGError

TIMES = (310.0, 450.0, 620.0, 710.0)
EVENTS = (120, 410, 835, 1203)


def noise(seed: int, n_epochs: int = 4) -> np.ndarray:
    return 10.0 * np.random.default_rng(seed).standard_normal((n_epochs, 3, 100))


@pytest.mark.parametrize("events", [EVENTS, None])
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("sub-01_epo.fif", "sub-01_clean_epo.fif"),
        ("sub-01_filtered-epo.fif", "sub-01_raw-epo.fif"),
        ("subject1_a-epo.fif", "subject1_b-epo.fif"),
        ("sub-01_run-1_epo.fif", "sub-01_run-1_clean_epo.fif"),
        ("sub-01_task-x_epo.fif", "sub-01_clean_epo.fif"),
        ("sub-01/eeg/task-x_epo.fif", "sub-01/ica/task-x_epo.fif"),
    ],
)
def test_two_versions_of_the_same_trials_are_refused(tmp_path, one, other, events):
    for seed, name in enumerate((one, other)):
        write_epochs(tmp_path / name, rt=TIMES, events=events, data=noise(seed))
    with pytest.raises(SparseEEGError, match="4 epochs of the same trials") as refused:
        read_epochs(tmp_path, target="rt", target_unit="ms")
    assert one in str(refused.value)
    assert other in str(refused.value)
    assert "move one of them out of the folder, or name them _proc-NAME and choose one with --proc" in str(
        refused.value
    )


def test_a_version_without_some_trials_is_refused(tmp_path):
    write_epochs(tmp_path / "sub-01_epo.fif", rt=TIMES, events=EVENTS)
    write_epochs(tmp_path / "sub-01_clean_epo.fif", rt=TIMES[1:], events=EVENTS[1:])
    with pytest.raises(SparseEEGError, match="3 epochs of the same trials"):
        read_epochs(tmp_path, target="rt", target_unit="ms")


@pytest.mark.parametrize(
    ("other", "rt", "events"),
    [
        ("sub-01_b_epo.fif", TIMES, (90, 300, 705, 990)),  # other events
        ("sub-01_b_epo.fif", (500.0, 480.0, 390.0, 610.0), EVENTS),  # other responses
        ("sub-01_b_epo.fif", (310.0, 480.0, 390.0, 610.0), EVENTS),  # one in common by chance
        ("sub-02_epo.fif", TIMES, EVENTS),  # of another person
    ],
)
def test_other_trials_are_no_versions(tmp_path, other, rt, events):
    write_epochs(tmp_path / "sub-01_a_epo.fif", rt=TIMES, events=EVENTS)
    write_epochs(tmp_path / other, rt=rt, events=events)
    assert len(read_epochs(tmp_path, target="rt", target_unit="ms")) == 8


@pytest.mark.parametrize("events", [EVENTS, None])
def test_runs_with_the_same_order_of_categories_are_no_versions(tmp_path, events):
    for run in (1, 2):
        write_epochs(tmp_path / f"sub-01_run-{run}_epo.fif", rt=(0.0, 1.0, 0.0, 1.0), events=events)
    assert len(read_epochs(tmp_path, target="rt")) == 8


def test_categories_that_agree_by_chance_make_no_versions_of_epochs_without_events_of_their_own(tmp_path):
    """MNE numbers such epochs, so that the numbers are the same in all files."""
    write_epochs(tmp_path / "sub-01_a_epo.fif", rt=(0.0, 1.0, 0.0, 1.0))
    write_epochs(tmp_path / "sub-01_b_epo.fif", rt=(0.0, 1.0, 0.0, 0.0))
    assert len(read_epochs(tmp_path, target="rt")) == 8


def test_the_same_samples_are_copies_that_count_once(tmp_path):
    for name in ("sub-01_epo.fif", "sub-01_clean_epo.fif"):
        write_epochs(tmp_path / name, rt=TIMES, events=EVENTS, data=noise(0))
    windows = read_epochs(tmp_path, target="rt", target_unit="ms")
    assert len(windows) == 4
    assert "have the same samples as" in windows.problems[0].reason
