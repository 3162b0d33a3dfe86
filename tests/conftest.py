"""Fixtures shared by all tests."""

import sys
from pathlib import Path

import pytest

from sparseeg import cli
from sparseeg.data.windows import WindowSet
from toys import toy_windows

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real recordings and labels beside the checkout; tests skip where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"real recordings are not at {SHARED_DATA}")
    return SHARED_DATA


@pytest.fixture(scope="session")
def toy() -> WindowSet:
    """Twelve subjects with 24 easy trials each, in three releases."""
    return toy_windows()


def call(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: object
) -> tuple[int, str]:
    """Run the command line in this process; return exit code and what it printed."""
    monkeypatch.setattr(sys, "argv", ["sparseeg", *map(str, words)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    printed = capsys.readouterr()
    return int(stop.value.code or 0), printed.out + printed.err


@pytest.fixture
def sparseeg(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """The command as a function of its words."""
    return lambda *words: call(capsys, monkeypatch, *words)
