"""Self-contained pages: sections of text, tables and pictures, filled into one template."""

import base64
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import ClassVar

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.figure import Figure

_LARGEST_SVG = 300_000  # characters; larger figures become images of points
_DPI = 150
_NUMBER = re.compile(r"[-+]?\d|-|not known$|$")  # of a cell


@dataclass(frozen=True)
class Text:
    """A paragraph. `role` is "" or the class of its style: note, warning, answer."""

    kind: ClassVar[str] = "text"
    text: str
    role: str = ""


@dataclass(frozen=True)
class Code:
    """Text that is shown as it is."""

    kind: ClassVar[str] = "code"
    text: str


@dataclass(frozen=True)
class Items:
    """A list of lines."""

    kind: ClassVar[str] = "list"
    items: Sequence[str]


@dataclass(frozen=True)
class Table:
    """A table of text, which can be sorted by its columns if it is `sortable`."""

    kind: ClassVar[str] = "table"
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""
    sortable: bool = False

    @property
    def sides(self) -> list[str]:
        """Where the text of each column stands: numbers at the right."""
        cells = [[row[place] for row in self.rows] for place in range(len(self.columns))]
        return ["right" if all(map(_NUMBER.match, column)) else "left" for column in cells]


@dataclass(frozen=True)
class Picture:
    """A figure with what a reader needs.

    Parameters
    ----------
    name : of its file, and the anchor in the page.
    figure : the figure.
    title : what to see.
    caption : how to read it.
    alt : text in place of the figure, for those who can't see it.
    """

    kind: ClassVar[str] = "picture"
    name: str
    title: str
    caption: str
    alt: str
    data: str
    format: str
    width: int

    @classmethod
    def of(cls, name: str, figure: Figure, title: str, caption: str, alt: str) -> "Picture":
        """Return a figure as a picture of lines, or of points if it has many."""
        form, content = "svg", _svg(figure)
        if len(content) > _LARGEST_SVG:
            form, content = "png", _png(figure)
        mime = "image/svg+xml" if form == "svg" else "image/png"
        data = f"data:{mime};base64,{base64.b64encode(content).decode()}"
        return cls(name, title, caption, alt, data, form, round(figure.get_figwidth() * 96))


Block = Text | Code | Items | Table | Picture


@dataclass(frozen=True)
class Section:
    """A section of a page; `id` is its anchor."""

    id: str
    title: str
    blocks: Sequence[Block] = field(default_factory=tuple)


def render(title: str, name: str, sections: Sequence[Section], footer: str) -> str:
    """Return a page that needs no network and no other file.

    Parameters
    ----------
    title : its heading.
    name : above the navigation at the side.
    sections : its content; all text is escaped.
    footer : below the content.
    """
    found = _environment().get_template("page.html")
    return found.render(
        title=title,
        name=name,
        sections=sections,
        footer=footer,
        style=_own("style.css"),
        script=_own("page.js"),
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("sparseeg.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )


def _own(name: str) -> Markup:
    """Return a file of this package that is put into the page as it is."""
    return Markup((files("sparseeg.report") / "templates" / name).read_text(encoding="utf-8"))


def _svg(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "sparseeg"}):
        figure.savefig(buffer, format="svg", dpi=_DPI, metadata={"Date": None})
    return buffer.getvalue()


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI)
    return buffer.getvalue()
