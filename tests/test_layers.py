"""Who may import whom: a module imports from rows above its own, and only from those that are listed."""

import ast
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src" / "sparseeg"

# Module or package, and what it may import besides itself: rows above its own only.
BASE = {"errors", "arguments", "files", "engines", "machine"}
DATA = {
    *("data.problems", "data.bids", "data.description", "data.signals", "data.windows", "data.splits"),
    *(
        "data.copies",
        "data.people",
        "data.fingerprints",
        "data.survey",
        "data.read_bids",
        "data.epochs",
        "data.summary",
        "data.store",
        "data",
    ),
}
READING = BASE | {"data.problems", "data.bids", "data.description", "data.signals", "data.windows"}
READING |= {"data.copies", "data.people"}
LAYERS: dict[str, set[str]] = {
    "errors": set(),
    "arguments": {"errors"},
    "files": {"errors"},
    "engines": {"errors"},
    "machine": set(),
    "attention": set(),
    "models": {"errors", "files", "attention"},
    "data.problems": {"errors", "files"},
    "data.bids": {"errors", "files", "data.problems"},
    # What is decoded and where its windows lie, before any signal is read.
    "data.description": {"errors", "files", "data.problems", "data.bids"},
    "data.signals": BASE | {"data.problems", "data.bids", "data.description"},
    "data.windows": BASE | {"data.problems", "data.description", "data.signals"},
    "data.splits": {"errors"},
    # Who is who, and which windows are the same, before several files become one set.
    "data.fingerprints": {"data.windows"},
    "data.copies": {"errors", "data.problems", "data.windows", "data.fingerprints"},
    "data.sexes": set(),
    "data.people": {"errors", "data.problems", "data.bids", "data.windows", "data.sexes"},
    "data.survey": {"errors", "data.problems", "data.bids", "data.description", "data.people"},
    "data.read_bids": READING | {"data.survey"},
    "data.epochs": READING,
    "data.summary": {"data.problems", "data.windows"},
    "data.store": READING | {"data.survey", "data.read_bids", "data.summary"},
    "data": BASE | DATA,
    "fetch": BASE | {"data.problems", "data.bids"},
    "simulate": BASE | DATA,
    "evaluation": {"errors", "data.splits"},
    "training": BASE | DATA | {"models", "evaluation"},
    "experiments": BASE | DATA | {"models", "simulate", "evaluation", "training"},
    "prediction": BASE | DATA | {"models", "training"},
    "report": BASE | DATA | {"attention", "models", "evaluation", "training", "experiments", "prediction"},
    "export": BASE | DATA | {"models", "training", "prediction", "report"},
    "submission": BASE | DATA | {"attention", "models", "evaluation", "training", "prediction"},
    "stream": BASE | DATA | {"prediction"},
    "bench": BASE | DATA | {"attention", "models", "simulate", "training", "report"},
}
# Modules of `data` that belong to another row than `data`: its rooms have their own order.
ROOMS = dict.fromkeys(("data.tasks", "data.cuts", "data.provenance"), "data.description")
TOP = ("cli", "__main__")  # may import everything; nothing imports them


def modules() -> dict[str, Path]:
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(name: str, path: Path, known: dict[str, Path]) -> Iterator[str]:
    """Yield the modules of this package that a module imports, wherever the import stands in it."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            absolute = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            parents = ["sparseeg", *filter(None, package.split("."))]
            base = parents[: len(parents) - node.level + 1] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            absolute = [f"{source}.{alias.name}" for alias in node.names]
        else:
            continue
        for target in absolute:
            inside = target.removeprefix("sparseeg").removeprefix(".")
            if target.split(".")[0] == "sparseeg" and inside in ("", "__version__"):
                continue
            if target.split(".")[0] == "sparseeg":
                yield inside if inside in known else inside.rpartition(".")[0]


def row(name: str) -> str:
    """Return the row of the table that a module belongs to."""
    name = ROOMS.get(name, name)
    rows = [layer for layer in LAYERS if name == layer or name.startswith(f"{layer}.")]
    return max(rows, key=len) if rows else name.split(".")[0]


def test_nothing_imports_upwards() -> None:
    known = modules()
    wrong = [
        f"{name} imports {target}"
        for name, path in known.items()
        if row(name) not in ("", *TOP)
        for target in imports(name, path, known)
        if row(target) not in {row(name), *LAYERS[row(name)]}
    ]
    assert not wrong, "\n".join(wrong)


def test_the_table_has_an_order() -> None:
    rows = list(LAYERS)
    for number, (layer, allowed) in enumerate(LAYERS.items()):
        assert allowed - {layer} <= set(rows[:number]), layer


def test_every_package_stands_in_the_table() -> None:
    packages = {name.split(".")[0] for name in modules()} - {"", *TOP}
    assert packages <= set(LAYERS)
