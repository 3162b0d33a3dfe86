"""`train --config`: a run is repeated from its own config.yaml, and options go before it."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from helpers.command import assert_one_line
from sparseeg.cli.configuration import absolute
from sparseeg.training.config import TrainConfig


@pytest.fixture
def settings(version_0_1: Path) -> dict:
    """The settings of a run of two epochs on 12 windows, without the baseline that takes longest."""
    return yaml.safe_load((version_0_1 / "run" / "config.yaml").read_text())


@pytest.fixture
def written(settings: dict, tmp_path: Path):
    """A file with these settings and some changes; a change to None leaves a field out."""

    def write(**changes: object) -> Path:
        content = {name: value for name, value in (settings | changes).items() if value is not None}
        path = tmp_path / "settings.yaml"
        path.write_text(yaml.safe_dump(content))
        return path

    return write


@pytest.fixture
def configured(tmp_path: Path, sparseeg, monkeypatch: pytest.MonkeyPatch):
    """Return the configuration that `train` would run with, and what it prints; nothing is trained."""
    found: list[TrainConfig] = []
    monkeypatch.setattr("sparseeg.cli.train.read_windows", lambda *_: SimpleNamespace(problems=()))
    monkeypatch.setattr("sparseeg.cli.train.check_effect", lambda *_: None)
    monkeypatch.setattr("sparseeg.experiments.run.train", lambda config, *_: found.append(config))
    monkeypatch.setattr("sparseeg.report.page.write_report", lambda run, **about: None)
    monkeypatch.setattr("sparseeg.cli.train.show", lambda metrics: None)

    def configure(path: Path, *words: object) -> tuple[TrainConfig, str]:
        code, text = sparseeg("train", "--config", path, "--out", tmp_path / "run", *words)
        assert code == 0, text
        return found[-1], text

    return configure


def test_a_run_is_repeated(version_0_1: Path, sparseeg) -> None:
    """The second time, only the file is given: data, split, seed and network options are in it."""
    first, second = version_0_1 / "first", version_0_1 / "second"
    for source, words, out in ((version_0_1 / "run", ("--no-control",), first), (first, (), second)):
        code, text = sparseeg("train", "--config", source / "config.yaml", *words, "--out", out)
        assert code == 0, text
    assert TrainConfig.read(second) == TrainConfig.read(first)
    assert TrainConfig.read(first) == TrainConfig.read(version_0_1 / "run").model_copy(
        update={"control": False}
    )
    for name in ("metrics.json", "predictions.tsv", "splits.json"):
        assert (first / name).read_text() == (second / name).read_text()
    assert json.loads((first / "metrics.json").read_text())["model"] == "sparse-attention-locator"


def test_defaults_of_the_command_do_not_replace_values_of_the_file(written, configured) -> None:
    path = written(
        seed=7,
        seeds=2,
        device="cpu",
        precision="bf16",
        control=False,
        control_within_subject=True,
        boosting=False,
        refit=True,
        partitions=3,
        warmup=0.2,
        betas=[0.8, 0.9],
    )
    config, text = configured(path)
    assert config == TrainConfig.model_validate(yaml.safe_load(path.read_text()))
    assert "general defaults" not in text


@pytest.mark.parametrize(
    ("words", "changed"),
    [
        (("--seed", 1), {"seed": 1, "split.seed": 1}),
        (("--epochs", 9), {"epochs": 9, "min_steps": 0}),
        (("--jitter", 0.1), {"augment.jitter": 0.1}),
        (("--no-control",), {"control": False}),
        (("--model", "response-time-cnn"), {"model": "response-time-cnn", "model_options": {}}),
        (("--option", "width=16"), {"model_options": {"n_filters": 4, "width": 16}}),
        (("--split", "loso"), {"split.kind": "loso", "split.valid": (), "split.test": ()}),
        (
            ("--split", "kfold", "--folds", 4),
            {"split.kind": "kfold", "split.folds": 4, "split.valid": (), "split.test": ()},
        ),
        (("--test", "R6"), {"split.test": ("R6",), "data.releases": ("R1", "R4", "R6")}),
        (("--releases", "R5"), {"data.releases": ("R5", "R4")}),
        (
            ("--valid", "R5", "--test", "R4"),
            {"split.valid": ("R5",), "split.test": ("R4",), "data.releases": ("R1", "R5", "R4")},
        ),
    ],
)  # fmt: skip
def test_an_option_replaces_a_field_and_no_other(
    words: tuple[object, ...], changed: dict[str, object], written, configured
) -> None:
    path = written(min_steps=50)
    expected = TrainConfig.model_validate(yaml.safe_load(path.read_text())).model_dump()
    for name, value in changed.items():
        section, _, field = name.rpartition(".")
        (expected[section] if section else expected)[field] = value
    assert configured(path, *words)[0].model_dump() == expected


def test_other_data_replace_those_of_the_file(
    written, configured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert configured(written(), "--data", "other")[0].data.path == (str(tmp_path / "other"),)


def test_paths_are_made_absolute_from_text_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert absolute([Path("a"), "b"]) == (str(tmp_path / "a"), str(tmp_path / "b"))


def test_what_the_file_leaves_out_is_said(written, configured) -> None:
    path = written(ema=None, loss=None)
    config, text = configured(path)
    assert (config.ema, config.loss) == (0.0, "kl")
    assert f"{path} has no ema, loss: the general defaults apply" in text


def test_another_network_keeps_the_training_settings_and_says_so(written, configured) -> None:
    _, text = configured(written(), "--model", "response-time-cnn")
    assert "response-time-cnn replaces sparse-attention-locator: the training settings" in text


def test_a_damaged_file_is_one_line(written, settings: dict, tmp_path: Path, sparseeg) -> None:
    path, out = tmp_path / "settings.yaml", tmp_path / "run"

    def refused(*words: str) -> None:
        assert_one_line(*sparseeg("train", "--config", path, "--out", out), str(path), *words)
        assert not out.exists()

    refused("settings.yaml does not exist")
    for content, words in (
        (b"\xff\xfe", "not a readable YAML file"),
        (b"data: [", "not a readable YAML file"),
        (b"[]", "data: is missing"),
        (b"- a\n- b\n", "must be a list of NAME: VALUE"),
        (b"", "data: is missing"),
    ):
        path.write_bytes(content)
        refused(words)
    for changes, field in (
        ({"epochs": 0}, "epochs: must be greater than or equal to 1, not 0"),
        ({"epoch": 3}, "epoch: there is no setting of this name"),
        ({"augment": {"jitter": -1}}, "augment.jitter: "),
        ({"split": {"kind": "halves"}}, "split.kind: "),
        ({"data": {"task": "response-time"}}, "data.path: "),
        ({"model": None}, "model: is missing"),
        ({"model": "sparse-attention-locater"}, "model: unknown model"),
    ):
        written(**changes)
        refused(field)
    path.unlink()
    path.mkdir()
    refused("is a folder; --config takes a file")


def test_a_new_run_is_not_a_continued_one(version_0_1: Path, tmp_path: Path, sparseeg) -> None:
    config = version_0_1 / "run" / "config.yaml"
    both = sparseeg("train", "--config", config, "--resume", "--out", version_0_1 / "interrupted")
    assert_one_line(*both, "--resume continues with", "--config starts a new run; leave one of them out")
    over = sparseeg("train", "--config", config, "--out", version_0_1 / "run")
    assert_one_line(*over, "is not empty; choose another --out")
