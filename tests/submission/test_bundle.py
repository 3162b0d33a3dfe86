"""Modules of the package that run without it."""

import ast
import subprocess
import sys
from pathlib import Path

from sparseeg.submission.bundle import bundle

IMAGE = {
    "torch",
    "numpy",
    "triton",
    "braindecode",
}  # of what the challenge's image has, what modules may need


def test_every_import_is_of_the_bundle_or_of_the_image() -> None:
    files = bundle("sparseeg.submission.entry", "submission.py")
    assert "submission.py" in files
    for name, source in files.items():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, name
            modules = (
                [node.module]
                if isinstance(node, ast.ImportFrom)
                else [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else []
            )
            for module in modules:
                root = module.split(".")[0]
                assert f"{module}.py" in files or root in IMAGE | sys.stdlib_module_names, (name, module)


def test_nothing_but_imports_changes() -> None:
    source = Path("src/sparseeg/models/base.py")
    source = Path(__file__).parents[2] / source
    flat = bundle("sparseeg.models.base", "base.py")["base.py"]
    before = [line for line in source.read_text().splitlines() if "import" not in line]
    assert before == [line for line in flat.splitlines() if "import" not in line]


def test_the_bundle_imports_without_the_package(tmp_path: Path) -> None:
    for name, source in bundle("sparseeg.models.registry", "registry.py").items():
        (tmp_path / name).write_text(source)
    code = (
        f"import sys; sys.modules['sparseeg'] = None; sys.path.insert(0, {str(tmp_path)!r}); "
        "import registry; print(registry.build('sparse-attention-locator', 129, 200).n_times)"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "200", done.stderr
