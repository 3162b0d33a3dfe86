"""The command `sparseeg report`: the page about a run."""

from pathlib import Path
from typing import Annotated

import typer

from sparseeg.cli.screen import say


def report(run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder with scores.")]) -> None:
    """Write a self-contained report.html from the scores in a run folder."""
    from sparseeg.report.page import write_report

    say(f"wrote {write_report(run)}")
