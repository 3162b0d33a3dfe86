"""The `sparseeg` command: reads options, calls the package, prints what came out."""

import errno
import signal
import sys
from typing import Annotated

import typer

from sparseeg import __version__
from sparseeg.cli import (
    bench,
    compare,
    demo,
    evaluate,
    export,
    fetch,
    predict,
    prepare,
    pretrain,
    report,
    score,
    simulate,
    stream,
    submit,
    train,
)
from sparseeg.cli.screen import console, interruptible, output
from sparseeg.errors import NO_ROOM, SparseEEGError
from sparseeg.training.memory import keep_freed_memory

COMMANDS = {
    "Start": (demo.demo,),
    "Data": (fetch.fetch, simulate.simulate, prepare.prepare),
    "Training": (pretrain.pretrain, train.train, compare.compare),
    "Scores": (evaluate.evaluate, report.report),
    "New recordings": (predict.predict, stream.stream, export.export),
    "EEG Foundation Challenge": (submit.submit, score.score),
}
BAD_INPUT = 2
AGAIN = "interrupted; run the same command again"  # where a command has no better line
NO_ACCESS = (errno.EACCES, errno.EPERM)

app = typer.Typer(
    name="sparseeg",
    help="Decode behaviour from EEG with attention whose cost grows linearly.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for group, commands in COMMANDS.items():
    for command in commands:
        app.command(rich_help_panel=group)(interruptible(AGAIN)(command))
app.add_typer(bench.app, name="bench", rich_help_panel="Benchmarks")


def main() -> None:
    """Run the command line; an error that a user can mend is one line and exit code 2."""
    keep_freed_memory()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a scheduler ends a job as Ctrl-C does
    try:
        app()
    except SparseEEGError as error:
        console.print(f"error: {error}", style="red", markup=False, soft_wrap=True)
        sys.exit(BAD_INPUT)
    except OSError as error:
        words = _failed_access(error)
        if words is None:
            raise
        console.print(f"error: {words}", style="red", markup=False, soft_wrap=True)
        sys.exit(1)


def _failed_access(error: OSError) -> str | None:
    """Return what a user can do about an error of the file system; None for one that is none of theirs."""
    if error.errno in NO_ROOM:
        where = f" ({error.filename})" if error.filename else ""
        return (
            f"can't write{where}: {error.strerror}; finished files are kept; free some space or choose "
            "another folder, then run the command again"
        )
    if error.errno in NO_ACCESS:
        return (
            f"{error.filename or 'a file'} can't be read or written: {error.strerror}; check its permissions"
        )
    if error.errno == errno.ENOTDIR:
        return f"{error.filename or 'a path'} can't be read or written: a part of its path is a file"
    return None


def _version(asked: bool) -> None:
    if asked:
        output.print(f"sparseeg {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", metavar="", callback=_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Decode behaviour from EEG with attention whose cost grows linearly."""
