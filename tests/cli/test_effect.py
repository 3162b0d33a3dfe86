"""Options that contradict each other, or would have no effect, are refused; each says why and what to do."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.bids_folder import BidsFolder
from helpers.command import assert_one_line
from helpers.toys import ages
from sparseeg.cli.effect import as_change, as_option, check_effect
from sparseeg.data.windows import WindowSet
from sparseeg.errors import SparseEEGError
from sparseeg.training.config import DataConfig
from sparseeg.training.recipes import configure

DATA = DataConfig(path="toy")
CNN, LOCATOR, RANDOM = "response-time-cnn", "sparse-attention-locator", "light-sparse-attention-cnn"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--split", "kfold", "--valid", "R4"), ("--valid", "--split kfold", "leave one of them out")),
        (("--split", "loso", "--test", "R5"), ("--test", "--split loso")),
        (
            ("--split", "subjects", "--valid", "R4", "--test", "R5"),
            ("--valid and --test", "--split subjects"),
        ),
        (("--split", "release"), ("--valid R4",)),
        (("--test", "R5"), ("--valid R4",)),
        (("--folds", 4), ("--folds", "--split kfold")),
        (("--folds", 4, "--valid", "R4"), ("--folds", "--split kfold")),
        (("--valid", ","), ("--valid ','", "names nothing")),
        (("--releases", ""), ("--releases ''", "names nothing")),
    ],
)
@pytest.mark.parametrize("command", [("train",), ("compare", "--models", "ridge")])
def test_a_split_is_of_one_kind(
    command: tuple[str, ...],
    options: tuple[object, ...],
    words: tuple[str, ...],
    toy_store: Path,
    tmp_path: Path,
    sparseeg,
) -> None:
    out = tmp_path / "out"
    assert_one_line(*sparseeg(*command, "--data", toy_store, "--out", out, *options), *words)
    assert not out.exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--patience", 3), ("--patience 3", "keeps the last epoch", "--keep best")),
        (("--model", CNN, "--keep", "last", "--patience", 3), ("--patience 3", "--keep best")),
        (("--model", CNN, "--loss", "kl"), ("--loss kl", "no latency head", "--option output=latency")),
        (("--model", CNN, "--target-width", 0.1), ("--target-width 0.1", "no latency head")),
        (("--loss", "squared", "--target-width", 0.1), ("--target-width 0.1", "--loss kl")),
        (("--model", CNN, "--layer-decay", 0.5), ("--layer-decay 0.5", "does not name its layers")),
        (("--auxiliary", 0.3), ("--auxiliary 0.3", "correct, stimulus_right")),
        (("--amplitude", 0.2), ("--amplitude 0.2", "z-scores each channel", "--option standardize=window")),
        (("--no-control", "--control-within-subject"), ("--control-within-subject", "add --control")),
        (("--option", "width=8", "--option", "width=16"), ("--option width", "given twice")),
    ],
)
def test_options_of_train_have_an_effect(
    options: tuple[object, ...], words: tuple[str, ...], toy_store: Path, tmp_path: Path, sparseeg
) -> None:
    out = tmp_path / "out"
    assert_one_line(*sparseeg("train", "--data", toy_store, "--out", out, *options), *words)
    assert not out.exists()


def unlocked(windows: WindowSet) -> WindowSet:
    return ages(windows)


def labelled(windows: WindowSet) -> WindowSet:
    """Return windows whose answers are known to be right."""
    return replace(windows, table=windows.table.assign(correct=True))


def of_subjects(windows: WindowSet) -> WindowSet:
    """Return windows with one target per subject."""
    _, codes = np.unique(windows.subjects, return_inverse=True)
    return replace(ages(windows), table=windows.table.assign(target=codes + 20.0))


@pytest.mark.parametrize(
    ("model", "given", "change", "word"),
    [
        (CNN, {"augment": {"jitter": 0.1}}, unlocked, "rt|age is not a time after an event"),
        (CNN, {"control_within_subject": True}, of_subjects, "age is the same in all windows"),
        (CNN, {"partitions": 4}, None, "has no random attention"),
        (CNN, {"loss": "both"}, None, "has no latency head"),
        (LOCATOR, {"loss": "kl"}, unlocked, "has no latency head"),
        (
            CNN,
            {"auxiliary": 0.3},
            labelled,
            "@auxiliary=0.3 has no effect: .* no auxiliary outputs",
        ),
        (
            CNN,
            {"augment": {"amplitude": 0.2}, "model_options": {"standardize": "channel"}},
            None,
            "add @standardize=window",
        ),
    ],
)
def test_settings_have_an_effect_on_these_windows(
    toy: WindowSet,
    model: str,
    given: dict[str, Any],
    change: Callable[[WindowSet], WindowSet] | None,
    word: str,
) -> None:
    windows = toy if change is None else change(toy)
    flat = {**given.get("augment", {}), **{key: value for key, value in given.items() if key != "augment"}}
    with pytest.raises(SparseEEGError, match=word):
        check_effect(configure(DATA, model, **given), windows, flat, as_change)


@pytest.mark.parametrize(
    ("model", "given"),
    [
        (CNN, {"keep": "best", "patience": 3, "loss": "squared", "layer_decay": 1.0}),
        (CNN, {"model_options": {"output": "latency"}, "loss": "kl", "target_width": 0.1}),
        (LOCATOR, {"loss": "both", "target_width": 0.1}),
        (RANDOM, {"partitions": 4}),
        (CNN, {"auxiliary": 0.0, "augment": {"amplitude": 0.2}, "amplitude": 0.2}),
    ],
)
def test_settings_with_an_effect_pass(toy: WindowSet, model: str, given: dict[str, Any]) -> None:
    config = configure(DATA, model, **{name: given[name] for name in given.keys() - {"amplitude"}})
    check_effect(config, toy, given, as_option)


def test_what_a_recipe_says_needs_no_effect(toy: WindowSet) -> None:
    """The recipe of the locator weighs labels that the toy windows don't have, and names a patience."""
    check_effect(configure(DATA, LOCATOR, patience=3), toy, {}, as_option)


