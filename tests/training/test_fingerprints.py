"""A run knows its windows by their samples, whatever files and people are called later."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from helpers.toys import toy_windows
from sparseeg.data.fingerprints import fingerprints
from sparseeg.data.windows import WindowSet
from sparseeg.errors import SparseEEGError
from sparseeg.experiments import run as runs
from sparseeg.models.files import load, read_spec, save
from sparseeg.training.config import DataConfig, SplitConfig, TrainConfig

WINDOWS = toy_windows(n_subjects=8, n_trials=6, seed=3)
OTHERS = toy_windows(n_subjects=8, n_trials=6, seed=4)


def silent(line: str) -> None:
    """Swallow progress."""


def config(**options: object) -> TrainConfig:
    split = SplitConfig(kind="release", valid=("R4",), test=("R5",))
    defaults = {"model": "response-time-cnn", "epochs": 1, "batch_size": 8, "device": "cpu", "split": split}
    return TrainConfig(data=DataConfig(path="toy"), control=False, boosting=False, **{**defaults, **options})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("fingerprints") / "run"
    runs.train(config(), WINDOWS, out, silent)
    return out


def named(windows: WindowSet, name: Callable[[str], str]) -> WindowSet:
    return replace(windows, table=windows.table.assign(subject=[name(one) for one in windows.subjects]))


def joined(windows: WindowSet, other: WindowSet, subject: str) -> WindowSet:
    """Return `other` in which the first person's signals are those of `subject` in `windows`."""
    number = sorted(set(windows.subjects)).index(subject)
    return replace(other, signals=[windows.signals[number], *other.signals[1:]])


def test_other_samples_have_other_fingerprints() -> None:
    found = fingerprints(WINDOWS) + fingerprints(OTHERS)
    assert len(set(found)) == len(WINDOWS) + len(OTHERS)


@pytest.mark.parametrize("offset", [0.0, 10_000.0])
def test_rounding_changes_few_fingerprints(offset: float) -> None:
    rng = np.random.default_rng(0)
    signals = [(signal + offset).astype(np.float32) for signal in toy_windows(n_trials=40).signals]
    rounded = [
        np.nextafter(signal, signal + rng.choice([-1, 1], signal.shape).astype(np.float32))
        for signal in signals
    ]
    windows = replace(toy_windows(n_trials=40), signals=signals)
    before, after = fingerprints(windows), fingerprints(replace(windows, signals=rounded))
    assert np.mean([one == other for one, other in zip(before, after, strict=True)]) > 0.8


def test_the_order_of_channels_changes_no_fingerprint() -> None:
    turned = replace(
        WINDOWS, signals=[signal[:, ::-1] for signal in WINDOWS.signals], ch_names=WINDOWS.ch_names[::-1]
    )
    assert fingerprints(turned) == fingerprints(WINDOWS)


@pytest.mark.parametrize("gain", [0.5, 0.37, 1.9, -1.0])
def test_gain_and_sign_change_no_fingerprint(gain: float) -> None:
    changed = replace(
        WINDOWS, signals=[(gain * signal + 5.0).astype(np.float32) for signal in WINDOWS.signals]
    )
    assert fingerprints(changed) == fingerprints(WINDOWS)


def test_constant_windows_have_none() -> None:
    flat = replace(WINDOWS, signals=[np.full_like(signal, 3.0) for signal in WINDOWS.signals])
    assert set(fingerprints(flat)) == {""}


@pytest.mark.parametrize(("subject", "did"), [("sub-00", "trained"), ("sub-04", "validated")])
@pytest.mark.parametrize("own", [None, WINDOWS])
def test_a_copy_under_another_name_is_not_scored(
    subject: str, did: str, own: WindowSet | None, run: Path, tmp_path: Path
) -> None:
    other = joined(WINDOWS, named(OTHERS, "new-{}".format), subject)
    said: list[str] = []
    with pytest.raises(SparseEEGError, match=f"subject {subject} {did} the network"):
        runs.reevaluate(run, own, other, tmp_path, said.append)
    same = f"toy: 1 subject has the same samples as subjects of {run}, so they are these: new-sub-00"
    assert f"{same} ({subject}, 6 of 6 windows)" in said


def test_a_copy_of_a_test_subject_is_scored(run: Path, tmp_path: Path) -> None:
    other = joined(WINDOWS, named(OTHERS, "new-{}".format), "sub-07")
    assert runs.reevaluate(run, None, other, tmp_path, silent)["n_subjects"] == 8


def test_known_people_with_the_samples_of_others_are_refused(run: Path, tmp_path: Path) -> None:
    turned = named(WINDOWS, {f"sub-0{one}": f"sub-0{7 - one}" for one in range(8)}.__getitem__)
    with pytest.raises(SparseEEGError, match=r"windows of sub-07 have the same samples as those of sub-00"):
        runs.reevaluate(run, None, turned, tmp_path, silent)


