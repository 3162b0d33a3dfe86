"""Train on all people of one data set, test on those of another; people that both have are refused."""

import json
from pathlib import Path

import pandas as pd
import pytest
import yaml

from helpers.bids_folder import BidsFolder, contrast_events

NET = (
    *("--model", "sparse-attention-locator", "--option", "n_filters=4", "--option", "width=8"),
    *("--epochs", 1, "--no-control", "--no-boosting"),
)
AGES = {"01": "23", "02": "31", "03": "28", "04": "35"}


def laboratory(root: Path, name: str, older: int = 0, seed: int = 0) -> Path:
    folder = BidsFolder(root)
    (root / "dataset_description.json").write_text(json.dumps({"Name": name, "BIDSVersion": "1.9.0"}))
    people = {subject: ("n/a", "F", str(int(age) + older)) for subject, age in AGES.items()}
    folder.write_participants(people)
    times = [4.0 + 5.0 * number for number in range(8)]
    for subject in people:
        rts = [0.8 + 0.1 * ((number + int(subject)) % 8) for number in range(8)]
        folder.add(subject, seed=seed, seconds=50.0, events=contrast_events(times, rts))
    return root


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    return laboratory(tmp_path / "a", "Lab A"), laboratory(tmp_path / "b", "Lab B", older=7, seed=1)


def test_all_of_one_data_set_train_and_all_of_another_test(two, tmp_path, sparseeg):
    a, b = two
    run = tmp_path / "run"
    code, text = sparseeg("train", "--data", a, "--test-data", b, *NET, "--out", run)
    assert code == 0, text
    (split,) = json.loads((run / "splits.json").read_text())
    assert sorted(split["train"] + split["valid"]) == [f"Lab A/sub-{name}" for name in AGES]
    assert split["test"] == [f"Lab B/sub-{name}" for name in AGES]
    predictions = pd.read_csv(run / "predictions.tsv", sep="\t")
    assert set(predictions["subject"]) == set(split["test"])
    assert len(predictions) == 32
    assert yaml.safe_load((run / "config.yaml").read_text())["data"]["test_path"] == [str(b)]
    before = json.loads((run / "metrics.json").read_text())
    code, text = sparseeg("evaluate", run)
    assert code == 0, text
    after = json.loads((run / "metrics.json").read_text())
    assert after["nrmse"] == pytest.approx(before["nrmse"])
    assert sparseeg("train", "--out", run, "--resume")[0] == 0
    code, text = sparseeg("train", "--config", run / "config.yaml", "--out", tmp_path / "again")
    assert code == 0, text
    assert json.loads((tmp_path / "again" / "splits.json").read_text()) == [split]


def test_people_of_both_data_sets_are_refused(two, tmp_path, sparseeg):
    a, _ = two
    same = laboratory(tmp_path / "same", "Lab A", seed=2)
    for path in (same / "sub-01").rglob("*"):
        if path.is_file():
            path.rename(path.with_name(path.name.replace("run-1", "run-2")))
    for subject in ("02", "03", "04"):
        for path in sorted((same / f"sub-{subject}").rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()
        (same / f"sub-{subject}").rmdir()
    code, text = sparseeg("train", "--data", a, "--test-data", same, *NET, "--out", tmp_path / "run")
    assert code == 2
    assert "subject sub-01 is in the" in text
    assert "and in the test part of the split" in text


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--test", "R5", "--valid", "R4"), "--test and --test-data both say who tests"),
        (("--split", "loso"), "--split loso tests every subject of --data"),
        (("--split", "kfold"), "--split kfold tests every subject of --data"),
    ],
)
def test_options_that_say_otherwise_who_tests_are_refused(two, tmp_path, sparseeg, options, words):
    a, b = two
    code, text = sparseeg("train", "--data", a, "--test-data", b, *options, "--out", tmp_path / "run")
    assert code == 2
    assert words in text
    code, text = sparseeg("train", "--data", a, "--test-data", a, "--out", tmp_path / "run")
    assert code == 2
    assert "2 times; name it once" in text


