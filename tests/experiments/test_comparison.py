"""Models compared on toy windows: same trials, paired differences, failures kept, nothing trained twice."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from helpers.toys import toy_windows
from sparseeg.data.windows import WindowSet
from sparseeg.errors import SparseEEGError
from sparseeg.experiments import comparison as comparing
from sparseeg.experiments.comparison import Comparison
from sparseeg.experiments.entry import Entry
from sparseeg.report.comparison import write_comparison
from sparseeg.training import ensemble
from sparseeg.training.config import DataConfig, SplitConfig
from sparseeg.training.inputs import Inputs
from sparseeg.training.subjects import read_subjects

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


@pytest.fixture
def copied(finished: tuple[Comparison, list[Entry]], tmp_path: Path) -> Path:
    """A copy of a finished comparison, whose files may be changed."""
    return shutil.copytree(finished[0].out, tmp_path / "copy")


def test_an_entry_is_a_model_and_what_differs_from_its_recipe() -> None:
    entry = Entry.parse("light-sparse-attention-cnn@output=latency@epochs=3@jitter=0.1@runs=1")
    assert entry.model == "light-sparse-attention-cnn"
    assert entry.given == {
        "model_options": {"output": "latency"},
        "epochs": 3,
        "augment": {"jitter": 0.1},
    }
    assert list(entry.seeds(3)) == [0]
    assert Entry.parse("response-time-cnn@init=runs/a").given == {"init": str(Path("runs/a").resolve())}
    assert list(Entry.parse("response-time-cnn@seeds=5").seeds(2)) == [0, 5]


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        ("response-time-cnn", "response-time-cnn"),
        (
            "sparse-attention-locator@n_filters=4@width=8@epochs=2",
            "sparse-attention-locator_n_filters=4_width=8_epochs=2",
        ),
        ("light-sparse-attention-cnn@output=latency", "light-sparse-attention-cnn_output=latency"),
        ("response-time-cnn@learning_rate=0.001@seeds=5", "response-time-cnn_learning_rate=0.001_seeds=5"),
    ],
)
def test_the_folder_of_a_plain_entry_says_what_it_is(text: str, folder: str) -> None:
    assert Entry.parse(text).folder == folder


def test_different_entries_have_different_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [
        *("@init=T/x/y", "@init=T/x_y", "@a=b/c", "@a=b_c", "@a=b:c", "@a=1@b=2", "@a=1_b=2", "@a_b=1"),
        *("@a__b=1", "@_a_b=1", f"@a={'x' * 300}/1", f"@a={'x' * 300}/2"),
    ]
    folders = {Entry.parse(f"response-time-cnn{text}").folder for text in texts}
    assert len(folders) == len(texts)
    assert max(map(len, folders)) < 100
    names = set()
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        entry = Entry.parse("response-time-cnn@init=r@epochs=2")
        assert entry.name == f"response-time-cnn@init={tmp_path / name / 'r'}@epochs=2"
        names.add((entry.name, entry.folder))
    assert len(names) == 2


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


def test_every_network_says_what_it_takes(copied: Path, toy: WindowSet) -> None:
    folder = copied / "runs" / "response-time-cnn" / "seed-0"
    assert json.loads((folder / "input.json").read_text()) == json.loads(json.dumps(Inputs.of(toy).to_dict()))


def test_an_unfinished_run_is_continued_by_the_same_comparison(copied: Path) -> None:
    folder = copied / "runs" / "response-time-cnn" / "seed-0"
    (folder / "calibration.json").unlink()
    with pytest.raises(SparseEEGError, match=r"the same `sparseeg compare` command that started .*copy$"):
        ensemble.network_files(folder)


def test_an_ensemble_takes_over_networks_that_are_there(
    copied: Path, toy: WindowSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [Entry.parse(text) for text in ("response-time-cnn", "response-time-cnn@seeds=2@runs=1")]
    again = comparison(copied, toy)
    monkeypatch.setattr(ensemble, "fit_network", lambda *_, **__: pytest.fail("it trains again"))
    again.run(entries, seeds=2)
    alone = again.predictions[["response-time-cnn#0", "response-time-cnn#1"]].to_numpy()
    together = again.predictions["response-time-cnn@seeds=2@runs=1#0"]
    assert np.corrcoef(alone.mean(axis=1), together)[0, 1] > 0.99


def test_with_a_refit_it_takes_over_those_that_chose_too(
    toy: WindowSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [Entry.parse(text) for text in ("response-time-cnn", "response-time-cnn@seeds=2@runs=1")]
    comparison(tmp_path, toy, epochs=1, refit=True).run(entries[:1], seeds=2)
    monkeypatch.setattr(ensemble, "fit_network", lambda *_, **__: pytest.fail("it trains again"))
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


def test_what_is_done_has_the_same_scores_again(toy: WindowSet, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    # Times of a clock of 0.1 s, as differences of two onsets that are no multiples of it in binary.
    targets = np.round(toy.targets, 1) + 1e-13 * rng.standard_normal(len(toy))
    windows = replace(toy, table=toy.table.assign(target=targets))
    entries = [Entry.parse("ridge"), Entry.parse("training-mean")]
    first = comparison(tmp_path / "compare", windows)
    first.run(entries, seeds=1)
    again = comparison(tmp_path / "compare", windows)
    again.run(entries, seeds=1)
    pd.testing.assert_frame_equal(first.table(entries), again.table(entries), check_exact=True)


def test_several_workers_do_the_same(
    finished: tuple[Comparison, list[Entry]],
    toy: WindowSet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # As many threads in each as here: others would round elsewhere.
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, str(torch.get_num_threads()))
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


def interrupt_the_second(line: str) -> None:
    if line == "training-mean, seed 0":
        raise KeyboardInterrupt


def test_ctrl_c_in_a_worker_ends_all_and_the_same_call_goes_on(toy: WindowSet, tmp_path: Path) -> None:
    entries = [Entry.parse(text) for text in ("ridge", "training-mean", "gradient-boosting")]
    interrupted = comparison(tmp_path, toy)
    interrupted.report = interrupt_the_second
    with pytest.raises(KeyboardInterrupt):
        interrupted.run(entries, seeds=1, workers=2)
    again = comparison(tmp_path, toy)
    again.run(entries, seeds=1)
    assert set(again.columns(entries)) == {"ridge", "training-mean", "gradient-boosting"}


def test_other_trials_are_refused(finished: tuple[Comparison, list[Entry]]) -> None:
    done, _ = finished
    with pytest.raises(SparseEEGError, match="on other trials"):
        comparison(done.out, toy_windows(seed=1))


def test_other_settings_and_other_people_are_refused(
    finished: tuple[Comparison, list[Entry]], toy: WindowSet
) -> None:
    done, _ = finished
    with pytest.raises(SparseEEGError, match="with other settings: refit was None and is True now"):
        comparison(done.out, toy, refit=True)
    with pytest.raises(SparseEEGError, match=r"tmax was None and is 1.0 now"):
        Comparison(done.out, toy, DataConfig(path="elsewhere", tmax=1.0), SPLIT, FEW, silent)
    fewer = toy.select(np.flatnonzero(toy.subjects != "sub-00"))
    with pytest.raises(SparseEEGError, match="sub-00 was in the train part and is in no part now"):
        comparison(done.out, fewer)
    assert Comparison(done.out, toy, DataConfig(path="elsewhere"), SPLIT, FEW, silent).lines


def test_a_refit_needs_somebody_to_test_on(toy: WindowSet, tmp_path: Path) -> None:
    alone = SplitConfig(kind="release", valid=("R5",))
    with pytest.raises(SparseEEGError, match="name releases to test on"):
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


def test_who_trains_is_on_disk_before_the_training(
    toy: WindowSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        assert (tmp_path / "settings.json").exists()
        folder = tmp_path / "runs" / "response-time-cnn" / "seed-0"
        (subjects,) = read_subjects(folder)
        assert subjects.test == ["sub-09", "sub-10", "sub-11"]
        assert (folder / "config.yaml").exists()
        raise KeyboardInterrupt

    monkeypatch.setattr(comparing, "fit_split", interrupted)
    with pytest.raises(KeyboardInterrupt):
        comparison(tmp_path, toy).run([Entry.parse("response-time-cnn")], seeds=1)
    other = SplitConfig(kind="kfold", folds=6)
    with pytest.raises(SparseEEGError, match="with other settings: kind was release and is kfold now"):
        Comparison(tmp_path, toy, DataConfig(path="toy"), other, FEW, silent)
    moved = toy.select(np.flatnonzero(toy.subjects != "sub-00"))
    with pytest.raises(SparseEEGError, match="sub-00 was in the train part and is in no part now"):
        comparison(tmp_path, moved)


def forget(folder: Path, run: str) -> None:
    """Let a run be done again, with the networks in its folder."""
    table = pd.read_csv(folder / "runs.tsv", sep="\t")
    table[table["run"] != run].to_csv(folder / "runs.tsv", sep="\t", index=False)


def move_a_subject(path: Path) -> None:
    """Let a test subject have been a training subject."""
    (subjects,) = json.loads(path.read_text())
    subjects["train"].append(subjects["test"].pop())
    path.write_text(json.dumps([subjects]))


def test_networks_that_trained_on_others_are_not_taken_over(
    copied: Path, toy: WindowSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ensemble, "fit_network", lambda *_, **__: pytest.fail("it trains again"))
    name = "response-time-cnn"
    ensemble_of_both = Entry.parse(f"{name}@seeds=2@runs=1")
    forget(copied, f"{name}#1")
    again = comparison(copied, toy)
    again.run([Entry.parse(name)], seeds=2)
    assert "note" not in again.lines[-1]
    move_a_subject(copied / "runs" / name / "seed-1" / "splits.json")
    forget(copied, f"{name}#1")
    again = comparison(copied, toy)
    again.run([Entry.parse(name), ensemble_of_both], seeds=2)
    for line in again.lines[-2:]:
        assert "splits.json was changed after the training" in line["note"]
        assert line["run"] not in again.predictions or line["run"] == f"{name}#1"


def test_runs_of_version_0_1_0_are_taken_over(
    copied: Path, toy: WindowSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ensemble, "fit_network", lambda *_, **__: pytest.fail("it trains again"))
    for file in (copied / "runs").glob("*/*/*"):
        if file.name in ("splits.json", "config.yaml"):
            file.unlink()
    forget(copied, "response-time-cnn#0")
    again = comparison(copied, toy)
    again.run(
        [Entry.parse(text) for text in ("response-time-cnn", "response-time-cnn@seeds=2@runs=1")], seeds=2
    )
    assert not [line for line in again.lines if "note" in line]
    assert read_subjects(copied / "runs" / "response-time-cnn" / "seed-0") == again.settings.subjects


def test_runs_without_a_record_are_refused(copied: Path, toy: WindowSet) -> None:
    (copied / "settings.json").unlink()
    with pytest.raises(SparseEEGError, match=r"not empty and has no settings\.json, which says who trains"):
        comparison(copied, toy)


def test_a_folder_of_something_else_is_left_alone(toy: WindowSet, tmp_path: Path) -> None:
    (tmp_path / "predictions.tsv").write_text("mine")
    with pytest.raises(SparseEEGError, match="not empty and has no settings"):
        comparison(tmp_path, toy)
    assert (tmp_path / "predictions.tsv").read_text() == "mine"


def without(key: str) -> Callable[[str], str]:
    return lambda text: json.dumps({name: part for name, part in json.loads(text).items() if name != key})


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        *(("settings.json", without(key)) for key in ("data", "split", "given", "subjects")),
        ("settings.json", lambda text: text.replace('"valid"', '"valdi"')),
        *(
            ("runs.tsv", change)
            for change in (
                lambda text: text[: text.index("ridge#0") + 10],
                lambda text: text.replace("model", "m"),
            )
        ),
        ("predictions.tsv", lambda text: text.replace("target", "t")),
        ("predictions.tsv", lambda text: "\t".join(text.split("\t")[:-1])),
        *((name, lambda text: "") for name in ("settings.json", "runs.tsv", "predictions.tsv")),
        *((name, lambda text: "[]") for name in ("settings.json", "runs.tsv", "predictions.tsv")),
        *((name, lambda text: "\x00\ud800" * 9) for name in ("settings.json", "runs.tsv", "predictions.tsv")),
    ],
)
def test_a_damaged_comparison_is_one_line(
    name: str, damage: Callable[[str], str], copied: Path, toy: WindowSet
) -> None:
    path = copied / name
    path.write_bytes(damage(path.read_text()).encode("utf-8", "surrogatepass"))
    with pytest.raises(SparseEEGError, match=f"{path.stem}.*is damaged") as error:
        comparison(copied, toy)
    assert "\n" not in str(error.value)


def test_scores_that_are_gone_are_predicted_again(
    copied: Path, toy: WindowSet, finished: tuple[Comparison, list[Entry]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ensemble, "fit_network", lambda *_, **__: pytest.fail("it trains again"))
    done, entries = finished
    for name in ("runs.tsv", "predictions.tsv"):
        (copied / name).unlink()
    again = comparison(copied, toy)
    again.run(entries, seeds=2)
    pd.testing.assert_frame_equal(again.predictions, done.predictions, check_like=True)
