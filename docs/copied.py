"""Puts pages that stand elsewhere into the site: tables of results, CONTRIBUTING and CHANGELOG."""

import re
import shutil
from pathlib import Path

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

SOURCE = "https://github.com/sparseeg/sparseeg/blob/main/"
HERE = Path(__file__).parent
FOLDER = "copied"
_LINK = re.compile(r"\]\((?!https?:|#)([^)]+)\)")


def copy_pages() -> None:
    """Write the pages to `docs/copied`."""
    folder = HERE / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    results = HERE.parent / "benchmarks" / "results"
    shutil.copytree(results, folder / "results", ignore=shutil.ignore_patterns("*.tsv"))
    names = sorted(path.relative_to(results).with_suffix("").as_posix() for path in results.rglob("*.md"))
    intro = "# Tables of results\n\nEach has the command that reproduces it, machine, versions and commit."
    (folder / "results" / "index.md").write_text(
        f"{intro}\n\n```{{toctree}}\n:maxdepth: 1\n\n" + "\n".join(names) + "\n```\n", encoding="utf-8"
    )
    for name in ("CONTRIBUTING.md", "CHANGELOG.md"):
        text = (HERE.parent / name).read_text(encoding="utf-8")
        (folder / name.lower()).write_text(_relinked(text, HERE.parent, folder), encoding="utf-8")


def _relinked(text: str, base: Path, folder: Path) -> str:
    """Return a page whose links, relative to `base`, lead to pages of the site, else to the repository."""

    def link(found: re.Match[str]) -> str:
        target, _, anchor = found.group(1).partition("#")
        path = (base / target).resolve().relative_to(HERE.parent)
        place = _place(path)
        if place is None:
            return f"]({SOURCE}{path.as_posix()})"
        relative = Path("../" * len(folder.relative_to(HERE).parts)) / place
        return f"]({relative.as_posix()}{'#' + anchor if anchor else ''})"

    return _LINK.sub(link, text)


def _place(path: Path) -> Path | None:
    """Return where a file of the repository stands in the site; None where it doesn't."""
    if path.parts[:2] == ("benchmarks", "results"):
        within = path.relative_to("benchmarks/results")
        return Path(FOLDER, "results", within if within.suffix == ".md" else "index.md")
    if path.name in ("CONTRIBUTING.md", "CHANGELOG.md"):
        return Path(FOLDER) / path.name.lower()
    if path.parts[0] == "docs" and path.suffix == ".md":
        return path.relative_to("docs")
    return None


def relink(app: Sphinx, name: str, content: list[str]) -> None:
    """Lead the links of a page of this folder to the copied pages."""
    if not name.startswith((FOLDER, "learn", "api")):
        content[0] = _relinked(content[0], HERE, HERE)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    copy_pages()
    app.connect("source-read", relink)
    app.add_lexer("mermaid", TextLexer)  # GitHub draws these diagrams; here they are read as text
    return {"parallel_read_safe": True}
