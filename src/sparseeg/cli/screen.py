"""What a user sees: lines of text, progress bars and the table of scores."""

import errno
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.filesize import decimal
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from sparseeg.files.undo import undone_on_failure

console = Console(stderr=True, highlight=False)
output = Console(highlight=False)

INTERRUPTED = 130
SHOWN = 20  # problems
CONTINUES = "interrupted; the same command goes on where this one stopped"
LINE_EVERY = 30.0  # seconds; in a log, lines replace the progress bar


def say(line: str) -> None:
    """Print one line of progress to standard error."""
    console.print(line, markup=False, soft_wrap=True)


def say_once() -> Callable[[str], None]:
    """Return a `say` that leaves out lines that it has printed."""
    said: set[str] = set()

    def report(line: str) -> None:
        if line not in said:
            said.add(line)
            say(line)

    return report


def _lines(words: Callable[..., str]) -> Callable[..., None]:
    """Return a function that replaces a progress bar in a log: it prints a line now and then."""
    last = time.monotonic()

    def move(*counts: int) -> None:
        nonlocal last
        if time.monotonic() - last >= LINE_EVERY:
            say(words(*counts))
            last = time.monotonic()

    return move


@contextmanager
def progress_bar(title: str) -> Iterator[Any]:
    """Give a function (done, total) that moves a progress bar on standard error."""
    if not console.is_terminal:
        yield _lines(lambda done, total: f"{title}: {done} of {total}")
        return
    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(title, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


@contextmanager
def byte_bar(title: str) -> Iterator[Any]:
    """Give a function (bytes, all bytes, files, all files) that moves a progress bar on standard error."""
    if not console.is_terminal:
        yield _lines(
            lambda done, total, files, all_files: (
                f"{title}: {decimal(done)} of {decimal(total)}, {files} of {all_files} files"
            )
        )
        return
    columns = (
        TextColumn(title),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[files]}"),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        tasks: list[TaskID] = []

        def move(done: int, total: int, files: int, all_files: int) -> None:
            shown = f"{files}/{all_files} files"
            if not tasks:  # files that were there already do not count for the rate
                tasks.append(progress.add_task(title, completed=done, total=total, files=shown))
            progress.update(tasks[0], completed=done, total=total, files=shown)

        yield move


def duration(seconds: float) -> str:
    """Return a time in words, as 8 min 3 s."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "min"), (rest, "s"))
    shown = [f"{count} {unit}" for count, unit in parts if count]
    return " ".join(shown[:2]) or "less than 1 s"


@contextmanager
def interruptible(words: str) -> Iterator[None]:
    """Turn Ctrl-C into a line that says how to continue, and its exit code."""
    try:
        yield
    except KeyboardInterrupt as interruption:
        say(words)
        raise typer.Exit(INTERRUPTED) from interruption


@contextmanager
def writing(to: Path, start: Collection[str] = ()) -> Iterator[None]:
    """Hold a folder for this command, which leaves nothing there if it fails before it has a result.

    If the disk is full, the error names the folder.

    start : names of files that the command writes to it before there is any result.
    """
    try:
        with undone_on_failure(to, start):
            yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise OSError(error.errno, error.strerror, str(to)) from error
        raise


def say_problems(windows: Any) -> None:
    """Print the first problems with the files that were read, then notes; what several files share, once."""
    groups = sorted(_alike(windows.problems), key=lambda group: group[0].is_note)
    for group in groups[:SHOWN]:
        more = f" and {len(group) - 1} more" if len(group) > 1 else ""
        say(f"  {group[0].path}{more}: {group[0].reason} ({group[0].action})")
    if len(groups) > SHOWN:
        say(f"  and {len(groups) - SHOWN} others")


def say_list_of_problems(windows: Any, folder: Path) -> None:
    """Say which file in a folder lists the problems if `say_problems` did not name all files."""
    from sparseeg.data.problems import FILE, count

    groups = len(_alike(windows.problems))
    if groups > SHOWN or groups < len(windows.problems):
        say(f"{folder / FILE} lists all {count(windows.problems)}")


def _alike(problems: Iterable[Any]) -> list[list[Any]]:
    """Return problems in groups with the same reason and action."""
    groups: dict[tuple[str, str], list[Any]] = {}
    for problem in problems:
        groups.setdefault((problem.reason, problem.action), []).append(problem)
    return list(groups.values())


def show(metrics: dict[str, Any]) -> None:
    """Print the table of scores."""
    from sparseeg.report.score_table import caption, cells, describe_intervals, describe_sample, rows

    simulated = ", SIMULATED data" if metrics["data"]["simulated"] else ""
    table = Table(
        title=f"{metrics['model']} on {describe_sample(metrics)}{simulated}",
        caption=caption(metrics),
    )
    table.add_column("predictor", no_wrap=True)
    shown = [(label, cells(scores, metrics["unit"])) for label, scores in rows(metrics)]
    titles = [title for title in shown[0][1] if not title.startswith("MAE")]  # to fit 80 columns
    for title in titles:
        table.add_column(title, justify="right")
    for label, row in shown:
        table.add_row(label, *(row[title] for title in titles))
    output.print(table)
    if "interval" in metrics:
        output.print(describe_intervals(metrics), soft_wrap=True)
    if "by_subject" in metrics:
        from sparseeg.report.score_table import LABELS, number

        parts = [
            f"{LABELS[name]} {number(scores['nrmse'], 4)}" for name, scores in metrics["by_subject"].items()
        ]
        output.print(f"NRMSE of each subject's mean prediction: {', '.join(parts)}", soft_wrap=True)
