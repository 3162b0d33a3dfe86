"""Copy modules of the package to a flat folder, with rewritten imports, so that they run without it."""

import ast
import importlib.util
from collections.abc import Iterator
from pathlib import Path

PACKAGE = "sparseeg"


def bundle(entry: str, name: str) -> dict[str, str]:
    """Return the source of a module and of all modules of this package that it needs, by file name.

    `sparseeg.models.base` becomes `sparseeg_models_base.py`. Only imports from this package are rewritten.

    Parameters
    ----------
    entry : name of the module.
    name : file name of the module.
    """
    files: dict[str, str] = {}
    waiting = [entry]
    while waiting:
        module = waiting.pop()
        file = name if module == entry else f"{_flat(module)}.py"
        if file in files:
            continue
        files[file], needed = _rewrite(module)
        waiting += needed
    return dict(sorted(files.items()))


def _flat(module: str) -> str:
    return module.replace(".", "_")


def _path(module: str) -> Path:
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"no module {module}")
    return Path(spec.origin)


def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # its parent is not a package
        return False


def _rewrite(module: str) -> tuple[str, set[str]]:
    """Return a module's source with flat imports, and the modules of this package that it imports."""
    path = _path(module)
    source = path.read_text()
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    lines = source.splitlines(keepends=True)
    needed: set[str] = set()
    # From the end, so that line numbers before the current import stay valid.
    for node in reversed(list(_imports(ast.parse(source)))):
        replaced = _flat_import(node, package, needed)
        if replaced is not None:
            indent = " " * node.col_offset
            lines[node.lineno - 1 : node.end_lineno] = [f"{indent}{line}\n" for line in replaced]
    return "".join(lines), needed


def _imports(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    found = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    yield from sorted(found, key=lambda node: node.lineno)


def _flat_import(node: ast.Import | ast.ImportFrom, package: str, needed: set[str]) -> list[str] | None:
    """Return the lines that replace an import; None for an import from another package."""
    if isinstance(node, ast.Import):
        if not any(_is_ours(alias.name) for alias in node.names):
            return None
        raise ValueError(f"line {node.lineno} of a module of {package}: write `from {PACKAGE}... import`")
    relative = "." * node.level + (node.module or "")
    source = importlib.util.resolve_name(relative, package) if node.level else relative
    if not _is_ours(source):
        return None
    lines, names = [], []
    for alias in node.names:
        inside = f"{source}.{alias.name}"
        if _is_module(inside):
            needed.add(inside)
            lines.append(f"import {_flat(inside)} as {alias.asname or alias.name}")
        else:
            names.append(alias)
    if names:
        needed.add(source)
        lines.append(ast.unparse(ast.ImportFrom(_flat(source), names, 0)))
    return lines


def _is_ours(name: str) -> bool:
    return name == PACKAGE or name.startswith(f"{PACKAGE}.")
