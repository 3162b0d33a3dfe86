"""The command `sparseeg submit`: runs in a zip for the challenge."""

from pathlib import Path
from typing import Annotated

from rich.filesize import decimal

from sparseeg.cli.configuration import absolute
from sparseeg.cli.given import check_once
from sparseeg.cli.options import NETWORK, OUTPUT, Overwrite, option
from sparseeg.cli.outputs import check_file, run_files
from sparseeg.cli.screen import interruptible, say
from sparseeg.errors import SparseEEGError, command


def submit(
    response_time: Annotated[
        list[Path] | None,
        option(
            NETWORK,
            "Run for challenge 1; repeatable, several are averaged.",
            "--response-time",
            metavar="RUN",
        ),
    ] = None,
    externalizing: Annotated[
        list[Path] | None,
        option(
            NETWORK,
            "Run for challenge 2; repeatable, several are averaged.",
            "--externalizing",
            metavar="RUN",
        ),
    ] = None,
    out: Annotated[Path, option(OUTPUT, "Zip to write.", "--out", metavar="FILE")] = Path("submission.zip"),
    overwrite: Overwrite = False,
) -> None:
    """Pack trained runs into a zip for the EEG Foundation Challenge, and try it out before it is written.

    A challenge without a run gets a constant prediction. A run with --seeds
    predicts with the mean of its networks.
    """
    from sparseeg.submission.pack import pack

    runs = {1: response_time or [], 2: externalizing or []}
    if not any(runs.values()):
        raise SparseEEGError("name a run: --response-time RUN, --externalizing RUN, or both")
    check_once(absolute(runs[1]), "--response-time")
    check_once(absolute(runs[2]), "--externalizing")
    check_file(out, overwrite, run_files(*runs[1], *runs[2]))
    with interruptible("interrupted; nothing was written"):
        results = pack(runs, out, say)
    for result in results:
        memory = "" if result.peak_bytes is None else f", {decimal(result.peak_bytes)} of memory at most"
        say(
            f"challenge {result.challenge}, in a clean process: within {result.difference:.1g} of the run, "
            f"in volts and microvolts; {1000 * result.seconds_per_window:.1f} ms per window at batch size 1"
            f"{memory}"
        )
    say(f"{out}: {decimal(out.stat().st_size)}; next: {command('score', out, '--data', 'R5')}")
