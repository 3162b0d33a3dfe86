"""The examples in docstrings say what really comes out."""

import doctest
import importlib
from pathlib import Path

import pytest

import sparseeg

PACKAGE = Path(sparseeg.__file__).parent


def modules_with_examples() -> list[str]:
    """Return the dotted names of all modules whose source holds a `>>>`."""
    return sorted(
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        for path in PACKAGE.rglob("*.py")
        if ">>> " in path.read_text(encoding="utf-8")
    )


def test_there_are_examples() -> None:
    assert {"sparseeg.attention.sparse", "sparseeg.evaluation.metrics"} <= set(modules_with_examples())


@pytest.mark.parametrize("name", modules_with_examples())
def test_examples_of_a_module(name: str) -> None:
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted > 0
    assert found.failed == 0
