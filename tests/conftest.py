"""Fixtures shared by all tests."""

from pathlib import Path

import pytest

from helpers.bids_folder import BidsFolder
from helpers.command import call
from helpers.toys import toy_windows
from sparseeg.data.windows import WindowSet

pytest_plugins = ["helpers.finished_runs", "helpers.older_versions"]

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


@pytest.fixture
def sparseeg(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """The command as a function of its words."""
    return lambda *words: call(capsys, monkeypatch, *words)


@pytest.fixture
def bids(tmp_path: Path) -> BidsFolder:
    """An empty BIDS folder."""
    return BidsFolder(tmp_path / "bids")


@pytest.fixture(scope="session")
def real_epochs(shared_data: Path) -> Path:
    """Folder of the ERP CORE P3 epochs."""
    return shared_data / "erpcore-p3"


@pytest.fixture(scope="session")
def real_labels(shared_data: Path) -> Path:
    """Folder of the labels of HBN-EEG release 5."""
    return shared_data / "hbn-r5-labels"
