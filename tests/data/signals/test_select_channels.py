"""Channels that are not EEG are left out and said: by channels.tsv, by labels, by the types in the file."""

from pathlib import Path

import edfio
import mne
import numpy as np
import pytest

from sparseeg.data.bids.layout import BidsFile, bids_file
from sparseeg.data.problems import Problem
from sparseeg.data.signals.raw import open_raw
from sparseeg.data.signals.select_channels import Selection, select_channels
from sparseeg.errors import SparseEEGError

MIXED = ("EEG Fp1", "Fp2", "Cz", "ECG ECG", "EOG left", "SaO2", "Resp", "Status")


def recording(folder: Path, names: tuple[str, ...], types: tuple[str, ...] | str = "eeg") -> tuple:
    """Return a recording with these channels, and the file that it has in a BIDS folder."""
    path = folder / "sub-01" / "eeg" / "sub-01_task-x_eeg.bdf"
    path.parent.mkdir(parents=True, exist_ok=True)
    info = mne.create_info(list(names), 100.0, list(types) if isinstance(types, tuple) else types)
    return mne.io.RawArray(np.zeros((len(names), 10)), info, verbose="error"), BidsFile(path, folder)


def chosen(raw: mne.io.BaseRaw, file: BidsFile, named: tuple[str, ...] = ()) -> tuple[Selection, list[str]]:
    problems: list[Problem] = []
    selection = select_channels(raw, file, problems, named)
    assert {problem.lost for problem in problems} <= {"nothing", "channels"}
    return selection, [f"{problem.path.name}: {problem.reason} ({problem.action})" for problem in problems]


def describe(file: BidsFile, text: str, name: str = "sub-01_task-x_channels.tsv", encoding="utf-8") -> None:
    (file.path.parent / name).write_bytes(text.encode(encoding))


def test_without_a_table_labels_and_the_files_own_types_decide(tmp_path):
    raw, file = recording(tmp_path, MIXED, ("eeg",) * 6 + ("misc", "stim"))
    selection, said = chosen(raw, file)
    assert selection == Selection(("EEG Fp1", "Fp2", "Cz"))
    assert said == [
        f"sub-01_task-x_eeg.bdf: 1 of 8 channels is not EEG ({kind}: {name}) (left out)"
        for kind, name in (
            ("BIO", "SaO2"), ("ECG", "ECG ECG"), ("EOG", "EOG left"), ("MISC", "Resp"), ("TRIG", "Status"),
        )
    ]  # fmt: skip


def test_all_eeg_says_nothing(tmp_path):
    raw, file = recording(tmp_path, ("E1", "E2", "Cz"))
    assert chosen(raw, file) == (Selection(("E1", "E2", "Cz")), [])


def test_a_recording_without_eeg_is_refused_by_type(tmp_path):
    raw, file = recording(tmp_path, ("ECG", "SaO2"))
    with pytest.raises(SparseEEGError, match=r"none of its 2 channels is EEG \(BIO: SaO2; ECG: ECG\)"):
        chosen(raw, file)


@pytest.mark.parametrize(
    ("place", "encoding"),
    [
        ("sub-01/eeg/sub-01_task-x_channels.tsv", "utf-8"),
        ("sub-01/eeg/sub-01_task-x_channels.tsv", "latin-1"),
        ("sub-01/eeg/sub-01_task-x_channels.tsv", "utf-16"),
        ("task-x_channels.tsv", "utf-8"),
        ("sub-01/sub-01_channels.tsv", "utf-8"),
    ],
)
def test_the_table_is_found_and_read_as_people_have_it(tmp_path, place, encoding):
    raw, file = recording(tmp_path, ("EEG Fp1-REF", "CZ ", "A7", "A8"))
    text = "Name\ttype\tunits\nFp1\tEEG\tµV\ncz\teeg\tµV\nA7\tEOG\tµV\nA8\tMISC\tµV\n"
    (tmp_path / place).write_bytes(text.encode(encoding))
    selection, said = chosen(raw, file)
    assert selection.names == ("EEG Fp1-REF", "CZ ")
    assert said[-2].endswith("1 of 4 channels is not EEG (EOG: A7) (left out)")
    assert said[-1].endswith("1 of 4 channels is not EEG (MISC: A8) (left out)")
    assert len(said) == 2 + (encoding == "latin-1")  # which is said


