"""What the tests of several commands share."""

from pathlib import Path

import pytest

from sparseeg.data.store import store
from sparseeg.data.windows import WindowSet

QUICK = ("--epochs", 1, "--no-control", "--no-boosting", "--device", "cpu")


@pytest.fixture(scope="session")
def toy_store(toy: WindowSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of the toy windows, which no test changes."""
    return store.save(toy, tmp_path_factory.mktemp("stores") / "toy")


@pytest.fixture(scope="session")
def quick() -> tuple[object, ...]:
    """Options of `train` for a run of little work."""
    return QUICK


@pytest.fixture(autouse=True)
def page_without_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages are written without drawing, which takes longer than the small trainings of these tests."""
    from sparseeg.report import html, page

    monkeypatch.setattr(page, "looked_at", lambda *about: [])
    monkeypatch.setattr(html, "_svg", lambda figure: b"<svg></svg>")
