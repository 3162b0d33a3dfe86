"""Tiny BIDS folders for the tests: real BDF and EEGLAB files with known samples."""

import json
from pathlib import Path

import edfio
import numpy as np
import pandas as pd
from scipy.io import savemat

from sparseeg.data.bids.hbn import CH_NAMES

TASK = "contrastChangeDetection"
PARTICIPANTS = "participant_id\trelease_number\tsex\tage\texternalizing\n"


def contrast_events(stimuli: list[float], rts: list[float | None], side: str = "left") -> pd.DataFrame:
    """Return the events of a run whose stimuli come at `stimuli` seconds; None is a missed one."""
    rows: list[tuple[float, str, str]] = [(0.0, "break cnt", "n/a")]
    for stimulus, rt in zip(stimuli, rts, strict=True):
        rows += [(stimulus - 2.8, "contrastTrial_start", "n/a"), (stimulus, f"{side}_target", "n/a")]
        if rt is not None:
            rows.append((stimulus + rt, f"{side}_buttonPress", "smiley_face"))
    rows.append((stimuli[-1] + 2.5, "contrastTrial_start", "n/a"))
    table = pd.DataFrame(rows, columns=["onset", "value", "feedback"])
    table.insert(1, "duration", "n/a")
    return table.assign(onset=table["onset"].round(6), event_code="n/a")


class BidsFolder:
    """A BIDS folder under construction."""

    def __init__(self, root: Path, *, simulated: bool = False) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        description = {"Name": "test", "BIDSVersion": "1.9.0", "DatasetType": "raw"}
        if simulated:
            description |= {"Simulated": True}
        (root / "dataset_description.json").write_text(json.dumps(description))
        self.write_participants({})

    def write_participants(self, rows: dict[str, tuple[str, str, str]]) -> None:
        """Write one row (release, sex, age) per subject."""
        lines = [f"sub-{name}\t{release}\t{sex}\t{age}\tn/a\n" for name, (release, sex, age) in rows.items()]
        (self.root / "participants.tsv").write_text(PARTICIPANTS + "".join(lines))

    def add(
        self,
        subject: str,
        *,
        run: int = 1,
        task: str = TASK,
        events: pd.DataFrame | None = None,
        data: np.ndarray | None = None,
        ch_names: tuple[str, ...] = CH_NAMES[-4:],
        sfreq: float = 100.0,
        seconds: float = 20.0,
        extension: str = ".bdf",
        session: str | None = None,
        seed: int = 0,
    ) -> Path:
        """Write one recording, of (channel, time) microvolts or noise of its own, and return its path."""
        if events is None:
            events = contrast_events([4.0, 10.0, 15.0], [1.5, None, 0.8])
        if data is None:
            rng = np.random.default_rng([seed, *f"{subject} {session} {task} {run}".encode()])
            data = 20.0 * rng.standard_normal((len(ch_names), round(seconds * sfreq)))
        folder = self.root / f"sub-{subject}" / (f"ses-{session}" if session else "") / "eeg"
        folder.mkdir(parents=True, exist_ok=True)
        middle = f"_ses-{session}" if session else ""
        stem = f"sub-{subject}{middle}_task-{task}_run-{run}"
        events.to_csv(folder / f"{stem}_events.tsv", sep="\t", index=False, na_rep="n/a")
        path = folder / f"{stem}_eeg{extension}"
        (write_bdf if extension == ".bdf" else write_set)(path, data, ch_names, sfreq)
        return path


def write_bdf(path: Path, data: np.ndarray, ch_names: tuple[str, ...], sfreq: float) -> None:
    """Write (channel, time) microvolts as 24-bit BDF."""
    signals = [
        edfio.BdfSignal(row, sfreq, label=name, physical_dimension="uV", physical_range=(-500.0, 500.0))
        for name, row in zip(ch_names, data, strict=True)
    ]
    edfio.Bdf(signals, data_record_duration=1).write(path)


def write_set(path: Path, data: np.ndarray, ch_names: tuple[str, ...], sfreq: float) -> None:
    """Write (channel, time) microvolts as an EEGLAB data set in one file."""
    labels = np.array([(name, "EEG") for name in ch_names], dtype=[("labels", object), ("type", object)])
    eeg = {
        "setname": path.stem,
        "filename": path.name,
        "nbchan": len(ch_names),
        "pnts": data.shape[1],
        "trials": 1,
        "srate": sfreq,
        "xmin": 0.0,
        "xmax": (data.shape[1] - 1) / sfreq,
        "data": data.astype(np.float32),
        "chanlocs": labels,
        "event": np.array([], dtype=[("type", object), ("latency", object)]),
        "icawinv": [],
        "icasphere": [],
        "icaweights": [],
        "icaact": [],
        "epoch": [],
        "ref": "common",
    }
    savemat(path, {"EEG": eeg}, appendmat=False)