def test_initial_weights_know_copies_even_of_ancestors_that_were_moved(run: Path, tmp_path: Path) -> None:
    first = shutil.copytree(run, tmp_path / "first")
    runs.train(config(init=str(first)), WINDOWS, tmp_path / "second", silent)
    first.rename(tmp_path / "moved")
    # In the third run's data, the first person's data are those of the last one, who is tested on.
    third = named(joined(WINDOWS, OTHERS, "sub-00"), lambda name: f"new-{7 - int(name[-1])}")
    third = replace(third, table=third.table.assign(release=third.table["release"].to_numpy()[::-1]))
    said: list[str] = []
    with pytest.raises(SparseEEGError, match="subject sub-00 trained the network"):
        runs.train(config(init=str(tmp_path / "second")), third, tmp_path / "third", said.append)
    assert any("new-7 (sub-00, 6 of 6 windows)" in line for line in said)
    assert not (tmp_path / "third").exists()


def test_own_data_that_changed_are_not_scored(run: Path, tmp_path: Path) -> None:
    changed = replace(WINDOWS, signals=[*WINDOWS.signals[:6], *OTHERS.signals[6:]])
    with pytest.raises(SparseEEGError, match=r"the 6 windows of sub-06 are not those that .*run was started"):
        runs.reevaluate(run, changed, None, tmp_path, silent)


def test_an_interrupted_run_does_not_go_on_with_other_data(run: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(run, tmp_path / "run")
    with pytest.raises(SparseEEGError, match=r"the data are not those that .*run was started with: sub-00"):
        runs.train(config(), OTHERS, folder, silent)


def test_windows_that_are_new_are_said(run: Path, tmp_path: Path) -> None:
    signal = np.concatenate([WINDOWS.signals[4][: 3 * 60], OTHERS.signals[4][3 * 60 :]])
    changed = replace(WINDOWS, signals=[*WINDOWS.signals[:4], signal, *WINDOWS.signals[5:]])
    said: list[str] = []
    runs.reevaluate(run, changed, None, tmp_path, said.append)
    assert f"3 of the 6 windows of sub-04 were not there when {run} was started" in said


def test_a_missing_file_is_refused_but_for_networks_of_version_0_1_0(run: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(run, tmp_path / "run")
    (folder / "fingerprints.json").unlink()
    with pytest.raises(SparseEEGError, match=r"fingerprints\.json is missing: whether people of other names"):
        runs.reevaluate(folder, WINDOWS, None, tmp_path, silent)
    network = folder / "model.safetensors"
    save(load(network), read_spec(network), network)  # without who trained it, as in version 0.1.0
    runs.reevaluate(folder, WINDOWS, None, tmp_path, silent)


def test_a_damaged_file_is_refused(run: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(run, tmp_path / "run")
    (folder / "fingerprints.json").write_text(json.dumps(["sub-00"]))
    with pytest.raises(SparseEEGError, match=r"fingerprints\.json is damaged"):
        runs.reevaluate(folder, WINDOWS, None, tmp_path, silent)


def with_run(windows: WindowSet, other: WindowSet, subject: str, trials: int) -> WindowSet:
    """Return windows in which the last trials of a person are those of another set's first person."""
    number = sorted(set(windows.subjects)).index(subject)
    signal = windows.signals[number].copy()
    signal[-trials * windows.n_times :] = other.signals[0][-trials * windows.n_times :]
    return replace(windows, signals=[*windows.signals[:number], signal, *windows.signals[number + 1 :]])


def test_own_data_with_trials_of_another_person_are_refused(run: Path, tmp_path: Path) -> None:
    mixed = with_run(WINDOWS, WINDOWS, "sub-06", 2)
    with pytest.raises(SparseEEGError, match=r"2 of the 6 windows of sub-06 .* but those of sub-00"):
        runs.reevaluate(run, mixed, None, tmp_path, silent)


def test_a_known_person_with_trials_of_a_trained_one_is_refused(run: Path, tmp_path: Path) -> None:
    mixed = with_run(WINDOWS, WINDOWS, "sub-06", 2)
    tested = mixed.select(np.isin(mixed.subjects, ["sub-06", "sub-07"]))
    with pytest.raises(SparseEEGError, match=r"2 of the 6 windows of sub-06 have the same samples as those"):
        runs.reevaluate(run, None, tested, tmp_path, silent)


def test_people_beside_known_ones_are_a_warning(run: Path, tmp_path: Path) -> None:
    other = joined(WINDOWS, named(OTHERS, "new-{}".format), "sub-07")
    said: list[str] = []
    runs.reevaluate(run, None, other, tmp_path, said.append)
    assert any(line.startswith("warning: 7 subjects: new-sub-01") for line in said)
