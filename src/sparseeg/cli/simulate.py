"""The command `sparseeg simulate`: an HBN-like data set."""

from pathlib import Path
from typing import Annotated

import typer

from sparseeg.cli.options import Jobs
from sparseeg.cli.screen import progress_bar, say, writing


def simulate(
    out: Annotated[Path, typer.Argument(help="Folder of the new BIDS data set.")],
    subjects: Annotated[
        int, typer.Option(min=3, help="Subjects, dealt to R1 : R4 : R5 as 60 : 12 : 40.")
    ] = 112,
    trials: Annotated[int, typer.Option(min=1, help="Trials per subject, 24 to a run.")] = 48,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 0,
    passive: Annotated[
        float,
        typer.Option(
            metavar="MINUTES",
            help="Also a resting state and a film of so many minutes (1 to 30) each; 0 for none.",
        ),
    ] = 0.0,
    jobs: Jobs = 2,
) -> None:
    """Write an HBN-like BIDS data set with real BDF files; no figure from it is a figure about people."""
    from sparseeg.simulate import simulate_dataset

    with writing(out), progress_bar("simulating") as progress:
        simulate_dataset(out, subjects, trials, seed, n_jobs=jobs, progress=progress, passive_minutes=passive)
    say(f"{subjects} simulated subjects in {out}; next: sparseeg train --data {out} --out RUN")
