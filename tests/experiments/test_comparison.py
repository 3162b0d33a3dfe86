"""Models compared on toy windows: same trials, paired differences, failures kept, nothing trained twice."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from helpers.toys import toy_windows
from sparseeg.data.windows import WindowSet
from sparseeg.errors import SparseEEGError
from sparseeg.experiments.comparison import Comparison, Entry
from sparseeg.report.comparison import write_comparison
from sparseeg.training import ensemble
from sparseeg.training.config import DataConfig, SplitConfig

SPLIT = SplitConfig(kind="release", valid=("R4",), test=("R5",))
FEW = {"epochs": 2, "batch_size": 32, "device": "cpu", "boosting": False}
MODELS = ("response-time-cnn", "response-time-cnn@output=latency@seeds=2@runs=1", "ridge", "training-mean")


def comparison(out: Path, windows: WindowSet, **given: object) -> Comparison:
    return Comparison(out, windows, DataConfig(path="toy"), SPLIT, {**FEW, **given}, silent)


def silent(line: str) -> None:
    """Say nothing; in another process too."""


@pytest.fixture(scope="module")
def finished(toy: WindowSet, tmp_path_factory: pytest.TempPathFactory) -> tuple[Comparison, list[Entry]]:
    entries = [Entry.parse(text) for text in MODELS]
    done = comparison(tmp_path_factory.mktemp("compare"), toy)
    done.run(entries, seeds=2)
    return done, entries


def test_an_entry_is_a_model_and_what_differs_from_its_recipe() -> None:
    entry = Entry.parse("light-sparse-attention-cnn@output=latency@epochs=3@jitter=0.1@runs=1")
    assert entry.model == "light-sparse-attention-cnn"
    assert entry.given == {
        "model_options": {"output": "latency"},
        "epochs": 3,
        "augment": {"jitter": 0.1},
    }
    assert list(entry.seeds(3)) == [0]
    assert list(Entry.parse("response-time-cnn@seeds=5").seeds(2)) == [0, 5]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("response-time-cnn@latency", "NAME=VALUE"),
        ("response-time-cnn@output=[", "no value that YAML can read"),
        ("response-time-cnn@runs=0", "a number from 1 on"),
        ("response-time-cnn@runs=some", "a number from 1 on"),
        ("ridge@alpha=3", "ridge has no options"),
        ("response-time-cnn@seed=3", "seed is no option of a single model"),
        ("response-time-cnn@augment=0.1", "augment is no option"),
        ("response-time-cnn@split=kfold", "split is no option"),
        ("respons-time-cnn", "Did you mean 'response-time-cnn'"),
    ],
)
def test_what_is_no_entry_is_refused(text: str, reason: str) -> None:
    with pytest.raises(SparseEEGError, match=reason):
        Entry.parse(text)


def test_every_run_has_a_column_and_a_line(finished: tuple[Comparison, list[Entry]]) -> None:
    done, entries = finished
    assert {name: len(columns) for name, columns in done.columns(entries).items()} == {
        MODELS[0]: 2,
        MODELS[1]: 1,
        "ridge": 1,
        "training-mean": 1,
    }
    assert len(done.predictions) == 72
    table = done.table(entries).set_index("model")
    assert table.loc["ridge", "nrmse"] < 1
    assert table.loc[MODELS[0], "parameters"] > 0
    assert table.loc[MODELS[1], "training_s"] > 0
    assert np.isnan(table.loc["ridge", "training_s"])


def test_an_ensemble_takes_over_networks_that_are_there(
    finished: tuple[Comparison, list[Entry]], toy: WindowSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    done, _ = finished
    entries = [Entry.parse(text) for text in ("response-time-cnn", "response-time-cnn@seeds=2@runs=1")]
    again = comparison(done.out, toy)
    monkeypatch.setattr(ensemble, "fit", lambda *_, **__: pytest.fail("it trains again"))
    again.run(entries, seeds=2)
    alone = again.predictions[["response-time-cnn#0", "response-time-cnn#1"]].to_numpy()
    together = again.predictions["response-time-cnn@seeds=2@runs=1#0"]
    assert np.corrcoef(alone.mean(axis=1), together)[0, 1] > 0.99


def test_with_a_refit_it_takes_over_those_that_chose_too(
    toy: WindowSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [Entry.parse(text) for text in ("response-time-cnn", "response-time-cnn@seeds=2@runs=1")]
    comparison(tmp_path, toy, epochs=1, refit=True).run(entries[:1], seeds=2)
    monkeypatch.setattr(ensemble, "fit", lambda *_, **__: pytest.fail("it trains again"))
    again = comparison(tmp_path, toy, epochs=1, refit=True)
    again.run(entries, seeds=2)
    assert set(again.columns(entries)) == {entry.name for entry in entries}


def test_what_is_done_is_not_done_again(
    finished: tuple[Comparison, list[Entry]], toy: WindowSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    done, entries = finished
    again = comparison(done.out, toy)
    monkeypatch.setattr(again, "_one", lambda *_: pytest.fail("it trains again"))
    again.run(entries, seeds=2)
    pd.testing.assert_frame_equal(again.table(entries), done.table(entries), rtol=1e-3, check_dtype=False)


def test_several_workers_do_the_same(
    finished: tuple[Comparison, list[Entry]],
    toy: WindowSet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # As many threads in each as here: others would round elsewhere.
    monkeypatch.setattr(os, "cpu_count", lambda: 2 * torch.get_num_threads())
    done, entries = finished
    failing = Entry.parse("response-time-cnn@depth=3@runs=1")
    side_by_side = comparison(tmp_path, toy)
    side_by_side.run([*entries, failing], seeds=2, workers=2)
    for name in done.predictions:
        if name.startswith("response-time-cnn"):
            close = pytest.approx(done.predictions[name].to_numpy(), abs=1e-3)
            assert side_by_side.predictions[name].to_numpy() == close
    assert {line["run"] for line in side_by_side.lines} == {
        *(line["run"] for line in done.lines),
        "response-time-cnn@depth=3@runs=1#0",
    }
    assert (tmp_path / "failures").exists()


def test_other_trials_are_refused(finished: tuple[Comparison, list[Entry]]) -> None:
    done, _ = finished
    with pytest.raises(SparseEEGError, match="on other trials"):
        comparison(done.out, toy_windows(seed=1))


def test_other_settings_and_other_people_are_refused(
    finished: tuple[Comparison, list[Entry]], toy: WindowSet
) -> None:
    done, _ = finished
    with pytest.raises(
        SparseEEGError, match="compares models otherwise: refit was None then and is True now"
    ):
        comparison(done.out, toy, refit=True)
    with pytest.raises(SparseEEGError, match=r"tmax was None then and is 1.0 now"):
        Comparison(done.out, toy, DataConfig(path="elsewhere", tmax=1.0), SPLIT, FEW, silent)
    fewer = toy.select(np.flatnonzero(toy.subjects != "sub-00"))
    with pytest.raises(SparseEEGError, match="sub-00 was in the part train then and is not there now"):
        comparison(done.out, fewer)
    assert Comparison(done.out, toy, DataConfig(path="elsewhere"), SPLIT, FEW, silent).lines


def test_a_refit_needs_somebody_to_test_on(toy: WindowSet, tmp_path: Path) -> None:
    alone = SplitConfig(kind="release", valid=("R5",))
    with pytest.raises(SparseEEGError, match="name releases to --test on"):
        Comparison(tmp_path, toy, DataConfig(path="toy"), alone, {**FEW, "refit": True}, silent)


def test_a_failure_is_a_line_and_the_others_go_on(toy: WindowSet, tmp_path: Path) -> None:
    entries = [Entry.parse(text) for text in ("response-time-cnn@depth=3", "training-mean")]
    failing = comparison(tmp_path, toy)
    failing.run(entries, seeds=1)
    table = failing.table(entries)
    assert table["model"].tolist() == ["training-mean", "response-time-cnn@depth=3"]
    assert "depth" in table["note"].iloc[1]
    assert "Traceback" in next((tmp_path / "failures").iterdir()).read_text()
    with pytest.raises(SparseEEGError, match="no model could be scored"):
        write_comparison(failing, entries[:1], "compare")
    again = comparison(tmp_path, toy)
    again.run(entries[1:], seeds=1)
    assert len(again.lines) == 2, "a call about other models keeps what failed"
    again.run(entries[:1], seeds=1)
    assert [line["run"] for line in again.lines] == ["training-mean#0", "response-time-cnn@depth=3#0"]


def test_tables_and_figure(finished: tuple[Comparison, list[Entry]]) -> None:
    done, entries = finished
    text = write_comparison(done, entries, "sparseeg compare").read_text()
    assert "SIMULATED response-time" in text
    assert all(f"| {name} |" in text for name in MODELS)
    pairs = pd.read_csv(done.out / "differences.tsv", sep="\t")
    assert len(pairs) == 6
    assert (done.out / "compare.svg").stat().st_size > 1000
