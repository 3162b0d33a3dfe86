"""From runs to a zip to its score: the same figures as evaluation, by code that isn't the package's."""

import hashlib
import json
import math
import os
import random
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.command import assert_one_line
from helpers.patience import SAFETY_NET, wait_until
from sparseeg.data.bids import hbn
from sparseeg.data.provenance import Processing
from sparseeg.data.store.prepare import Options, prepare
from sparseeg.data.tasks import TaskFile, find_task
from sparseeg.errors import SparseEEGError
from sparseeg.evaluation.metrics import nrmse
from sparseeg.experiments import run as runs
from sparseeg.submission.sandbox import SandboxResult
from sparseeg.submission.score import challenge_windows, try_out


@pytest.fixture(scope="module")
def archive(response_time: Path, externalizing: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from sparseeg.submission.pack import pack

    out = tmp_path_factory.mktemp("zips") / "submission.zip"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sparseeg.submission.pack.N_EXAMPLES", 16)
        tried = pack({1: [response_time], 2: [externalizing]}, out)
    assert [one.challenge for one in tried] == [1, 2]
    assert all(one.difference < 1e-5 for one in tried)
    return out


def test_the_zip_is_flat_and_holds_tensors_only(archive: Path) -> None:
    with zipfile.ZipFile(archive) as content:
        names = content.namelist()
        assert {"submission.py", "weights_challenge_1.pt", "weights_challenge_2.pt"} < set(names)
        assert not any("/" in name for name in names)
        with content.open("weights_challenge_1.pt") as file:
            weights = torch.load(file, weights_only=True)
    assert len(weights["networks"]) == 2


def test_the_same_runs_give_the_same_bytes(
    archive: Path,
    response_time: Path,
    externalizing: Path,
    tmp_path: Path,
    sparseeg,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sparseeg.submission.pack.N_EXAMPLES", 8)
    again = tmp_path / "again.zip"
    words = ("--response-time", response_time, "--externalizing", externalizing, "--out", again)
    code, text = sparseeg("submit", *words)
    assert code == 0
    assert "ms per window" in text
    assert again.read_bytes() == archive.read_bytes()
    assert_one_line(*sparseeg("submit", *words), "exists", "--overwrite")


def test_a_zip_replaces_no_file_of_its_runs(response_time: Path, tmp_path: Path, sparseeg) -> None:
    run = shutil.copytree(response_time, tmp_path / "run")
    for file in (run / "config.yaml", run / "members" / "01" / "model.safetensors"):
        before = file.read_bytes()
        refused = sparseeg("submit", "--response-time", run, "--out", file, "--overwrite")
        assert_one_line(*refused, f"{file} is an input of this command")
        assert file.read_bytes() == before


def test_score_is_what_evaluate_says(
    archive: Path, response_time: Path, dataset: Path, tmp_path: Path, sparseeg
) -> None:
    code, text = sparseeg("score", archive, "--data", dataset, "--out", tmp_path / "out")
    assert code == 0, text
    assert "SIMULATED" in text
    found = json.loads((tmp_path / "out" / "score.json").read_text())
    metrics = json.loads((response_time / "metrics.json").read_text())
    first, second = found["challenge_1"], found["challenge_2"]
    assert first["n_trials"] == metrics["n_trials"]
    assert first["nrmse"] == pytest.approx(metrics["nrmse"], abs=1e-6)
    assert first["other_order_nrmse"] == pytest.approx(first["nrmse"], abs=1e-6)
    assert not first["depends_on_order"]
    assert found["overall"] == pytest.approx(0.3 * first["nrmse"] + 0.7 * second["nrmse"])
    table = pd.read_csv(tmp_path / "out" / "challenge_2_predictions.tsv", sep="\t")
    assert nrmse(table["target"], table["prediction"]) == pytest.approx(second["nrmse"], abs=1e-5)
    subjects = pd.read_csv(tmp_path / "out" / "challenge_1_subjects.tsv", sep="\t")
    assert subjects["windows"].sum() == first["n_trials"]


def always_one(
    folder: Path, challenge: int, batches: Iterable[np.ndarray], *, name: str, **options: object
) -> SandboxResult:
    """Answer in place of a submission, where its answers are of no interest."""
    return SandboxResult(np.ones(sum(map(len, batches))), seconds=1.0, peak_bytes=1)


def test_scores_of_two_zips_are_not_mixed(
    archive: Path, dataset: Path, tmp_path: Path, sparseeg, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sparseeg.submission.score.run_submission", always_one)

    def scored(path: Path, *words: object) -> tuple[int, str]:
        common = ("--data", dataset, "--cache", tmp_path / "cache", "--no-order-check", "--out", out)
        return sparseeg("score", path, *common, *words)

    out = tmp_path / "out"
    other = Path(shutil.copy(archive, tmp_path / "other.zip"))
    with zipfile.ZipFile(other, "a") as content:
        content.writestr("notes.txt", "another zip")
    assert scored(archive)[0] == 0
    before = {path.name: path.read_bytes() for path in out.glob("[!.]*")}
    known = json.loads(before["score.json"])["archive"]
    assert known == {"name": archive.name, "sha256": hashlib.sha256(archive.read_bytes()).hexdigest()}
    assert_one_line(*scored(other, "--challenge", 1), f"holds the scores of {archive.name}, another zip")
    assert_one_line(*scored(archive, "--challenge", 1), "holds scores in challenge 2 too", "score both")
    (out / "score.json").unlink()
    assert_one_line(*scored(archive), "challenge_1_predictions.tsv exists and is not of a scored zip")
    (out / "score.json").write_text("{}")  # as of a version that did not name the zip
    assert_one_line(*scored(archive), "a zip that it does not name")
    (out / "score.json").write_bytes(before["score.json"])
    assert {path.name: path.read_bytes() for path in out.glob("[!.]*")} == before
    assert scored(archive)[0] == 0


def straightforward_windows(root: Path) -> list[tuple[str, np.ndarray, float]]:
    """Challenge 2 as its script does it, with MNE and nothing of ours: subject, crop in volts, target."""
    people = pd.read_csv(root / "participants.tsv", sep="\t", na_values="n/a").set_index("participant_id")
    found = []
    for path in sorted(root.glob("sub-*/eeg/*_task-contrastChangeDetection_*_eeg.bdf")):
        subject = path.name.split("_")[0]
        person = people.loc[subject]
        if person["release_number"] != "R5" or math.isnan(person["externalizing"]):
            continue
        signal = mne.io.read_raw_bdf(path, preload=True, verbose="error").get_data()
        if signal.shape[1] < 400:
            continue
        generator = random.Random(42)
        start = 0
        while start + 400 <= signal.shape[1]:
            offset = generator.randint(0, 200)
            found.append((subject, signal[:, start + offset : start + offset + 200], person["externalizing"]))
            start += 200
    return found


def test_windows_and_crops_of_challenge_2_are_the_scripts_own(dataset: Path, tmp_path: Path) -> None:
    windows = challenge_windows(2, dataset, tmp_path)
    expected = straightforward_windows(dataset)
    assert len(windows) == len(expected) > 50
    assert windows.subjects.tolist() == [subject for subject, _, _ in expected]
    assert windows.targets == pytest.approx([target for _, _, target in expected])
    for index in (0, 1, len(expected) // 2, len(expected) - 1):
        assert windows.gather([index])[0] * 1e-6 == pytest.approx(expected[index][1], rel=1e-6, abs=1e-13)


def test_excluded_subjects_are_scored_and_left_out_beside_it(
    archive: Path, dataset: Path, tmp_path: Path, sparseeg
) -> None:
    """As the official script does; the simulated people get the names of real ones."""
    root = tmp_path / "set"
    shutil.copytree(dataset, root)
    people = pd.read_csv(root / "participants.tsv", sep="\t", dtype=str, keep_default_na=False)
    old = people.loc[people["release_number"] == "R5", "participant_id"].iloc[0]
    new = min(hbn.EXCLUDED_SUBJECTS)
    people["participant_id"] = people["participant_id"].replace(old, new)
    people.to_csv(root / "participants.tsv", sep="\t", index=False)
    for path in sorted((root / old).rglob("*")):
        if path.is_file():
            path.rename(path.with_name(path.name.replace(old, new)))
    (root / old).rename(root / new)
    words = ("--challenge", 1, "--no-order-check", "--cache", tmp_path / "cache")
    code, text = sparseeg("score", archive, "--data", root, *words, "--out", tmp_path / "out")
    assert code == 0, text
    found = json.loads((tmp_path / "out" / "score.json").read_text())["challenge_1"]
    assert found["n_subjects"] == found["without_excluded"]["n_subjects"] + 1
    assert found["other_order_nrmse"] is None
    assert "not checked" in text


def zip_of(tmp_path: Path, source: str) -> Path:
    path = tmp_path / "other.zip"
    with zipfile.ZipFile(path, "w") as content:
        content.writestr("submission.py", source)
    return path


STATEFUL = """
import torch
class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.count = 0
    def forward(self, x):
        self.count += 1
        return x.new_full((len(x), 1), 1.5 + 0.01 * self.count)
class Submission:
    def __init__(self, SFREQ, DEVICE): pass
    def get_model_challenge_1(self): return Model()
"""


def test_answers_that_depend_on_the_order_are_named(dataset: Path, tmp_path: Path, sparseeg) -> None:
    out = tmp_path / "out"
    code, text = sparseeg(
        "score", zip_of(tmp_path, STATEFUL), "--data", dataset, "--challenge", 1, "--out", out
    )
    assert code == 0
    found = json.loads((out / "score.json").read_text())["challenge_1"]
    assert found["depends_on_order"]
    assert found["repeats"] is True
    assert "the predictions depend on the order of the windows. In another order they differ by" in text
    assert f"NRMSE is {found['other_order_nrmse']:.5f} instead of {found['nrmse']:.5f}" in text
    table = pd.read_csv(out / "challenge_1_predictions.tsv", sep="\t")
    assert table["prediction"].to_numpy() == pytest.approx(
        1.5 + 0.01 * np.arange(1, len(table) + 1), abs=1e-6
    )


def test_answers_that_depend_on_chance_are_named(dataset: Path, tmp_path: Path, sparseeg) -> None:
    source = STATEFUL.replace("1.5 + 0.01 * self.count", "torch.seed() % 1000 / 1000")
    code, text = sparseeg("score", zip_of(tmp_path, source), "--data", dataset, "--challenge", 1)
    assert code == 0
    assert "the predictions depend on chance: asked again, they differ" in text


def test_what_the_challenge_accepts_is_scored_with_a_note(dataset: Path, tmp_path: Path, sparseeg) -> None:
    source = STATEFUL.replace("self.count += 1", "").replace("x.new_full((len(x), 1)", "x.new_full((1, 2)")
    archive = zip_of(tmp_path, source)
    with zipfile.ZipFile(archive, "a") as content:
        content.writestr("layers/__init__.py", "")
        content.writestr("__MACOSX/._submission.py", b"\0")
    out = tmp_path / "out"
    words = ("--challenge", 1, "--no-order-check", "--out", out)
    code, text = sparseeg("score", archive, "--data", dataset, *words)
    assert code == 0
    assert "the folder layers beside submission.py was unpacked" in text
    assert "challenge 1: forward() returns the shape (1, 2) for one window" in text
    assert len(json.loads((out / "score.json").read_text())["notes"]) == 2


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_scoring_that_is_ended_leaves_nothing_behind(dataset: Path, tmp_path: Path) -> None:
    archive = zip_of(tmp_path, f"open({str(tmp_path / 'begun')!r}, 'w')\nimport time\ntime.sleep(3600)\n")
    (tmp_path / "temporary").mkdir()
    command = [sys.executable, "-m", "sparseeg", "score", str(archive), "--data", str(dataset)]
    command += ["--time-limit", str(SAFETY_NET / 60)]  # it would go on if the tests were killed here
    process = subprocess.Popen(
        command, env=os.environ | {"TMPDIR": str(tmp_path / "temporary")}, stderr=subprocess.DEVNULL
    )
    wait_until(lambda: process.poll() is not None or (tmp_path / "begun").exists())
    assert process.poll() is None
    process.terminate()
    assert process.wait(timeout=SAFETY_NET) != 0
    assert not list((tmp_path / "temporary").iterdir())


def test_constants_score_as_the_labels_say(dataset: Path, tmp_path: Path, sparseeg) -> None:
    """Zeros miss by the root mean square of the targets, in units of their deviation."""
    zeros = zip_of(tmp_path, STATEFUL.replace("1.5 + 0.01 * self.count", "0.0"))
    words = ("--challenge", 1, "--no-order-check", "--out", tmp_path / "out")
    assert sparseeg("score", zeros, "--data", dataset, *words)[0] == 0
    found = json.loads((tmp_path / "out" / "score.json").read_text())["challenge_1"]
    target = challenge_windows(1, dataset, tmp_path / "cache").targets
    assert found["nrmse"] == pytest.approx(np.sqrt((target**2).mean()) / target.std(), rel=1e-9)


def test_what_cannot_be_submitted(
    response_time: Path, externalizing: Path, dataset: Path, tmp_path: Path, sparseeg
) -> None:
    out = tmp_path / "a.zip"
    assert_one_line(*sparseeg("submit", "--out", out), "--response-time RUN")
    assert_one_line(
        *sparseeg("submit", "--response-time", externalizing, "--out", out),
        "predicts externalizing",
        "challenge 1 asks for response-time",
    )
    assert_one_line(
        *sparseeg("submit", "--response-time", tmp_path / "run", "--out", out), "config.yaml", str(tmp_path)
    )
    assert_one_line(*sparseeg("submit", "--response-time", response_time, "--out", tmp_path), "is a folder")
    assert not out.exists()


def test_what_cannot_be_scored(
    archive: Path, dataset: Path, tmp_path: Path, sparseeg, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert_one_line(*sparseeg("score", tmp_path / "no.zip", "--data", dataset), "does not exist")
    assert_one_line(
        *sparseeg("score", zip_of(tmp_path, "x = 1"), "--data", dataset, "--challenge", 1),
        "no class Submission",
    )
    monkeypatch.setattr("sparseeg.submission.score.run_submission", always_one)
    assert_one_line(*sparseeg("score", archive, "--data", tmp_path / "R5"), "does not exist")
    assert_one_line(*sparseeg("score", archive, "--data", dataset, "--releases", "R7"), "release R7")


def test_a_run_that_doesnt_fit_the_challenge(toy, tmp_path: Path, sparseeg) -> None:
    from sparseeg.training.config import DataConfig, TrainConfig

    config = TrainConfig(
        data=DataConfig(path="toy"), model="response-time-cnn", epochs=1, device="cpu", control=False,
        boosting=False,
    )  # fmt: skip
    runs.train(config, toy, tmp_path / "run", lambda line: None)
    assert_one_line(
        *sparseeg("submit", "--response-time", tmp_path / "run", "--out", tmp_path / "a.zip"),
        "5 channels x 60 samples",
        "129 x 200",
    )


def test_a_run_on_filtered_data_is_refused(response_time: Path, tmp_path: Path, sparseeg) -> None:
    run = tmp_path / "run"
    shutil.copytree(response_time, run)
    content = json.loads((run / "input.json").read_text())
    content["processing"]["low_cut"] = 2.0
    (run / "input.json").write_text(json.dumps(content))
    words = ("submit", "--response-time", run, "--out", tmp_path / "a.zip")
    assert_one_line(*sparseeg(*words), "low_cut 2.0; the challenge's windows are prepared without")


def test_a_run_on_windows_of_other_events_is_refused(response_time: Path, tmp_path: Path, sparseeg) -> None:
    run = shutil.copytree(response_time, tmp_path / "run")
    content = json.loads((run / "input.json").read_text())
    words = ("submit", "--response-time", run, "--out", tmp_path / "a.zip")
    content["task"]["rule"]["stimulus"] = ["tone"]
    (run / "input.json").write_text(json.dumps(content))
    assert_one_line(
        *sparseeg(*words), "windows locked to tone, the challenge's are locked to left_target or right_target"
    )
    content["task"]["rule"] = None  # as of epochs
    (run / "input.json").write_text(json.dumps(content))
    assert_one_line(*sparseeg(*words), "windows locked to unknown events")
    content["task"]["name"] = "rt"
    (run / "input.json").write_text(json.dumps(content))
    assert_one_line(*sparseeg(*words), "predicts rt, but challenge 1 asks for response-time")


def test_a_store_of_other_windows_is_refused(dataset: Path, tmp_path: Path) -> None:
    official = challenge_windows(2, dataset, tmp_path / "cache")
    again = challenge_windows(2, tmp_path / "cache" / "externalizing-R5", tmp_path / "none")
    assert again.table["target"].tolist() == official.table["target"].tolist()
    contrast = find_task("externalizing", TaskFile(bids_tasks=("contrastChangeDetection",)))
    whole = Options(releases=("R5",), keep_excluded=True)
    for name, task, options in (
        ("bids_tasks", find_task("externalizing"), whole),
        ("stride", replace(contrast, stride=1.0), whole),
        ("keep_excluded", contrast, replace(whole, keep_excluded=False)),
        ("low_cut", contrast, replace(whole, processing=Processing(low_cut=1.0))),
    ):
        prepare(dataset, tmp_path / name, task, options)
        with pytest.raises(SparseEEGError, match=f"prepared with {name} .* the official windows with"):
            challenge_windows(2, tmp_path / name, tmp_path / "none")


def test_a_zip_without_a_challenge_is_told_before_anything_is_read(tmp_path: Path, sparseeg) -> None:
    out = tmp_path / "a.zip"
    with zipfile.ZipFile(out, "w") as content:
        content.writestr("submission.py", "class Submission:\n    def __init__(self, sfreq, device): pass\n")
    (tmp_path / "empty").mkdir()
    code, text = sparseeg("score", out, "--data", tmp_path / "empty")
    assert_one_line(code, text, "no method get_model_challenge_1")


def test_the_zip_is_found_by_a_loader_that_knows_its_path(archive: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(archive) as content:
        content.extractall(tmp_path)
    program = (
        "import importlib.util\n"
        f"spec = importlib.util.spec_from_file_location('theirs', {str(tmp_path / 'submission.py')!r})\n"
        "module = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(module)\n"
        "print(type(module.Submission(100, 'cpu').get_model_challenge_1()).__name__)\n"
    )
    ran = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "ChallengeNetwork"


@pytest.mark.slow
def test_damaged_files_in_a_whole_zip_answer_or_end_in_one_line(archive: Path, tmp_path: Path) -> None:
    """Each is asked in a process of its own, which takes a second or two."""
    with zipfile.ZipFile(archive) as content:
        whole = {name: content.read(name) for name in content.namelist()}
    damaged = tmp_path / "damaged.zip"

    @settings(max_examples=10)
    @given(
        name=st.sampled_from(sorted(whole)), flips=st.lists(st.tuples(st.floats(0, 1), st.integers(1, 255)))
    )
    def answers(name: str, flips: list[tuple[float, int]]) -> None:
        inside = bytearray(whole[name])
        for share, bits in flips:
            inside[int(share * (len(inside) - 1))] ^= bits
        with zipfile.ZipFile(damaged, "w") as out:
            for other, content in whole.items():
                out.writestr(other, bytes(inside) if other == name else content)
        try:
            try_out(damaged, (1, 2))
        except SparseEEGError as error:
            message = str(error)
            assert "\n" not in message
        assert sorted(tmp_path.iterdir()) == [damaged]

    answers()


def test_the_limit_holds_from_the_first_contact_on(dataset: Path, tmp_path: Path, sparseeg) -> None:
    path = tmp_path / "endless.zip"
    with zipfile.ZipFile(path, "w") as content:
        content.writestr("submission.py", "while True: pass")
    said = sparseeg("score", path, "--data", dataset, "--challenge", 1, "--time-limit", 0.01)
    assert_one_line(*said, "endless.zip: not finished within the limit of 0.6 s")
