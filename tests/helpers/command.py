"""The command line as the tests call it."""

import sys

import pytest

from sparseeg import cli


def call(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: object
) -> tuple[int, str]:
    """Run the command line in this process; return exit code and what it printed."""
    monkeypatch.setattr(sys, "argv", ["sparseeg", *map(str, words)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    printed = capsys.readouterr()
    return int(stop.value.code or 0), printed.out + printed.err


def assert_one_line(code: int, text: str, *words: str) -> None:
    errors = [line for line in text.splitlines() if line.startswith("error: ")]
    assert code == 2
    assert len(errors) == 1
    assert "Traceback" not in text
    for word in words:
        assert word in errors[0]
