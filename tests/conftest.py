"""Fixtures shared by all tests."""

from pathlib import Path

import pytest

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
