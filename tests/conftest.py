"""Fixtures shared by all tests; every test is the same alone, in any order and beside other work."""

import os
import signal
from pathlib import Path

# pytest-xdist starts several workers: with all processors each, they would only be in each other's way.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy and torch are imported
# In the background of a shell Ctrl-C is ignored, also by the processes that tests start and interrupt.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

import pytest
import torch
from hypothesis import HealthCheck, settings

from helpers.bids_folder import BidsFolder
from helpers.command import call
from helpers.toys import toy_windows
from sparseeg.data.windows import WindowSet

pytest_plugins = ["helpers.finished_runs", "helpers.older_versions"]

# How long an example takes, or is searched for, says nothing about the code but much about the machine.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Let shared fixtures be the same whichever test makes them."""
    torch.manual_seed(0)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call() -> None:
    """Let a test draw the same numbers whichever fixtures were made for it, and others than they."""
    torch.manual_seed(1)


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
