"""The command `sparseeg submit`: runs in a zip for the challenge."""

from pathlib import Path
from typing import Annotated

import typer
from rich.filesize import decimal

from sparseeg.cli.options import check_file
from sparseeg.cli.screen import interruptible, say
from sparseeg.errors import SparseEEGError

MOST = 1_000_000  # minutes, GiB


def submit(
    response_time: Annotated[
        list[Path] | None,
        typer.Option("--response-time", help="Run folder for challenge 1; again for the mean of several."),
    ] = None,
    externalizing: Annotated[
        list[Path] | None,
        typer.Option("--externalizing", help="Run folder for challenge 2; again for the mean of several."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="The zip to write.")] = Path("submission.zip"),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a zip that is there.")] = False,
) -> None:
    """Pack trained runs into a zip for the EEG Foundation Challenge, and try it out before it is written.

    A challenge without a run is answered with a constant. Runs with --seeds answer with their mean.
    """
    from sparseeg.submission.pack import pack

    runs = {1: response_time or [], 2: externalizing or []}
    if not any(runs.values()):
        raise SparseEEGError("name a run: --response-time RUN, --externalizing RUN, or both")
    check_file(out, overwrite)
    with interruptible("interrupted; nothing was written"):
        tried = pack(runs, out, say)
    for one in tried:
        say(
            f"challenge {one.challenge}, in a clean process: within {one.difference:.1g} of the run, volts "
            f"and microvolts alike, {1000 * one.seconds_per_window:.1f} ms per window at batch size 1, "
            f"{decimal(one.peak_bytes)} at most"
        )
    say(f"{out}: {decimal(out.stat().st_size)}; next: sparseeg score {out} --data R5")
