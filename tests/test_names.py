"""One name for one thing: no two public classes or functions of different modules share a name."""

import ast
from collections import defaultdict
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "sparseeg"

# Names that several modules may define, and why.
ALLOWED = {
    "main": "what runs when a module is called as a script",
    "attend": "one function with several implementations: plain, in chunks, Triton",
    "fits": "whether an implementation of `attend` can be used",
    "linear": "one function, with and without oneDNN",
    "load": "a stable entry point of `data`; `models.files.load` is called with the name of its module",
    "save": "the same for `data.store.save`",
}
# Commands are named after the function that they call.
COMMANDS = "cli"


def public_names(source: str) -> list[str]:
    """Return the public classes and functions that a module defines; imported names are not its own."""
    definitions = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    found = [node.name for node in ast.parse(source).body if isinstance(node, definitions)]
    return sorted({name for name in found if not name.startswith("_")})  # overloads define one name


def shared_names(sources: dict[str, str]) -> dict[str, list[str]]:
    """Return the names that several modules define, by dotted name of the modules; commands count apart."""
    modules: dict[tuple[bool, str], list[str]] = defaultdict(list)
    for module, source in sources.items():
        for name in public_names(source):
            modules[module.split(".")[0] == COMMANDS, name].append(module)
    return {name: found for (_, name), found in modules.items() if len(found) > 1}


def test_no_two_public_things_share_a_name() -> None:
    sources = {
        ".".join(path.relative_to(SOURCE).with_suffix("").parts): path.read_text(encoding="utf-8")
        for path in sorted(SOURCE.rglob("*.py"))
    }
    shared = {name: found for name, found in shared_names(sources).items() if name not in ALLOWED}
    assert not shared, "\n".join(f"{name}: {', '.join(found)}" for name, found in sorted(shared.items()))


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        ("class Result: ...", "class Result: ...", ["Result"]),
        ("def run(): ...", "class run: ...", ["run"]),
        ("async def run(): ...", "def run(): ...", ["run"]),
        ("def _run(): ...", "def _run(): ...", []),
        ("def run(): ...", "from first import run", []),
        ("class A:\n def run(self): ...", "class B:\n def run(self): ...", []),
    ],
)
def test_what_counts_as_sharing_a_name(first: str, second: str, shared: list[str]) -> None:
    assert list(shared_names({"first": first, "second": second})) == shared


def test_a_command_may_be_called_as_the_function_that_it_calls() -> None:
    source = "def train(): ..."
    assert shared_names({"cli.train": source, "experiments.run": source}) == {}
    assert shared_names({"cli.train": source, "cli.other": source}) == {"train": ["cli.train", "cli.other"]}
    assert public_names("@overload\ndef f(): ...\n@overload\ndef f(): ...\ndef f(): ...") == ["f"]