@pytest.mark.parametrize(
    ("models", "words"),
    [
        ("ridge,ridge", ("--models names ridge 2 times",)),
        (f"ridge,{CNN}@epochs=1@epochs=2", ("sets epochs twice",)),
        (f"{CNN}@control=true", ("a comparison scores no controls",)),
        (f"{LOCATOR}@patience=3,ridge", ("@patience=3 has no effect", "@keep=best")),
        (f"{CNN}@layer_decay=0.5,ridge", ("@layer_decay=0.5 has no effect",)),
        (f"{CNN}@target_width=0.1,ridge", ("@target_width=0.1 has no effect", "@output=latency")),
        (f"{LOCATOR}@partitions=8,ridge", ("@partitions=8 has no effect", "no random attention")),
    ],
)
def test_models_of_a_comparison_are_told_apart_by_what_has_an_effect(
    models: str, words: tuple[str, ...], toy_store: Path, tmp_path: Path, sparseeg
) -> None:
    out = tmp_path / "out"
    assert_one_line(*sparseeg("compare", "--data", toy_store, "--models", models, "--out", out), *words)
    assert not out.exists()


def test_a_comparison_of_baselines_says_what_it_does_not_use(
    toy_store: Path, tmp_path: Path, sparseeg
) -> None:
    words = ("--models", "training-mean", "--seeds", 5, "--device", "cpu", "--out", tmp_path / "out")
    code, text = sparseeg("compare", "--data", toy_store, *words)
    assert code == 0, text
    assert "training-mean: no network to train, so there is no use for --seeds and --device" in text


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--window", 2), ("window has no effect", "windows of the task response-time start at an event")),
        (("--task", "externalizing", "--tmin", 0), ("tmin has no effect", "do not start at an event")),
        (("--task", "externalizing", "--margin", 0.2), ("--margin has no effect",)),
        (("--task", "age", "--trial-start", "contrastTrial_start"), ("trial_start has no effect",)),
        (("--task", "pretraining", "--events-column", "value"), ("events_column has no effect",)),
        (("--unit", "ms"), ("leave out the unit 'ms'",)),
        (("--task", "externalizing", "--stimulus", "a", "--response", "b"), ("has no stimulus or response",)),
        (("--stimulus", "a"), ("needs both",)),
        (("--stimulus", ","), ("--stimulus ','", "names nothing")),
        (("--scheduler", "tcp://host:8786"), ("dask",)),
    ],
)
def test_options_of_prepare_have_an_effect(
    options: tuple[object, ...], words: tuple[str, ...], bids: BidsFolder, tmp_path: Path, sparseeg
) -> None:
    bids.add("A")
    assert_one_line(*sparseeg("prepare", bids.root, "--out", tmp_path / "store", *options), *words)
    assert not (tmp_path / "store" / "store.json").exists()


