"""What commands say to do next can be pasted into a shell, and names what is there."""

import json
import shlex
from pathlib import Path

import pytest

from helpers.bids_folder import BidsFolder, contrast_events
from helpers.command import assert_one_line
from sparseeg.errors import SparseEEGError, command, nearest
from sparseeg.experiments.entry import Entry
from sparseeg.training.other_folders import check_trained


def test_a_task_with_blanks_is_quoted_in_the_next_command(bids: BidsFolder, tmp_path, sparseeg) -> None:
    table = bids.root / "participants.tsv"
    table.write_text("participant_id\tVigilanz (ms)\nsub-A\t310\nsub-B\t290\n")
    for subject in "AB":
        bids.add(subject, task="faces", events=contrast_events([4.0], [1.0]))
    store = tmp_path / "my store"
    asked = ("--task", "Vigilanz (ms)", "--bids-task", "faces", "--out", store)
    code, said = sparseeg("prepare", bids.root, *asked)
    assert code == 0, said
    (line,) = [line for line in said.splitlines() if line.startswith("next: ")]
    words = ["sparseeg", "train", "--task", "Vigilanz (ms)", "--data", str(store), "--out", "RUN"]
    assert shlex.split(line.removeprefix("next: ")) == words
    refused = sparseeg("train", "--data", store, "--out", tmp_path / "run")
    assert_one_line(*refused, "give --task 'Vigilanz (ms)'")


def test_a_store_inside_its_data_set_is_said(bids: BidsFolder, sparseeg) -> None:
    bids.add("A", task="faces", events=contrast_events([4.0], [1.0]))
    words = ("prepare", bids.root, "--bids-task", "faces", "--out")
    code, said = sparseeg(*words, bids.root / "store")
    assert code == 0, said
    assert f"{bids.root / 'store'} lies inside the data set {bids.root}" in said
    code, said = sparseeg(*words, bids.root / "derivatives" / "store")
    assert code == 0, said
    assert "lies inside" not in said


def test_commands_quote_what_a_shell_would_split() -> None:
    assert shlex.split(command("train", "--out", Path("a b/c"))) == ["sparseeg", "train", "--out", "a b/c"]


def test_a_misspelt_baseline_is_told_with_its_name() -> None:
    with pytest.raises(SparseEEGError, match=r"ridge, .*Did you mean 'gradient-boosting'\?") as refused:
        Entry.parse("gradient-bosting")
    assert "braindecode:gradient" not in str(refused.value)


def test_a_known_name_gets_no_hint() -> None:
    assert nearest("Cz", ["Cz", "C1", "Czz"]) == ""
    assert nearest("Czz", ["Cz", "C1"]) == " Did you mean 'Cz'?"


def test_a_comparison_says_where_its_runs_are(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text(json.dumps({}))
    (tmp_path / "compare.md").write_text("")
    with pytest.raises(SparseEEGError, match="name one of its runs, which are in") as refused:
        check_trained(tmp_path)
    assert str(refused.value).endswith(str(tmp_path / "runs"))
