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


def test_what_several_files_share_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    problems = [Problem(Path(f"{number}.edf"), "2 channels are no EEG", "left out") for number in range(30)]
    problems.insert(1, Problem(Path("x.edf"), "damaged", "left out"))
    screen.say_problems(SimpleNamespace(problems=problems))
    assert capsys.readouterr().err.splitlines() == [
        "  0.edf and 29 more: 2 channels are no EEG (left out)",
        "  x.edf: damaged (left out)",
    ]
