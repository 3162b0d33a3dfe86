"""The windows of a command: read with a progress bar, and a summary of what was wrong with their files."""

from pathlib import Path
from typing import TYPE_CHECKING

from sparseeg.cli.screen import progress_bar, say, say_problems

if TYPE_CHECKING:
    from sparseeg.data.windows import WindowSet
    from sparseeg.engines import Report
    from sparseeg.training.config import DataConfig


def read_windows(data: "DataConfig", n_jobs: int, margin: float = 0.0) -> "WindowSet":
    """Read the windows of a configuration.

    margin : seconds of signal around them, by which training may move them.
    """
    from sparseeg.experiments.run import load_windows

    notes: list[str] = []
    with progress_bar("reading") as progress:
        windows = load_windows(data, margin, n_jobs=n_jobs, progress=progress, report=notes.append)
    _tell(", ".join(data.path), windows, notes)
    return windows


def read_windows_like(
    run: Path,
    path: Path,
    data: "DataConfig",
    n_jobs: int,
    keep_bad: bool = False,
    report: "Report" = say,
) -> "WindowSet":
    """Read other windows in the way in which those of a run were read.

    data : says how epochs are read.
    keep_bad : keep windows in stretches that are marked as bad.
    report : prints a note on how they were converted.
    """
    from sparseeg.data.load import load_like
    from sparseeg.experiments.run import inputs_of

    inputs = inputs_of(run)
    with progress_bar("reading") as progress:
        windows, notes = load_like(
            path,
            inputs.provenance,
            f"the run {run}",
            flat=inputs.flat,
            target_unit=data.target_unit,
            subject_pattern=data.subject_pattern,
            proc=data.proc,
            keep_bad=keep_bad,
            n_jobs=n_jobs,
            progress=progress,
        )
    _tell(str(path), windows, notes, report)
    return windows


def _tell(where: str, windows: "WindowSet", notes: list[str], report: "Report" = say) -> None:
    """Print what was done to windows, what was wrong with their files, and what there is.

    where : the paths that were opened; the source of a store is the folder that it was made of.
    """
    from sparseeg.data.tasks import NO_UNIT

    for note in notes:
        report(note)
    say_problems(windows)
    say(f"{where}: {windows.summary(examples=0)}")
    if windows.file_info is not None and windows.target_unit == NO_UNIT:
        say(
            f"the unit of {windows.target_name} is not given, so it is decoded as a plain number; "
            "for a time, give --target-unit, as s or ms"
        )
