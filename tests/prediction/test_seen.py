"""Predictions for people whom the network has seen are said to be so."""

import json
from pathlib import Path

import pytest

from sparseeg.prediction.seen import seen_before
from sparseeg.training.lineage import seen_by


@pytest.mark.parametrize(("part", "did"), [("train", "trained"), ("valid", "validated"), ("test", None)])
def test_who_shaped_the_network_is_said(version_0_1: Path, part: str, did: str | None) -> None:
    run = version_0_1 / "run"
    subject = json.loads((run / "splits.json").read_text())[0][part][0]
    notes = seen_before(
        seen_by(run), Path(subject) / "eeg" / f"{subject}_task-contrastChangeDetection_eeg.bdf"
    )
    if did is None:
        assert notes == []
    else:
        (note,) = notes
        assert note.startswith(f"a subject called {subject} {did} this network: if this is the same person,")
        assert "another laboratory" in note


@pytest.mark.parametrize("ending", ["_epo.fif", "-epo.fif", "-epo.fif.gz", "_ses-1-epo.fif"])
def test_both_endings_of_epochs_name_the_subject(version_0_1: Path, ending: str) -> None:
    subject = json.loads((version_0_1 / "run" / "splits.json").read_text())[0]["train"][0]
    assert len(seen_before(seen_by(version_0_1 / "run"), Path(f"{subject}{ending}"))) == 1


def test_names_without_a_subject_say_nothing(version_0_1: Path) -> None:
    assert seen_before(seen_by(version_0_1 / "run"), Path("recording.bdf")) == []
