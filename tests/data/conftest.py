"""What the tests of the readers share."""

from pathlib import Path

import pytest
from bids_folder import BidsFolder

SHARED = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture
def bids(tmp_path: Path) -> BidsFolder:
    """An empty BIDS folder."""
    return BidsFolder(tmp_path / "bids")


@pytest.fixture(scope="session")
def real_epochs() -> Path:
    return _real("erpcore-p3")


@pytest.fixture(scope="session")
def real_labels() -> Path:
    return _real("hbn-r5-labels")


def _real(name: str) -> Path:
    if not (SHARED / name).is_dir():
        pytest.skip(f"the real recordings are not here: no folder shared/data/{name} beside the project")
    return SHARED / name
