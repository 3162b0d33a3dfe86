"""A laboratory's own recordings, end to end: EDF files as BIDS, a store, a network, an honest table."""

from pathlib import Path

import mne
import numpy as np
import pandas as pd
import pytest
from mne_bids import BIDSPath, write_raw_bids

from sparseeg.data.provenance import Processing
from sparseeg.data.store.prepare import Options, prepare
from sparseeg.data.tasks import TaskFile, find_task
from sparseeg.experiments import run as runs
from sparseeg.training.config import DataConfig, SplitConfig, TrainConfig

N_SUBJECTS = 36


@pytest.fixture(scope="module")
def eegmat(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The mental arithmetic recordings of some subjects as a BIDS folder, with ages."""
    root = tmp_path_factory.mktemp("eegmat") / "bids"
    about = pd.read_csv(shared_data / "eegmat" / "subject-info.csv").head(N_SUBJECTS)
    for name in about["Subject"]:
        raw = mne.io.read_raw_edf(shared_data / "eegmat" / f"{name}_2.edf", verbose="error")
        raw.set_channel_types({"ECG ECG": "ecg", "EEG A2-A1": "misc"}, verbose="error")
        raw.info["line_freq"] = 50
        path = BIDSPath(subject=name.removeprefix("Subject"), task="arithmetic", datatype="eeg", root=root)
        write_raw_bids(raw, path, verbose="error")
    table = pd.read_csv(root / "participants.tsv", sep="\t", dtype=str)
    table["age"] = about["Age"].astype(str).tolist()
    table.to_csv(root / "participants.tsv", sep="\t", index=False, na_rep="n/a")
    return root


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_real_edf_files_are_prepared_with_age_as_the_target(eegmat, shared_data, tmp_path):
    options = Options(Processing(reference=("average",)))
    windows = prepare(eegmat, tmp_path / "store", find_task("age"), options, n_jobs=2)
    assert (windows.n_chans, windows.sfreq, windows.target_unit) == (19, 100.0, "years")
    assert "ECG ECG" not in windows.ch_names
    ages = pd.read_csv(shared_data / "eegmat" / "subject-info.csv")["Age"].to_numpy()[:N_SUBJECTS]
    assert windows.table.groupby("subject")["target"].first().tolist() == ages.tolist()
    recording = mne.io.read_raw_edf(shared_data / "eegmat" / "Subject03_2.edf", verbose="error")
    length = recording.n_times / recording.info["sfreq"]
    assert (windows.subjects == "sub-03").sum() == (length - 4) // 2 + 1
    first = windows.gather([0])[0]
    assert np.abs(first.mean(axis=0)).max() < 1e-3
    assert 1.0 < first.std() < 100.0  # microvolts


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_age_from_a_few_adults_is_no_skill_and_the_table_says_so(eegmat, tmp_path):
    few = TaskFile(stride=8.0)
    prepare(eegmat, tmp_path / "store", find_task("age", few), n_jobs=1)
    config = TrainConfig(
        data=DataConfig(path=str(tmp_path / "store"), task="age"),
        split=SplitConfig(kind="kfold", folds=3),
        model="response-time-cnn",
        epochs=1,
        boosting=False,
    )
    windows = runs.load_windows(config.data)
    metrics = runs.train(config, windows, tmp_path / "run", lambda line: None)
    assert metrics["nrmse"] > 0.9
    assert metrics["by_subject"]["prediction"]["n_subjects"] == N_SUBJECTS
    assert "shuffled_between_subjects" in metrics["controls"]
    # they would know the answer
    assert not {"subject_mean_oracle", "age_and_sex"} & set(metrics["baselines"])