def test_a_table_decides_against_labels_and_an_eeg_that_is_called_ecg_is_said(tmp_path):
    raw, file = recording(tmp_path, ("Fp1", "ECG", "T7"))
    describe(file, "name\ttype\nFp1\tEEG\nECG\tEEG\nT7\tEMG\n")
    selection, said = chosen(raw, file)
    assert selection.names == ("Fp1", "ECG")
    assert "it says that ECG (ECG by its label) is EEG (kept as EEG)" in said[0]
    assert "1 of 3 channels is not EEG (EMG: T7)" in said[1]


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ("", "is empty (not used; the types of channels are those of the file and its labels)"),
        ("label\ttype\nFp1\tEOG\n", "it has no column name (not used;"),
        ("name\tunits\nFp1\tuV\nFp2\tuV\nECG ECG\tuV\n", "it has no column type (the types of channels are"),
        ("name\ttype\nA1\tEEG\nA2\tEEG\n", "it names none of the recording's channels: 2 names: A1, A2;"),
        ("name\ttype\nFp1\tEEG\nECG ECG\tECG\n", "it doesn't describe 1 channel: Fp2 (taken as EEG, by"),
        ("name\ttype\nFp1\tEEG\nFp2\tEEG\nFp1\tEOG\n", "it describes Fp1 more than once (the first line"),
        ("name\ttype\nFp1\tEEG\tEOG\n", "line 2 has 3 cells, but the header names 2 columns (not used;"),
    ],
)
def test_what_of_a_table_is_not_used_is_said_and_labels_decide(tmp_path, table, reason):
    raw, file = recording(tmp_path, ("Fp1", "Fp2", "ECG ECG"))
    describe(file, table)
    selection, said = chosen(raw, file)
    assert selection.names == ("Fp1", "Fp2")
    assert any(reason in line and line.startswith("sub-01_task-x_channels.tsv") for line in said), said


def test_a_table_that_was_not_fetched_is_said(tmp_path):
    raw, file = recording(tmp_path, ("Fp1", "ECG"))
    (file.path.parent / "sub-01_task-x_channels.tsv").symlink_to(tmp_path / "nowhere")
    selection, said = chosen(raw, file)
    assert selection.names == ("Fp1",)
    assert "copy that file as well (not used" in said[0]


def test_bad_channels_of_the_file_and_of_the_table(tmp_path):
    raw, file = recording(tmp_path, ("Fp1", "Fp2", "Cz", "ECG"))
    raw.info["bads"] = ["Cz", "ECG"]
    describe(file, "name\ttype\tstatus\nFP1\tEEG\tBad\nFp2\tEEG\tgood\nCz\tn/a\tn/a\nECG\tn/a\tn/a\n")
    assert chosen(raw, file)[0] == Selection(("Fp1", "Fp2", "Cz"), ("Fp1", "Cz"))


def test_what_somebody_asks_for_by_name_is_eeg_unless_the_table_says_otherwise(tmp_path):
    raw, file = recording(tmp_path, ("Fp1", "EXG1", "EXG2"))
    assert chosen(raw, file)[0].names == ("Fp1",)
    assert chosen(raw, file, ("exg1",))[0].names == ("Fp1", "EXG1")
    describe(file, "name\ttype\nFp1\tEEG\nEXG1\tEOG\nEXG2\tMISC\n")
    assert chosen(raw, file, ("exg1",))[0].names == ("Fp1",)


def test_labels_that_several_channels_have_are_named(tmp_path):
    path = tmp_path / "twice.edf"
    signals = [
        edfio.EdfSignal(np.arange(-50.0, 50.0), 100.0, label=label, physical_dimension="uV")
        for label in ("Fp1", "Cz", "Fp1", "cz")
    ]
    edfio.Edf(signals, data_record_duration=1).write(path)
    with mne.utils.use_log_level("error"):
        raw = open_raw(path)
    selection, said = chosen(raw, bids_file(path))
    assert selection.names == ("Fp1-0", "Cz", "Fp1-1", "cz")
    assert said == [
        "twice.edf: 2 channels have the label Fp1 (read as Fp1-0 and Fp1-1)",
        "twice.edf: Cz and cz are names of the same channel (kept as different channels)",
    ]


def test_numbered_channels_are_no_duplicates(tmp_path):
    raw, file = recording(tmp_path, tuple(f"Ch-{number}" for number in range(8)))
    assert chosen(raw, file)[1] == []


def test_the_ecg_of_real_recordings_is_left_out_and_said(shared_data):
    for path in sorted((shared_data / "eegmat").glob("*.edf"))[:3]:
        with mne.utils.use_log_level("error"):
            raw = open_raw(path)
        selection, said = chosen(raw, bids_file(path))
        assert selection.names == tuple(raw.ch_names[:-1])
        assert "EEG A2-A1" in selection.names
        assert said == [f"{path.name}: 1 of 21 channels is not EEG (ECG: ECG ECG) (left out)"]
