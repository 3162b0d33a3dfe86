"""The command `sparseeg fetch`: HBN-EEG from its public bucket."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from sparseeg.cli.options import comma_list
from sparseeg.cli.screen import GOES_ON, byte_bar, duration, interruptible, say

SHOWN = 20


def fetch(
    releases: Annotated[str, typer.Argument(help="R1 to R11, or several, separated by commas.")],
    to: Annotated[Path, typer.Option("--to", help="Gets a BIDS folder for each release.")],
    mini: Annotated[bool, typer.Option("--mini", help="Twenty subjects (3 GB) of each release.")] = False,
    task: Annotated[
        str | None, typer.Option(help="Recordings of these tasks only, as contrastChangeDetection.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Files at a time.")] = 8,
    retries: Annotated[int, typer.Option(min=0, help="Further tries after one that brought nothing.")] = 5,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say how much it is; write nothing.")] = False,
) -> None:
    """Fetch releases of HBN-EEG (100 Hz) from their public bucket; every file is verified.

    Run again, it fetches only what is missing or has changed; interrupted, it goes on.

    The variable AWS_ENDPOINT_URL names another S3 server that has a copy of the bucket nmdatasets.
    """
    from sparseeg import fetch as fetching

    request = fetching.Request(comma_list(releases), to, mini, comma_list(task))
    patience = fetching.Patience(retries)
    with interruptible(GOES_ON):
        if dry_run:
            _say_plan(fetching.plan(request, patience), fetching.free_space(to), to)
            return
        began = time.monotonic()
        with byte_bar("fetching") as progress:
            outcome = fetching.fetch(request, jobs, patience, progress)
    _say_outcome(outcome, time.monotonic() - began, to)


def _say_plan(folders: list[Any], free: int, to: Path) -> None:
    from rich.filesize import decimal

    for folder in folders:
        there, missing = decimal(folder.there), decimal(folder.size - folder.there)
        size = decimal(folder.size)
        say(f"{folder.path.name}: {len(folder.files)} files, {size}; {there} are there, {missing} are not")
    left = sum(folder.size - folder.there for folder in folders)
    verdict = "" if left <= free else ": too little"
    say(f"in all {decimal(left)} to fetch; {decimal(free)} free at {to}{verdict}")


def _say_outcome(outcome: Any, seconds: float, to: Path) -> None:
    from rich.filesize import decimal

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
        say("nothing was left to fetch")
    if outcome.problems:
        say("the same command fetches only what is missing")
        raise typer.Exit(1)
    say(f"next: sparseeg prepare {to} --out STORE")
