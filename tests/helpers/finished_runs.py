"""A small simulated set and runs on it, for whatever leaves the package."""

from pathlib import Path

import mne
import pandas as pd
import pytest

from sparseeg.experiments import run as runs
from sparseeg.simulate import simulate_dataset
from sparseeg.training import calibrate
from sparseeg.training.config import DataConfig, SplitConfig
from sparseeg.training.recipes import configure

SPLIT = SplitConfig(kind="release", valid=("R4",), test=("R5",))


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """BIDS folder of six simulated subjects, eight trials each."""
    return simulate_dataset(tmp_path_factory.mktemp("submission") / "set", subjects=6, trials=8, seed=4)


def train(dataset: Path, out: Path, model: str = "sparse-attention-locator", **given) -> Path:
    """Train for one epoch into a run folder.

    The few validation subjects would shrink all predictions to their mean; half of their distance is kept, so
    that tests can tell predictions apart.
    """
    data = DataConfig(path=str(dataset), task=given.pop("task", "response-time"))
    config = configure(
        data, model, SPLIT, **{"epochs": 1, "device": "cpu", "control": False, "boosting": False, **given}
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calibrate, "shrinkage", lambda *_: 0.5)
        runs.train(config, runs.load_windows(data, config.augment.jitter), out, lambda line: None)
    return out


@pytest.fixture(scope="session")
def response_time(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that predicts response times: two networks, evaluated as one."""
    return train(dataset, tmp_path_factory.mktemp("runs") / "response-time", seeds=2)


@pytest.fixture(scope="session")
def externalizing(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that predicts externalizing, with random attention that is averaged over partitions."""
    out = tmp_path_factory.mktemp("runs") / "externalizing"
    return train(dataset, out, "light-sparse-attention-cnn", task="externalizing", partitions=2)


@pytest.fixture(scope="session")
def recording(dataset: Path) -> Path:
    """The first recording of a test subject."""
    people = pd.read_csv(dataset / "participants.tsv", sep="\t")
    subject = people.loc[people["release_number"] == "R5", "participant_id"].iloc[0]
    return sorted((dataset / subject / "eeg").glob("*contrastChangeDetection*_eeg.bdf"))[0]


@pytest.fixture(scope="session")
def raw(recording: Path) -> mne.io.BaseRaw:
    """The recording with its stimuli as annotations."""
    raw = mne.io.read_raw_bdf(recording, preload=True, verbose="error")
    events = pd.read_csv(str(recording).replace("_eeg.bdf", "_events.tsv"), sep="\t")
    return raw.set_annotations(mne.Annotations(events["onset"], 0.0, events["value"].astype(str)))
