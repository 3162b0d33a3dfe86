"""CONTRIBUTING.md and docs/architecture.md name files that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "sparseeg"
TOPS = (ROOT, SOURCE)
PAGES = ("CONTRIBUTING.md", "docs/architecture.md")


@pytest.mark.parametrize("page", PAGES)
def test_files_that_are_named_exist(page: str) -> None:
    named = set(re.findall(r"`([\w/-]+\.(?:py|md|txt|toml))`", (ROOT / page).read_text(encoding="utf-8")))
    modules = {path.name for path in SOURCE.rglob("*.py")}  # which the text names without their package
    assert named
    assert [name for name in named - modules if not any((top / name).exists() for top in TOPS)] == []


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files(page: str) -> None:
    path = ROOT / page
    links = re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (path.parent / link).exists()] == []
