"""A command that fails before it has a result leaves what was there before, and nothing else."""

from pathlib import Path

import pytest

from sparseeg.errors import SparseEEGError
from sparseeg.files.lock import only_writer
from sparseeg.files.undo import undone_on_failure


def fail(folder: Path, error: type[BaseException], *names: str, start: tuple[str, ...] = ()) -> None:
    def block() -> None:
        with undone_on_failure(folder, start):
            for name in names:
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.mkdir() if name.endswith("/") else path.write_text(name)
            raise error

    with pytest.raises(error):
        block()


def there(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def test_new_folders_go(tmp_path: Path) -> None:
    fail(tmp_path / "a" / "b", SparseEEGError, "config.yaml", "empty/", start=("config.yaml",))
    assert there(tmp_path) == set()


def test_what_was_there_stays(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.yaml").touch()
    fail(tmp_path / "run", SparseEEGError, "splits.json", start=("config.yaml", "splits.json"))
    assert there(tmp_path) == {"run", "run/config.yaml"}


@pytest.mark.parametrize("result", ["model.safetensors", "folds/001/model.safetensors"])
def test_a_result_stays_with_what_belongs_to_it(result: str, tmp_path: Path) -> None:
    fail(tmp_path / "run", SparseEEGError, "config.yaml", result, start=("config.yaml",))
    assert {"run/config.yaml", f"run/{result}"} <= there(tmp_path)


def test_an_interruption_undoes_nothing(tmp_path: Path) -> None:
    fail(tmp_path / "run", KeyboardInterrupt, "config.yaml", start=("config.yaml",))
    assert there(tmp_path) == {"run", "run/config.yaml"}


def test_a_folder_that_another_command_holds_is_left_alone(tmp_path: Path) -> None:
    with only_writer(tmp_path / "run"):
        (tmp_path / "run" / "config.yaml").touch()
        with pytest.raises(SparseEEGError, match="another command"), undone_on_failure(tmp_path / "run"):
            pass
        assert "run/config.yaml" in there(tmp_path)
