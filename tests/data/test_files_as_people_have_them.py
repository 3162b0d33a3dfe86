"""One recording of sixty trials in every format and with every damage: the same windows, or a named problem.

A new case is a new row of `CASES`: what is written, which trials are lost, and what is said.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mne.utils import check_version

from helpers import toy_recording as toy
from helpers.toy_recording import CH_NAMES, ONSETS, SFREQ, TRIALS, WRITERS, Mark
from sparseeg.data.provenance import Processing
from sparseeg.data.read_bids import read_bids
from sparseeg.data.signals.new_recording import read_new
from sparseeg.data.store.prepare import Options, prepare
from sparseeg.data.tasks import Task, TaskFile, find_task
from sparseeg.errors import SparseEEGError

DATA = toy.samples()
TASK = find_task("response-time", TaskFile(stimulus=("go",), response=("press",)))


@dataclass(frozen=True)
class Case:
    """A recording, and what must come of it.

    Parameters
    ----------
    ending : the format.
    marks : annotations in the file, in seconds.
    rows : further rows (onset, duration, value) of events.tsv.
    data : (channel, time) microvolts.
    options : of the writer of the format.
    lost : numbers of the trials that are left out.
    said : what the problems say, in this order.
    refused : what the error says if no window can be read.
    change : changes the events before they are written.
    text : changes the content of events.tsv; None removes it.
    tables : further files of the folder: path and content.
    """

    ending: str
    marks: tuple[Mark, ...] = ()
    rows: tuple[Mark, ...] = ()
    data: np.ndarray | None = None
    options: tuple[tuple[str, Any], ...] = ()
    lost: tuple[int, ...] = ()
    said: tuple[str, ...] = ()
    refused: str | None = None
    change: Callable[[pd.DataFrame], pd.DataFrame] | None = None
    text: Callable[[str], bytes | None] | None = None
    tables: tuple[tuple[str, bytes], ...] = ()

    def write(self, root: Path) -> Path:
        """Write a BIDS folder with the recording, and return the path of its signal."""
        folder = root / "sub-A" / "eeg"
        folder.mkdir(parents=True)
        (root / "participants.tsv").write_text("participant_id\nsub-A\n")
        events = toy.events()
        for onset, duration, name in self.rows:
            events.loc[len(events)] = [f"{onset:.6f}", f"{duration:.6f}", name]
        if self.change is not None:
            events = self.change(events)
        table = folder / "sub-A_task-go_events.tsv"
        events.to_csv(table, sep="\t", index=False, na_rep="n/a")
        if self.text is not None:
            content = self.text(table.read_text())
            table.unlink() if content is None else table.write_bytes(content)
        for name, content in self.tables:
            (root / name).write_bytes(content)
        path = folder / f"sub-A_task-go_eeg{self.ending}"
        WRITERS[self.ending](path, self.samples, self.marks, **dict(self.options))
        return path

    @property
    def samples(self) -> np.ndarray:
        return DATA if self.data is None else self.data

    @property
    def kept(self) -> list[int]:
        return [trial for trial in range(TRIALS) if trial not in self.lost]


def changed(trials: Sequence[int], value: float) -> np.ndarray:
    """Return the samples with one value in all windows of some trials."""
    data = DATA.copy()
    for onset in ONSETS[list(trials)]:
        first = round((onset + 0.5) * SFREQ)
        data[:, first : first + 2 * SFREQ] = value
    return data


EMG = ("EMG chin", 10 * SFREQ, toy.samples(10 * SFREQ, 1)[0])
RESP = ("Resp nasal", 1, toy.samples(1, 1)[0])
RATES = {"others": (EMG, RESP)}
TWO_RATES = "several sampling rates; read at 100 Hz, without 2 channels: EMG chin, Resp nasal"
CUT_INSIDE = "1 of 60 windows have a cut of the recording inside"
BAD = "of 60 windows overlap a stretch marked as bad"
# trial 5 is shown at 24 s; its window reaches from 24.5 to 26.5 s, and its response comes at 24.75 s
IN_WINDOW, BEFORE_WINDOW, BETWEEN_TRIALS = 25.5, 24.2, 27.0
LATE = "1 of 60 windows have a cut of the recording between their stimulus and their response"


def recording_type(kind: str) -> tuple[str, bytes]:
    return "task-go_eeg.json", f'{{"RecordingType": "{kind}"}}'.encode()


def as_samples(events: pd.DataFrame) -> pd.DataFrame:
    return events.assign(onset=(events["onset"].astype(float) * SFREQ).round().astype(int))


MARKS = tuple((float(onset), 0.0, name) for onset, name in toy.events()[["onset", "value"]].to_numpy())
TABLES = {
    "trailing tabs": Case(".bdf", text=lambda text: text.replace("go\n", "go\t\t\n").encode()),
    "an unbalanced quote": Case(".bdf", text=lambda text: text.replace("n/a\tgo", '"x\tgo', 1).encode()),
    "blanks around cells": Case(".bdf", text=lambda text: text.replace("\t", "  \t ").encode()),
    "capital headers": Case(".bdf", text=lambda text: text.replace("onset", "Onset").encode()),
    "UTF-16": Case(".bdf", text=lambda text: text.encode("utf-16")),
    "UTF-8 with a byte order mark": Case(".bdf", text=lambda text: text.encode("utf-8-sig")),
    "carriage returns": Case(".bdf", text=lambda text: text.replace("\n", "\r\n").encode()),
    "cp1252": Case(
        ".bdf", text=lambda text: text.replace("n/a", "µ").encode("cp1252"), said=("it is not UTF-8",)
    ),
    "decimal commas": Case(
        ".bdf", text=lambda text: text.replace(".", ",").encode(), refused="'4,000000' is not a finite number"
    ),
    "trial_type in place of value": Case(
        ".bdf",
        change=lambda events: events.assign(trial_type=events["value"], value=1),
        said=("the named events are in the column trial_type, not in value",),
    ),
    "onsets in samples": Case(".bdf", change=as_samples, refused="are they in samples or milliseconds?"),
    **{
        f"no events.tsv beside {ending}": Case(
            ending, MARKS, text=lambda text: None, said=("does not exist",)
        )
        for ending in (".bdf", ".edf", ".set")
    },
}
HEART = ("ECG", SFREQ, toy.samples(SFREQ, 1)[0])
OTHER = ("A7", SFREQ, toy.samples(SFREQ, 1)[0])
ROWS = "".join(f"{name.lower()}\tEEG\t\xb5V\n" for name in CH_NAMES)
CHANNELS_TSV = f"name\ttype\tunits\n{ROWS}A7\tEOG\t\xb5V\n"
OWN_TABLE = "sub-A/eeg/sub-A_task-go_channels.tsv"
LEFT_OUT = f"1 of {len(CH_NAMES) + 1} channels is not EEG"

CASES = {
    **TABLES,
    **{f"plain {ending}": Case(ending) for ending in (".bdf", ".edf", ".vhdr", ".set")},
    **{f"plain {ending}": Case(ending) for ending in (".BDF", ".EDF", ".VHDR")},
    **({"plain .SET": Case(".SET")} if check_version("mne", "1.13") else {}),  # which MNE refused before
    **{
        f"{ending} in a BIDS folder": Case(
            ending, said=(f"1 of 1 recordings end in {ending}, a format that BIDS has not for EEG",)
        )
        for ending in (".fif", ".fif.gz", ".cnt")
    },
    "BrainVision files that were renamed": Case(
        ".vhdr",
        options=(("named", "old"),),
        said=(
            "names old.eeg as DataFile, which is missing; sub-A_task-go_eeg.eeg is read instead",
            "names old.vmrk as MarkerFile, which is missing; sub-A_task-go_eeg.vmrk is read instead",
        ),
    ),
    "BrainVision samples in a .dat file": Case(".vhdr", options=(("data_file", "x.dat"),)),
    "EEGLAB samples in an .fdt file": Case(".set", options=(("fdt", "x.fdt"),)),
    **{
        f"two more sampling rates in {ending}": Case(ending, options=tuple(RATES.items()), said=(TWO_RATES,))
        for ending in (".bdf", ".edf")
    },
    **{
        f"{ending} that may have gaps but has none": Case(ending, options=(("gaps", {}),))
        for ending in (".bdf", ".edf")
    },
    **{
        f"{ending} with two gaps": Case(
            ending,
            options=(("gaps", {30: 40.0, 50: 0.5}),),
            refused="2 gaps between its records, the first after 30 s of signal",
        )
        for ending in (".bdf", ".edf")
    },
    **{
        f"{name} inside a window of {ending}": Case(
            ending, ((IN_WINDOW, 0.0, name),), lost=(5,), said=(CUT_INSIDE,)
        )
        for ending, name in [
            (".vhdr", "New Segment"),
            (".set", "boundary"),
            (".edf", "boundary"),
            (".bdf", "EDGE boundary"),
            (".bdf", "BAD boundary"),
            (".edf", "discontinuity"),
        ]
    },
    "a boundary in events.tsv": Case(
        ".bdf", rows=((IN_WINDOW, 0.0, "boundary"),), lost=(5,), said=(CUT_INSIDE,)
    ),
    "a cut between stimulus and window": Case(
        ".vhdr", ((BEFORE_WINDOW, 0.0, "New Segment"),), lost=(5,), said=(LATE,)
    ),
    "a cut between trials": Case(".vhdr", ((BETWEEN_TRIALS, 0.0, "New Segment"),)),
    "a cut at the start of a window": Case(".set", ((24.5, 0.0, "boundary"),), lost=(5,), said=(LATE,)),
    **{
        f"BAD over two trials in {ending}": Case(
            ending, ((26.0, 3.0, "BAD_muscle"),), lost=(5, 6), said=(f"2 {BAD} (BAD_muscle)",)
        )
        for ending in (".bdf", ".edf", ".set")
    },
    "BAD in a comment of BrainVision": Case(
        ".vhdr", ((26.0, 3.0, "BAD_muscle"),), lost=(5, 6), said=(f"2 {BAD} (Comment/BAD_muscle)",)
    ),
    **{
        f"a cut in a comment of BrainVision, {name}": Case(
            ".vhdr", ((IN_WINDOW, 0.0, name),), lost=(5,), said=(CUT_INSIDE,)
        )
        for name in ("boundary", "EDGE boundary", "LostSamples: 40")
    },
    "BAD over two trials in events.tsv": Case(
        ".vhdr", rows=((26.0, 3.0, "BAD_muscle"),), lost=(5, 6), said=(f"2 {BAD} (BAD_muscle)",)
    ),
    "bad in events.tsv": Case(".set", rows=((25.0, 0.1, "bad"),), lost=(5,), said=(f"1 {BAD} (bad)",)),
    "a boundary of EEGLAB among numbers": Case(
        ".set", ((IN_WINDOW, 5.0, -99.0), (2.0, 0.0, 7.0)), lost=(5,), said=(CUT_INSIDE,)
    ),
    "a missing value among events that is no boundary": Case(".set", rows=((IN_WINDOW, 0.0, "-99"),)),
    **{
        f"a recording that is {kind} without a cut": Case(
            ".edf", tables=(recording_type(kind),), said=(f"says that it is {kind.lower()}, but no cut",)
        )
        for kind in ("discontinuous", "epoched", "Discontinuous")
    },
    "a recording that is discontinuous with a cut": Case(
        ".edf", ((BETWEEN_TRIALS, 0.0, "boundary"),), tables=(recording_type("discontinuous"),)
    ),
    "a recording that is continuous": Case(".edf", tables=(recording_type("continuous"),)),
    "an event that only starts like bad": Case(".set", rows=((25.0, 0.1, "badge"),)),
    "BAD up to the start of a window": Case(".bdf", ((23.0, 1.5, "BAD_x"),)),
    "BAD from the end of a window": Case(".bdf", ((26.5, 1.5, "BAD_x"),)),
    "zeros in three windows": Case(
        ".bdf", data=changed((3, 4, 9), 0.0), said=("3 of 60 windows hold a constant signal",)
    ),
    "a constant in three windows": Case(
        ".vhdr", data=changed((3, 4, 9), 12.5), said=("3 of 60 windows hold a constant signal",)
    ),
    **{
        f"an ECG without a table in {ending}": Case(
            ending, options=(("others", (HEART,)),), said=(f"{LEFT_OUT} (ECG: ECG)",)
        )
        for ending in (".bdf", ".edf")
    },
    **{
        f"channels.tsv in {encoding} at {place}": Case(
            ".edf",
            options=(("others", (OTHER,)),),
            tables=((place, CHANNELS_TSV.encode(encoding)),),
            said=(*(("it is not UTF-8",) if encoding == "latin-1" else ()), f"{LEFT_OUT} (EOG: A7)"),
        )
        for place in (OWN_TABLE, "channels.tsv", "sub-A/sub-A_channels.tsv")
        for encoding in ("utf-8", "latin-1", "utf-16")
    },
    "a channels.tsv of other channels": Case(
        ".bdf",
        options=(("others", (HEART,)),),
        tables=((OWN_TABLE, b"name\ttype\nX1\tEEG\nX2\tEEG\n"),),
        said=("it names none of the recording's channels: 2 names: X1, X2", f"{LEFT_OUT} (ECG: ECG)"),
    ),
    "a damaged channels.tsv": Case(
        ".bdf", tables=((OWN_TABLE, b"name\ttype\nX1\tEEG\tEEG\n"),), said=("line 2 has 3 cells",)
    ),
    "NaN in two windows": Case(
        ".set", data=changed((7, 8), np.nan), lost=(7, 8), said=("2 of 60 windows hold NaN",)
    ),
}
ALL = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


def prepared(case: Case, folder: Path, task: Task = TASK, **options: Any) -> Any:
    return prepare(folder / "bids", folder / "store", task, Options(**{"margin": 0.0, **options}))


@ALL
def test_prepare_gives_the_same_windows_or_says_why_not(case: Case, tmp_path: Path) -> None:
    case.write(tmp_path / "bids")
    if case.refused is not None:
        with pytest.raises(SparseEEGError) as caught:
            prepared(case, tmp_path)
        assert case.refused in str(caught.value)
        return
    found = prepared(case, tmp_path)
    assert found.ch_names == CH_NAMES
    assert found.table["trial"].tolist() == case.kept
    expected = toy.windows(case.samples, case.kept)
    np.testing.assert_allclose(found.gather(np.arange(len(found))), expected, rtol=1e-6, atol=1e-6)
    assert found.targets == pytest.approx(toy.RESPONSE_TIMES[case.kept], abs=2e-6)
    reasons = [problem.reason for problem in found.problems]
    assert len(reasons) == len(case.said), reasons
    for reason, words in zip(reasons, case.said, strict=True):
        assert words in reason
    assert sum(problem.count for problem in found.problems if problem.lost == "windows") == len(case.lost)


NEW = {
    **{f"plain {ending}": Case(ending) for ending in WRITERS if ending != ".SET"},
    **{name: case for name, case in CASES.items() if not case.data is not None},
    "EDGE in FIF": Case(".fif", ((IN_WINDOW, 0.0, "EDGE boundary"),), lost=(5,)),
    "BAD in FIF": Case(".fif", ((26.0, 3.0, "BAD_muscle"),), lost=(5, 6)),
}


@pytest.mark.parametrize("case", NEW.values(), ids=NEW.keys())
def test_predict_reads_the_same_samples_and_breaks(case: Case, tmp_path: Path) -> None:
    path = case.write(tmp_path / "bids")
    wanted = [{"ch_name": name, "loc": None} for name in CH_NAMES]
    if case.refused is not None:
        with pytest.raises(SparseEEGError) as caught:
            read_new(path, wanted, Processing())
        assert case.refused in str(caught.value)
        return
    found = read_new(path, wanted, Processing())
    assert any("no cut is marked" in note for note in found.notes) == any("no cut" in s for s in case.said)
    np.testing.assert_allclose(found.signal, case.samples, rtol=1e-6, atol=1e-6)
    stimulus = np.round(ONSETS * SFREQ).astype(int)
    first, last = stimulus + SFREQ // 2, stimulus + 5 * SFREQ // 2
    touched = found.breaks.bad_inside(first, last) | found.breaks.cut_inside(stimulus, last)
    assert np.flatnonzero(touched).tolist() == list(case.lost)


@pytest.mark.parametrize("ending", [".bdf", ".edf"])
def test_windows_in_bad_stretches_are_kept_on_demand(ending: str, tmp_path: Path) -> None:
    case = Case(ending, ((26.0, 3.0, "BAD_muscle"), (IN_WINDOW + 20, 0.0, "boundary")), lost=(10,))
    case.write(tmp_path / "bids")
    found = prepared(case, tmp_path, keep_bad=True)
    assert found.table["trial"].tolist() == case.kept
    assert [problem.lost for problem in found.problems] == ["nothing", "windows"]


def test_no_window_is_moved_into_a_break(tmp_path: Path) -> None:
    # the cut lies 0.3 s after the window of trial 5, the bad stretch 0.1 s before that of trial 7
    case = Case(".edf", ((26.8, 0.0, "boundary"), (31.0, 1.4, "BAD_x")))
    case.write(tmp_path / "bids")
    table = prepared(case, tmp_path, margin=0.5).table
    before, after = table["start"] - table["earliest"], table["latest"] - table["start"]
    assert after[[4, 5, 6]].tolist() == [50, 30, 50]
    assert before[[5, 6, 7]].tolist() == [50, 50, 10]


@pytest.mark.parametrize("sfreq", [250.0, 50.0])
def test_each_side_of_a_cut_is_filtered_and_resampled_as_a_recording_of_its_own(
    sfreq: float, tmp_path: Path
) -> None:
    cut = 131  # seconds, between two trials: a sample of every rate
    processing = Processing(sfreq, low_cut=1.0)
    jump = DATA + np.where(np.arange(DATA.shape[1]) < cut * SFREQ, 0.0, 300.0)
    Case(".vhdr", ((float(cut), 0.0, "New Segment"),), data=jump).write(tmp_path / "bids")
    found = read_bids(tmp_path / "bids", task=TASK, processing=processing)
    parts = []
    for name, part in (("before", slice(0, cut * SFREQ)), ("after", slice(cut * SFREQ, None))):
        path = tmp_path / name / "a_raw.fif"
        path.parent.mkdir()
        toy.write_fif(path, jump[:, part])
        wanted = [{"ch_name": channel, "loc": None} for channel in CH_NAMES]
        parts.append(read_new(path, wanted, processing).signal)
    whole = np.concatenate(parts, axis=1)
    rows = found.table["trial"].to_numpy()
    assert rows.tolist() == list(range(TRIALS))
    first = np.round(ONSETS[rows] * sfreq).astype(int) + round(0.5 * sfreq)
    expected = np.stack([whole[:, begin : begin + round(2 * sfreq)] for begin in first])
    np.testing.assert_allclose(found.gather(np.arange(len(found))), expected, rtol=1e-5, atol=1e-4)


def test_windows_on_a_grid_avoid_breaks_too(tmp_path: Path) -> None:
    for name, marks in (("plain", ()), ("broken", ((61.3, 0.0, "boundary"), (100.0, 1.0, "BAD_x")))):
        Case(".edf", marks).write(tmp_path / name)
        (tmp_path / name / "participants.tsv").write_text("participant_id\tage\nsub-A\t30\n")
    whole, found = (read_bids(tmp_path / name, task=find_task("age")) for name in ("plain", "broken"))
    start = np.round(whole.table["onset"].to_numpy() * SFREQ).astype(int)
    stop = start + whole.n_times
    free = ~((start < 6130) & (stop > 6130)) & ~((start < 10100) & (stop > 10000))
    assert 0 < np.sum(~free) < 6
    assert found.table["trial"].tolist() == np.flatnonzero(free).tolist()
    expected = np.stack([DATA[:, begin : begin + whole.n_times] for begin in start[free]])
    np.testing.assert_allclose(found.gather(np.arange(len(found))), expected, rtol=1e-6, atol=1e-6)
    assert sum(problem.count for problem in found.problems) == np.sum(~free)
