"""Where results may go: checked before there is work that would be lost."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import typer

from sparseeg.cli.configuration import absolute
from sparseeg.cli.given import given_options, spelled
from sparseeg.errors import SparseEEGError
from sparseeg.files import lock

if TYPE_CHECKING:
    from sparseeg.training.config import PretrainConfig, TrainConfig


Config = TypeVar("Config", "TrainConfig", "PretrainConfig")


def check_run_folder(out: Path, config: "TrainConfig | PretrainConfig", resume: bool) -> None:
    """Raise SparseEEGError unless a run can fill the folder `out`.

    A new run needs a new or empty folder, or one where a run was started and has trained nothing yet.
    """
    from sparseeg.training.run_folder import nothing_trained

    if resume:
        return
    if out.exists() and not (out.is_dir() and nothing_trained(out)):
        raise SparseEEGError(f"{out} is not empty; choose another --out, or continue its run with --resume")
    if not (out / "config.yaml").exists():
        return
    found = type(config).read(out)
    # A run writes every setting; a file with only some was written by hand.
    if found != config and found.model_fields_set != type(config).model_fields.keys():
        raise SparseEEGError(
            f"{out / 'config.yaml'} has other settings, and was not written by a run; choose another --out"
        )


def start_anew(out: Path, config: "TrainConfig | PretrainConfig", resume: bool) -> None:
    """Remove what an earlier start, which trained nothing, left in the folder of a new run.

    Its `config.yaml` stays until the run writes its own. Raises SparseEEGError as `check_run_folder`.
    """
    check_run_folder(out, config, resume)  # another command may have written there meanwhile
    if resume:
        return
    for path in out.iterdir():
        if path.name not in ("config.yaml", lock.NAME):
            path.unlink()


def read_resumed(out: Path, section: type[Config]) -> Config:
    """Return the configuration of the run that --resume continues; SparseEEGError where there is none."""
    from sparseeg.training.config import TrainConfig
    from sparseeg.training.other_folders import check_pretrained, check_trained

    if section is TrainConfig:
        check_trained(out)
    else:
        check_pretrained(out)
    if out.is_dir() and not (out / "config.yaml").exists():
        raise SparseEEGError(
            f"{out} has no config.yaml: no run was set up there; give its options, without --resume"
        )
    return section.read(out)


def check_resumed(ctx: typer.Context, out: Path, data: tuple[str, ...]) -> None:
    """Raise SparseEEGError where --resume comes with options that the run in `out` has already.

    data : what the run was trained on, which may be named again.
    """
    given = given_options(ctx)
    for name in given:
        if name not in ("out", "resume", "jobs", "data"):
            raise SparseEEGError(
                f"--resume continues with the settings in {out / 'config.yaml'}; "
                f"leave {spelled(ctx, name)} out, or start a new run without --resume"
            )
    if "data" in given and absolute(given["data"]) != data:
        raise SparseEEGError(f"{out} was trained on {', '.join(data)}; leave --data out")


def check_file(out: Path, overwrite: bool, sources: Iterable[Path] = ()) -> None:
    """Raise SparseEEGError unless a file can be written at `out`; `sources`, which are read, never are."""
    if out.is_dir():
        raise SparseEEGError(f"{out} is a folder; give --out the name of a file")
    if not out.parent.is_dir():
        raise SparseEEGError(f"there is no folder {out.parent} to write {out.name} to")
    if not out.exists():
        return
    if any(source.exists() and out.samefile(source) for source in sources):
        raise SparseEEGError(f"{out} is an input of this command; choose another --out")
    if not overwrite:
        raise SparseEEGError(f"{out} exists; choose another --out, or replace it with --overwrite")


def check_own(folder: Path, record: str, names: Iterable[str], what: str) -> None:
    """Raise SparseEEGError where a folder has files of the names that a command writes, but not its record.

    Parameters
    ----------
    record : name of the file that is there where the command has written the others.
    names : the others.
    what : what the command writes, in words.
    """
    if (folder / record).exists():
        return
    for name in names:
        if (folder / name).exists():
            raise SparseEEGError(
                f"{folder / name} exists and is not of {what}, as there is no {record} beside it; choose "
                "another --out"
            )


def run_files(*runs: Path) -> list[Path]:
    """Return all files in run folders, which no command may replace by its output."""
    return [path for run in runs for path in run.rglob("*") if path.is_file()]