def test_another_laboratory_with_the_same_names_is_tested_and_one_that_trained_is_not(
    two, tmp_path, sparseeg
):
    a, b = two
    run = tmp_path / "run"
    code, text = sparseeg("train", "--data", a, *NET, "--out", run)
    assert code == 0, text
    code, text = sparseeg("evaluate", run, "--data", b)
    assert code == 0, text
    assert "Lab A and Lab B both have 4 subjects" in text
    scored = pd.read_csv(run / "evaluations" / "b" / "predictions.tsv", sep="\t")
    assert set(scored["subject"]) == {f"Lab B/sub-{name}" for name in AGES}
    (split,) = json.loads((run / "splits.json").read_text())
    assert sorted(split["train"] + split["valid"] + split["test"]) == [f"sub-{name}" for name in AGES]
    again = laboratory(tmp_path / "c", "Lab A, second session", seed=3)  # the same ages: the same people
    code, text = sparseeg("evaluate", run, "--data", again)
    assert code == 2
    assert f"subject {sorted(split['train'] + split['valid'])[0]}" in text
    (run / "people.json").unlink()  # as in runs of earlier versions, which are the same people by their names
    code, text = sparseeg("evaluate", run, "--data", b)
    assert code == 2
    assert "can't be test subjects" in text


def test_a_run_on_both_knows_who_of_which_laboratory_trained(two, tmp_path, sparseeg):
    a, b = two
    run = tmp_path / "run"
    code, text = sparseeg("train", "--data", a, "--data", b, *NET, "--out", run)
    assert code == 0, text
    (split,) = json.loads((run / "splits.json").read_text())
    people = [f"{lab}/sub-{name}" for lab in ("Lab A", "Lab B") for name in AGES]
    assert sorted(split["train"] + split["valid"] + split["test"]) == people
    for folder in (a, b):
        code, text = sparseeg("evaluate", run, "--data", folder, "--out", tmp_path / folder.name)
        assert code == 2
        assert "can't be test subjects" in text
    assert sparseeg("evaluate", run)[0] == 0


def test_initial_weights_know_their_people_by_data_set(two, tmp_path, sparseeg):
    a, b = two
    both, on_b, on_a = tmp_path / "both", tmp_path / "b-run", tmp_path / "a-run"
    code, text = sparseeg("train", "--data", a, *NET, "--out", on_a)
    assert code == 0, text
    code, text = sparseeg("train", "--data", b, *NET, "--init", on_a, "--out", on_b)
    assert code == 0, text  # other people than those of lab A, who have the same names
    (split,) = json.loads((on_b / "splits.json").read_text())
    assert sorted(split["train"] + split["valid"] + split["test"]) == [f"Lab B/sub-{name}" for name in AGES]
    assert sparseeg("evaluate", on_b)[0] == 0
    code, text = sparseeg("evaluate", on_b, "--data", a)
    assert code == 2
    assert "can't be test subjects" in text  # those of lab A trained the initial weights
    assert sparseeg("train", "--data", a, "--data", b, *NET, "--out", both)[0] == 0
    code, text = sparseeg("train", "--data", a, *NET, "--seed", 7, "--init", both, "--out", tmp_path / "next")
    assert code == 2
    assert "subject Lab A/sub-" in text
    words = f"sparse-attention-locator@n_filters=4@width=8@epochs=1@init={both}"
    code, text = sparseeg("compare", "--data", a, "--models", words, "--out", tmp_path / "comparison")
    assert "subject Lab A/sub-" in text
    code, text = sparseeg(
        "train", "--config", both / "config.yaml", "--test-data", b, "--out", tmp_path / "named twice"
    )
    assert code == 2
    assert "2 times; name it once" in text


def test_a_configuration_with_test_data_takes_no_other_test_part(two, tmp_path, sparseeg):
    a, b = two
    run = tmp_path / "run"
    assert sparseeg("train", "--data", a, "--test-data", b, *NET, "--out", run)[0] == 0
    words = ("train", "--config", run / "config.yaml", "--out", tmp_path / "next")
    code, text = sparseeg(*words, "--valid", "R4", "--test", "R5")
    assert code == 2
    assert "--test and --test-data both say who tests" in text
    code, text = sparseeg(*words, "--split", "loso")
    assert code == 2
    assert "leave --test-data out" in text
