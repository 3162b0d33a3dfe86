"""Our windows beside those of the public pipeline (eegdash, braindecode), sample for sample.

Runs where eegdash can be imported: in this environment, in the one whose Python SPARSEEG_BENCH_PYTHON names,
or in `.venv-bench` in the project's folder. test_bids.py and test_trials.py pin what was found without it.
"""

import importlib.util
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers.bids_folder import BidsFolder
from sparseeg.data.bids.trials import trial_table
from sparseeg.data.cuts import event_samples
from sparseeg.data.read_bids import read_bids
from sparseeg.data.tasks import TASKS
from sparseeg.data.windows import WindowSet

HERE = Path(__file__).parents[1]
BENCH = HERE.parent / ".venv-bench" / "bin" / "python"
FACTORS = {"A": 0.5, "B": -1.25, "C": 0.0}
TRIAL_COLUMNS = ["trial_start", "stimulus_onset", "response_onset", "rt"]


def public_python() -> str:
    """The Python that has eegdash, or a skip."""
    if importlib.util.find_spec("eegdash") is not None:
        return sys.executable
    named = os.environ.get("SPARSEEG_BENCH_PYTHON", str(BENCH) if BENCH.exists() else "")
    if not named:
        pytest.skip("no eegdash here, SPARSEEG_BENCH_PYTHON is not set, and there is no .venv-bench")
    probe = "import importlib.util, sys; sys.exit(importlib.util.find_spec('eegdash') is None)"
    if subprocess.run([named, "-c", probe], check=False).returncode:
        pytest.skip(f"{named} has no eegdash")
    return named


def eventful_run(seed: int, n_trials: int = 12) -> pd.DataFrame:
    """Return a run with what real ones hold: early, second and missing presses, odd onsets, disorder."""
    rng = np.random.default_rng(seed)
    rows: list[tuple[float, str, str]] = [(0.0, "break cnt", "n/a")]
    start = 1.0
    for trial in range(n_trials):
        # steps of 1/800 s: many onsets lie between samples, some exactly half way
        stimulus = start + 2.8 + rng.integers(0, 800) / 800
        rows.append((start, "contrastTrial_start", "n/a"))
        if trial % 6 == 1:
            rows.append((start + 0.7, "left_buttonPress", "non_target"))
        if trial % 6 != 5:
            rows.append((stimulus, f"{rng.choice(['left', 'right'])}_target", "n/a"))
        if trial % 6 != 2:
            press = stimulus + rng.uniform(0.1, 2.3)
            rows.append((press, "left_buttonPress", str(rng.choice(["smiley_face", "sad_face", "n/a"]))))
        if trial % 6 == 3:
            rows.append((stimulus + 2.35, "right_buttonPress", "non_target"))
        start = stimulus + 2.4 + rng.integers(0, 400) / 800
    rows.append((start, "contrastTrial_start" if seed % 2 else "end_experiment", "n/a"))
    order = rng.permutation(len(rows))
    table = pd.DataFrame([rows[index] for index in order], columns=["onset", "value", "feedback"])
    return table.assign(duration="n/a", event_code="n/a")[
        ["onset", "duration", "value", "event_code", "feedback"]
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> BidsFolder:
    folder = BidsFolder(tmp_path_factory.mktemp("public") / "ds")
    rows = [f"sub-{name}\tR1\tF\t8\t{factor}\n" for name, factor in FACTORS.items()]
    header = "participant_id\trelease_number\tsex\tage\texternalizing\n"
    (folder.root / "participants.tsv").write_text(header + "".join(rows))
    for number, (subject, extension) in enumerate((("A", ".bdf"), ("B", ".set"), ("C", ".bdf"))):
        folder.add(subject, events=eventful_run(number), seconds=110.0, extension=extension, seed=number)
    return folder


@pytest.fixture(scope="module")
def public(folder) -> dict[str, np.ndarray]:
    out = folder.root.parent / "public.npz"
    command = [public_python(), str(HERE / "helpers" / "public_windows.py"), str(folder.root), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    with np.load(out) as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def ours(folder) -> WindowSet:
    windows = read_bids(folder.root)
    assert windows.problems == ()
    return windows


@pytest.mark.parametrize("subject", ["A", "B", "C"])
def test_windows_and_targets_are_those_of_the_public_pipeline(public, ours, subject):
    rows = np.flatnonzero(ours.subjects == f"sub-{subject}")
    name = Path(ours.table["file"].iloc[rows[0]]).name
    assert len(rows) >= 8
    assert tuple(public[f"{name}/ch_names"]) == ours.ch_names
    assert np.array_equal(public[f"{name}/target"], ours.targets[rows])
    starts = event_samples(ours.table["onset"].to_numpy()[rows], 0.5, 100.0)
    assert np.array_equal(public[f"{name}/start"], starts)
    # float32 volts against float32 microvolts: the same samples to the last bit but one
    np.testing.assert_allclose(ours.gather(rows), public[f"{name}/volts"].astype(float) * 1e6, rtol=2.5e-7)


@pytest.mark.parametrize("subject", ["A", "B", "C"])
def test_externalizing_windows_are_the_scoring_scripts_crops_of_the_public_pipeline(public, folder, subject):
    """Its loop: every 4-s window of a recording in order, a crop of each drawn by `random.Random(42)`."""
    windows = read_bids(folder.root, task=TASKS["externalizing"])
    rows = np.flatnonzero(windows.subjects == f"sub-{subject}")
    name = Path(windows.table["file"].iloc[rows[0]]).name
    whole = public[f"{name}/whole"]
    assert len(whole) == len(rows) >= 50
    generator = random.Random(42)
    begins = [generator.randint(0, 400 - 200) for _ in whole]
    crops = np.stack([window[:, begin : begin + 200] for window, begin in zip(whole, begins, strict=True)])
    np.testing.assert_allclose(windows.gather(rows), crops.astype(float) * 1e6, rtol=2.5e-7)
    assert set(windows.targets[rows]) == {FACTORS[subject]}


def test_trial_tables_are_those_of_the_public_pipeline_but_for_trials_without_stimulus(public, folder):
    compared = 0
    for path in sorted(folder.root.rglob("*_events.tsv")):
        found = trial_table(pd.read_csv(path, sep="\t"))[TRIAL_COLUMNS].to_numpy()
        theirs = public[f"{path.name}/trials"].copy()
        # there a press without a stimulus is a response (without a response time); by our rule it is none
        theirs[np.isnan(theirs[:, 1]), 2] = np.nan
        assert np.array_equal(found, theirs, equal_nan=True)
        compared += len(found)
    assert compared >= 33
