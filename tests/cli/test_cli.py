"""The command line as a new user meets it: help, one-line errors with exit code 2, nothing lost."""

import errno
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from helpers.command import assert_one_line
from sparseeg.cli import screen
from sparseeg.cli.reading import absolute
from sparseeg.data.store import store
from sparseeg.data.windows import WindowSet
from sparseeg.experiments import run as runs
from sparseeg.training.config import TrainConfig

COMMANDS = (
    *("demo", "fetch", "simulate", "prepare", "pretrain", "train", "evaluate", "compare", "report", "bench"),
    *("predict", "export", "submit", "score", "stream"),
)


@pytest.fixture(scope="module")
def toy_store(toy: WindowSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stores") / "toy"
    store.save(toy, path)
    return path


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS), ("bench", "training")])
def test_help(command: tuple[str, ...], sparseeg) -> None:
    code, text = sparseeg(*command, "--help")
    assert code == 0
    assert "Usage" in text


def test_help_of_the_root_lists_every_command(sparseeg) -> None:
    _, text = sparseeg("--help")
    assert all(name in text for name in COMMANDS)


def test_start_is_quick_because_torch_is_imported_late() -> None:
    code = "import sys, sparseeg.cli; sys.exit('torch' in sys.modules or 'mne' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_train_evaluate_report(toy_store: Path, tmp_path: Path, sparseeg) -> None:
    run = tmp_path / "run"
    options = (
        "--model",
        "response-time-cnn",
        "--epochs",
        2,
        "--valid",
        "R4",
        "--test",
        "R5",
        "--device",
        "cpu",
    )
    code, text = sparseeg("train", "--data", toy_store, "--out", run, *options)
    assert code == 0
    assert "SIMULATED" in text
    assert "training mean" in text
    code, text = sparseeg("evaluate", run)
    assert code == 0
    assert "best constant" in text
    code, _ = sparseeg("report", run)
    assert code == 0
    code, text = sparseeg("train", "--out", run, "--resume")
    assert code == 0
    assert "epoch" not in text
    assert_one_line(*sparseeg("train", "--out", run, "--resume", "--epochs", 9), "leave --epochs out")


def test_path_that_does_not_exist(tmp_path: Path, sparseeg) -> None:
    (tmp_path / "recordings").mkdir()
    words = ("train", "--data", tmp_path / "recordngs", "--out", tmp_path / "run")
    assert_one_line(*sparseeg(*words), "does not exist", "Did you mean 'recordings'")


def test_empty_folder(tmp_path: Path, sparseeg) -> None:
    (tmp_path / "empty").mkdir()
    words = ("train", "--data", tmp_path / "empty", "--out", tmp_path / "run")
    assert_one_line(*sparseeg(*words), "an empty folder")


def test_bids_folder_without_the_task(tmp_path: Path, sparseeg) -> None:
    folder = tmp_path / "sub-1" / "eeg"
    folder.mkdir(parents=True)
    (folder / "sub-1_task-RestingState_eeg.bdf").write_bytes(b"")
    words = ("train", "--data", tmp_path, "--out", tmp_path / "run")
    assert_one_line(*sparseeg(*words), "contrastChangeDetection", "RestingState")


def test_store_of_another_task(toy: WindowSet, tmp_path: Path, sparseeg) -> None:
    store.save(replace(toy, task=replace(toy.task, name="externalizing")), tmp_path / "store")
    words = ("train", "--data", tmp_path / "store", "--out", tmp_path / "run")
    assert_one_line(*sparseeg(*words), "externalizing", "response-time")


def test_model_misspelt(toy_store: Path, tmp_path: Path, sparseeg) -> None:
    words = ("train", "--data", toy_store, "--out", tmp_path / "run", "--model", "response-time-cn")
    assert_one_line(*sparseeg(*words), "Did you mean 'response-time-cnn'")


def test_run_folder_of_another_channel_count(
    toy: WindowSet, toy_store: Path, tmp_path: Path, sparseeg
) -> None:
    run = tmp_path / "run"
    words = ("--epochs", 1, "--no-control", "--no-boosting", "--model", "response-time-cnn")
    assert sparseeg("train", "--data", toy_store, "--out", run, *words)[0] == 0
    fewer = replace(toy, signals=[signal[:, :4] for signal in toy.signals], ch_names=toy.ch_names[:4])
    store.save(fewer, tmp_path / "fewer")
    assert_one_line(*sparseeg("evaluate", run, "--data", tmp_path / "fewer"), "lacks channel E5", "run")


def test_out_that_is_not_empty(toy_store: Path, tmp_path: Path, sparseeg) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert_one_line(*sparseeg("train", "--data", toy_store, "--out", tmp_path), "isn't empty", "--resume")
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_missing_data_and_foreign_run(tmp_path: Path, sparseeg) -> None:
    assert_one_line(*sparseeg("train", "--out", tmp_path / "run"), "--data")
    assert_one_line(*sparseeg("evaluate", tmp_path), "config.yaml")
    assert_one_line(*sparseeg("train", "--out", tmp_path / "run", "--resume"), "config.yaml")


def test_unknown_release(toy_store: Path, tmp_path: Path, sparseeg) -> None:
    words = ("train", "--data", toy_store, "--out", tmp_path / "run", "--valid", "R4", "--test", "R7")
    assert_one_line(*sparseeg(*words), "'R7'", "R1, R4, R5")


