"""Lines and progress bars."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from sparseeg.cli import screen
from sparseeg.data.problems import Problem


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


def test_problems_of_one_kind_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    alike = [Problem(Path(f"{name}.tsv"), "the column is gone", "left out") for name in "abc"]
    others = [Problem(Path("d.tsv"), f"reason {number}", "left out") for number in range(25)]
    screen.say_problems(SimpleNamespace(problems=(*alike[:2], *others, alike[2])))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "  a.tsv and 2 more: the column is gone (left out)"
    assert lines[1] == "  d.tsv: reason 0 (left out)"
    assert len(lines) == 21
    assert lines[20] == "  and 6 others"


def test_problems_come_before_notes(capsys: pytest.CaptureFixture[str]) -> None:
    note, problem = Problem(Path("a"), "other rate", "read", "nothing"), Problem(Path("b"), "bad", "left out")
    screen.say_problems(SimpleNamespace(problems=(note, problem)))
    assert capsys.readouterr().err.splitlines() == ["  b: bad (left out)", "  a: other rate (read)"]
