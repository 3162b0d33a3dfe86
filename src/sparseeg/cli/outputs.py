"""Where results may go: checked before there is work that would be lost."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import typer

from sparseeg.cli.configuration import absolute
from sparseeg.cli.given import given_options, spelled
from sparseeg.errors import SparseEEGError

if TYPE_CHECKING:
    from sparseeg.training.config import PretrainConfig, TrainConfig


Config = TypeVar("Config", "TrainConfig", "PretrainConfig")


def check_run_folder(out: Path, config: "TrainConfig | PretrainConfig", resume: bool) -> None:
    """Raise SparseEEGError unless a run can fill the folder `out`.

    A new run needs a new or empty folder, or one where the same run was started and has trained nothing yet.
    """
    from sparseeg.training.run_folder import nothing_trained

    if resume:
        return
    if out.exists() and not (out.is_dir() and nothing_trained(out)):
        raise SparseEEGError(f"{out} is not empty; choose another --out, or continue its run with --resume")
    if (out / "config.yaml").exists() and type(config).read(out) != config:
        raise SparseEEGError(
            f"{out} was started with other options; choose another --out, or continue its run with --resume"
        )


def read_resumed(out: Path, section: type[Config]) -> Config:
    """Return the configuration of the run that --resume continues; SparseEEGError where there is none."""
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
