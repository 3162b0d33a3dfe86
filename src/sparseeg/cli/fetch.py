"""The command `sparseeg fetch`: HBN-EEG from its public bucket."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.filesize import decimal

from sparseeg.cli.options import DATA, DOWNLOAD, OUTPUT, flag, name_list, option
from sparseeg.cli.screen import CONTINUES, SHOWN, byte_bar, duration, interruptible, say
from sparseeg.errors import command


def fetch(
    releases: Annotated[
        str, typer.Argument(metavar="RELEASES", help="R1 to R11; several are separated by commas.")
    ],
    task: Annotated[
        list[str] | None,
        option(
            DATA,
            "Recordings of these tasks only, such as contrastChangeDetection. Default: all.",
            metavar="NAME,...",
        ),
    ] = None,
    mini: Annotated[bool, flag(DATA, "Twenty subjects (3 GB) of each release.", "--mini")] = False,
    *,
    jobs: Annotated[int, option(DOWNLOAD, "Files to fetch at a time.", metavar="N", min=1)] = 8,
    retries: Annotated[
        int,
        option(DOWNLOAD, "Retries of a file after an attempt that received no data.", metavar="N", min=0),
    ] = 5,
    to: Annotated[
        Path, option(OUTPUT, "Folder that gets a BIDS folder for each release.", "--to", metavar="FOLDER")
    ],
    dry_run: Annotated[
        bool, flag(OUTPUT, "Print how much there is to fetch; write nothing.", "--dry-run")
    ] = False,
) -> None:
    """Fetch releases of HBN-EEG (100 Hz) from their public bucket and verify every file.

    The same command again fetches only what is missing or has changed.

    The variable AWS_ENDPOINT_URL names another S3 server with a copy of the
    bucket nmdatasets.
    """
    from sparseeg import fetch as fetching

    request = fetching.Request(name_list(releases, "RELEASES"), to, mini, name_list(task, "--task"))
    patience = fetching.Patience(retries)
    with interruptible(CONTINUES):
        if dry_run:
            _say_plan(fetching.plan(request, patience), fetching.free_space(to), to)
            return
        began = time.monotonic()
        with byte_bar("fetching") as progress:
            outcome = fetching.fetch(request, jobs, patience, progress)
    _say_outcome(outcome, time.monotonic() - began, to)


def _say_plan(folders: list[Any], free: int, to: Path) -> None:
    for folder in folders:
        size, there, missing = map(decimal, (folder.size, folder.there, folder.size - folder.there))
        say(f"{folder.path.name}: {len(folder.files)} files, {size}; {there} are there, {missing} are not")
    left = sum(folder.size - folder.there for folder in folders)
    verdict = "" if left <= free else ": not enough"
    say(f"{decimal(left)} to fetch in total; {decimal(free)} free at {to}{verdict}")


def _say_outcome(outcome: Any, seconds: float, to: Path) -> None:
    for problem in outcome.problems[:SHOWN]:
        say(f"  {problem}")
    if len(outcome.problems) > SHOWN:
        say(f"  and {len(outcome.problems) - SHOWN} more")
    for folder in outcome.folders:
        state = f"{len(folder.problems)} missing" if folder.problems else "complete"
        say(f"{folder.path.name}: {len(folder.files)} files, {decimal(folder.size)}; {state}")
    if outcome.fetched:
        rate = decimal(round(outcome.fetched / max(seconds, 1e-3)))
        say(f"fetched {decimal(outcome.fetched)} in {duration(seconds)}, {rate}/s")
    elif not outcome.problems:
        say("nothing left to fetch")
    if outcome.problems:
        say("the same command fetches only what is missing")
        raise typer.Exit(1)
    say(f"next: {command('prepare', to, '--out', 'STORE')}")