def test_number_out_of_range_is_refused_by_name(toy_store: Path, tmp_path: Path, sparseeg) -> None:
    code, text = sparseeg("train", "--data", toy_store, "--out", tmp_path / "run", "--epochs", 0)
    assert code == 2
    assert "--epochs" in text
    words = ("train", "--data", toy_store, "--out", tmp_path / "run", "--learning-rate", -1)
    assert_one_line(*sparseeg(*words), "learning_rate")


def test_full_disk_is_one_line(
    toy_store: Path, tmp_path: Path, sparseeg, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "a-temporary-file")

    monkeypatch.setattr(runs, "train", full)
    code, text = sparseeg("train", "--data", toy_store, "--out", tmp_path / "run")
    assert code == 1
    assert "No space left on device" in text
    assert str(tmp_path / "run") in text


@pytest.mark.parametrize(
    "command", [("train", "--model", "response-time-cnn"), ("compare", "--models", "ridge")]
)
def test_a_refit_needs_somebody_to_test_on(
    command: tuple[str, ...], toy_store: Path, tmp_path: Path, sparseeg
):
    out = tmp_path / "out"
    refused = sparseeg(*command, "--data", toy_store, "--valid", "R5", "--refit", "--out", out)
    assert_one_line(*refused, "trains on the validation subjects too: name releases")
    assert not out.exists() or not list(out.iterdir())


def test_releases_that_train_and_validate_from_several_stores(
    toy: WindowSet, tmp_path: Path, sparseeg
) -> None:
    paths = []
    for name in ("R1", "R4", "R5"):
        part = (toy.table["release"] == name).to_numpy()
        paths += ["--data", store.save(toy.select(part), tmp_path / name)]
    run = tmp_path / "run"
    options = ("--model", "response-time-cnn", "--epochs", "1", "--no-control", "--no-boosting")
    code, said = sparseeg("train", *paths[:4], "--releases", "R1", "--valid", "R4", "--out", run, *options)
    assert code == 0, said
    assert "validation trials" in said
    assert TrainConfig.read(run).data.releases == ("R1", "R4")
    code, said = sparseeg("evaluate", run)
    assert code == 0, said
    # Those of another release, which the run's own releases say nothing about.
    code, said = sparseeg("evaluate", run, "--data", tmp_path / "R5")
    assert code == 0, said
    assert "72 test trials of 3 subjects" in said
    assert (run / "evaluations" / "R5" / "metrics.json").exists()
    elsewhere = replace(toy.select((toy.table["release"] == "R5").to_numpy()), source="another set")
    other = store.save(elsewhere, tmp_path / "elsewhere" / "R5")
    again = sparseeg("evaluate", run, "--data", other)
    assert_one_line(*again, "evaluations/R5 holds the scores on toy; give the folder of these by --out")


def test_a_log_has_lines_in_place_of_a_bar(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for seconds, lines in (
        (0.0, ["reading: 1 of 2", "fetching: 1.0 MB of 2.0 MB, 1 of 3 files"]),
        (60.0, []),
    ):
        monkeypatch.setattr(screen, "LINE_EVERY", seconds)
        with screen.progress_bar("reading") as move, screen.byte_bar("fetching") as move_bytes:
            move(1, 2)
            move_bytes(1_000_000, 2_000_000, 1, 3)
        assert capsys.readouterr().err.splitlines() == lines


def test_compare_shows_every_model_and_goes_on(toy_store: Path, tmp_path: Path, sparseeg) -> None:
    words = ("compare", "--data", toy_store, "--valid", "R4", "--test", "R5", "--seeds", 1, "--device", "cpu")
    models = "response-time-cnn@epochs=1@boosting=false,ridge,training-mean"
    for _ in range(2):
        code, text = sparseeg(*words, "--models", models, "--out", tmp_path / "out")
        assert code == 0
        assert "SIMULATED response-time: models compared" in text
        assert all(f"| {name} |" in text for name in models.split(","))
    assert "training response-time-cnn" not in text
    assert_one_line(*sparseeg(*words, "--models", "ridg", "--out", tmp_path / "b"), "unknown model 'ridg'")
    assert_one_line(*sparseeg(*words, "--models", ",", "--out", tmp_path / "b"), "--models names no model")


def test_options_of_a_network_and_of_its_recipe(toy_store: Path, tmp_path: Path, sparseeg) -> None:
    words = ("train", "--data", toy_store, "--model", "response-time-cnn", "--valid", "R4", "--test", "R5")
    options = ("--option", "output=latency", "--target-width", 0.2, "--mixup", 0.3, "--seeds", 2)
    run = tmp_path / "run"
    quick = ("--epochs", 1, "--no-control", "--no-boosting", "--device", "cpu")
    code, text = sparseeg(*words, *options, *quick, "--out", run)
    assert code == 0
    assert "90% prediction intervals" in text.replace("90 %", "90%")
    config = TrainConfig.read(run)
    assert config.model_options == {"output": "latency"}
    assert (config.target_width, config.augment.mixup, config.seeds) == (0.2, 0.3, 2)
    assert len(list((run / "members").iterdir())) == 2
    assert_one_line(*sparseeg(*words, "--option", "latency", "--out", tmp_path / "b"), "NAME=VALUE")
    code, text = sparseeg("evaluate", run, "--partitions", "none")
    assert_one_line(code, text, "--partitions takes a number from 1 on, or full")


def test_paths_are_made_absolute_from_text_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert absolute([Path("a"), "b"]) == (str(tmp_path / "a"), str(tmp_path / "b"))
