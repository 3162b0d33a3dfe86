"""Modules of the folder import only those below them."""

import ast
from pathlib import Path

from sparseeg import attention

FOLDER = Path(attention.__file__).parent
BELOW: dict[str, set[str]] = {
    "backend": set(),
    "onednn": set(),
    "gates": set(),
    "triton_tiles": set(),
    "partition": {"backend"},
    "functional": {"partition"},
    "dropout": {"backend"},
    "linear": {"backend", "onednn"},
    "feedforward": {"dropout", "linear"},
    "chunked": {"backend", "dropout", "functional", "linear", "partition"},
    "triton_kernels": {"backend", "partition", "triton_tiles"},
    "dispatch": {"backend", "chunked", "functional", "linear", "partition", "triton_kernels"},
    "sparse": {"chunked", "dispatch", "feedforward", "functional", "linear", "partition"},
}


def imported(path: Path) -> set[str]:
    """Return the modules of the folder that a module imports, also inside its functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            found |= {node.module} if node.module else {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not (node.module or "").startswith("sparseeg"), f"{path.name} imports {node.module}"
    return found


def test_every_module_imports_only_those_below_it() -> None:
    modules = {path.stem: imported(path) for path in FOLDER.glob("*.py") if path.stem != "__init__"}
    assert modules.keys() == BELOW.keys()
    order = list(BELOW)
    for name, found in modules.items():
        assert found <= BELOW[name], f"{name} imports {sorted(found - BELOW[name])}"
        assert all(order.index(below) < order.index(name) for below in BELOW[name])
