"""The `sparseeg` command: reads options, calls the package, says what came out."""

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
from sparseeg.cli.screen import console, output
from sparseeg.errors import NO_ROOM, SparseEEGError
from sparseeg.training.memory import keep_freed_memory

app = typer.Typer(
    name="sparseeg",
    help="Decode behaviour from EEG with attention whose cost grows linearly.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for command in (
    demo.demo,
    fetch.fetch,
    simulate.simulate,
    prepare.prepare,
    pretrain.pretrain,
    train.train,
    evaluate.evaluate,
    compare.compare,
    report.report,
    predict.predict,
    export.export,
    submit.submit,
    score.score,
    stream.stream,
):
    app.command()(command)
app.add_typer(bench.app, name="bench")

BAD_INPUT = 2
CANT_WRITE = (*NO_ROOM, errno.EACCES, errno.EPERM, errno.ENOTDIR)


def main() -> None:
    """Run the command line; errors a user can mend are one line and exit code 2."""
    keep_freed_memory()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ended by a scheduler is as good as by Ctrl-C
    try:
        app()
    except SparseEEGError as error:
        console.print(f"error: {error}", style="red", markup=False, soft_wrap=True)
        sys.exit(BAD_INPUT)
    except OSError as error:
        if error.errno not in CANT_WRITE:
            raise
        where = f" ({error.filename})" if error.filename else ""
        console.print(
            f"error: can't write{where}: {error.strerror}; what is complete stays, "
            "free some space or choose another folder and run the command again",
            style="red",
            markup=False,
            soft_wrap=True,
        )
        sys.exit(1)


def _version(asked: bool) -> None:
    if asked:
        output.print(f"sparseeg {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Decode behaviour from EEG with attention whose cost grows linearly."""
