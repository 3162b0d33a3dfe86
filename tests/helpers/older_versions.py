"""What earlier versions have written, with their paths moved to where a copy lies."""

import shutil
from pathlib import Path

import pytest

FIXTURES = Path(__file__).parents[1] / "fixtures"


@pytest.fixture
def version_0_1(tmp_path: Path) -> Path:
    """Folder with `store` (filtered from 0.5 to 40 Hz), `saved`, `run`, `interrupted` and `comparison`."""
    folder = tmp_path / "data"
    shutil.copytree(FIXTURES / "version-0.1.0", folder)
    for path in folder.rglob("*"):
        if path.suffix in (".json", ".jsonl", ".yaml"):
            path.write_text(path.read_text().replace("/data/", f"{folder}/"))
    return folder