def test_a_task_file_and_another_task_are_refused(bids: BidsFolder, tmp_path: Path, sparseeg) -> None:
    bids.add("A")
    (tmp_path / "task.yaml").write_text(
        "name: tones\nstimulus: [left_target]\nresponse: [left_buttonPress]\n"
    )
    words = ("prepare", bids.root, "--task-file", tmp_path / "task.yaml", "--out", tmp_path / "store")
    assert_one_line(*sparseeg(*words, "--task", "clicks"), "task.yaml names its task tones, not clicks")
    code, text = sparseeg(*words, "--tmin", 0.25, "--jobs", 1)
    assert code == 0, text
    assert "train --task tones" in text


def test_times_of_a_subject_level_task_are_refused_by_train_too(
    bids: BidsFolder, tmp_path: Path, sparseeg
) -> None:
    bids.add("A")
    words = ("train", "--data", bids.root, "--task", "externalizing", "--tmax", 1, "--out", tmp_path / "run")
    assert_one_line(*sparseeg(*words), "tmax has no effect", "externalizing")


def test_partitions_of_a_network_without_random_attention(version_0_1: Path, sparseeg) -> None:
    result = sparseeg("evaluate", version_0_1 / "run", "--partitions", 4)
    assert_one_line(*result, "--partitions has no effect", str(version_0_1 / "run"), "no random attention")
    assert not (version_0_1 / "run" / "evaluations").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--overwrite",), ("--overwrite has no effect without --out",)),
        (("--every", 1, "--events-column", "value"), ("--events-column has no effect",)),
    ],
)
def test_options_of_predict_have_an_effect(
    options: tuple[object, ...], words: tuple[str, ...], version_0_1: Path, tmp_path: Path, sparseeg
) -> None:
    (tmp_path / "a.bdf").touch()
    assert_one_line(*sparseeg("predict", version_0_1 / "run", tmp_path / "a.bdf", *options), *words)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--events-column", "value"), ("--events-column", "--replay")),
        (("--replay", "a.bdf", "--source-id", "x"), ("--source-id", "--replay")),
        (("--every", 1, "--markers", "Events"), ("--markers has no effect",)),
        (("--replay", "a.bdf", "--every", 1, "--events-column", "value"), ("--events-column has no effect",)),
    ],
)
def test_options_of_stream_have_an_effect(
    options: tuple[object, ...], words: tuple[str, ...], tmp_path: Path, sparseeg
) -> None:
    assert_one_line(*sparseeg("stream", tmp_path / "run", *options), *words)


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (("train", "--data", "store", "--data", "./store", "--out", "run"), "--data"),
        (
            ("compare", "--models", f"{CNN}@init=r,{CNN}@init=./r", "--data", "store", "--out", "c"),
            "--models",
        ),
        (("submit", "--response-time", "run", "--response-time", "run"), "--response-time"),
        (("submit", "--externalizing", "run", "--externalizing", "./run"), "--externalizing"),
    ],
)
def test_what_is_given_twice_is_refused(words: tuple[str, ...], option: str, sparseeg) -> None:
    assert_one_line(*sparseeg(*words), f"{option} names ", "2 times; name it once")


def test_options_of_score_have_an_effect(toy_store: Path, tmp_path: Path, sparseeg) -> None:
    words = ("score", tmp_path / "a.zip", "--data", toy_store)
    cuda = sparseeg(*words, "--device", "cuda", "--memory-limit", 8)
    assert_one_line(*cuda, "--memory-limit has no effect on --device cuda")
    cache = sparseeg(*words, "--cache", tmp_path / "cache")
    assert_one_line(*cache, f"{toy_store} is a store already", "--cache")


def test_a_benchmark_is_not_continued_with_another_width(tmp_path: Path, sparseeg) -> None:
    (tmp_path / "attention.tsv").write_text("tokens per head\n8\n")
    (tmp_path / "attention.md").write_text("# Attention layers, d = 256, float32\n")
    words = ("bench", "attention", "--resume", "--out", tmp_path, "--dim", 64)
    assert_one_line(*sparseeg(*words), "is not about --dim 64")
