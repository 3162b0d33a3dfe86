"""The windows of a command: read with a progress bar, and a summary of what was wrong with their files."""

from pathlib import Path
from typing import TYPE_CHECKING

from sparseeg.cli.screen import progress_bar, say, say_problems

if TYPE_CHECKING:
    from sparseeg.data.windows import WindowSet
    from sparseeg.training.config import DataConfig


def read_windows(data: "DataConfig", n_jobs: int, margin: float = 0.0) -> "WindowSet":
    """Read the windows of a configuration.

    margin : seconds of signal around them, by which training may move them.
    """
    from sparseeg.experiments.run import load_windows

    notes: list[str] = []
    with progress_bar("reading") as progress:
        windows = load_windows(data, margin, n_jobs=n_jobs, progress=progress, report=notes.append)
    _tell(windows, notes)
    return windows


def read_windows_like(run: Path, path: Path, data: "DataConfig", n_jobs: int) -> "WindowSet":
    """Read other windows in the way in which those of a run were read; `data` says how epochs are read."""
    from sparseeg.data.load import load_like
    from sparseeg.experiments.run import inputs_of

    like = inputs_of(run).provenance
    with progress_bar("reading") as progress:
        windows, notes = load_like(
            path,
            like,
            f"the run {run}",
            target_unit=data.target_unit,
            subject_pattern=data.subject_pattern,
            proc=data.proc,
            n_jobs=n_jobs,
            progress=progress,
        )
    _tell(windows, notes)
    return windows


def _tell(windows: "WindowSet", notes: list[str]) -> None:
    """Print what was done to windows, what was wrong with their files, and what there is."""
    for note in notes:
        say(note)
    say_problems(windows)
    say(f"{windows.source}: {windows.summary(examples=0)}")
