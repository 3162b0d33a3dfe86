"""The command `sparseeg simulate`: an HBN-like data set."""

from pathlib import Path
from typing import Annotated

import typer

from sparseeg.cli.options import DATA, Jobs, option
from sparseeg.cli.screen import progress_bar, say, writing
from sparseeg.errors import command


def simulate(
    out: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of the new BIDS data set.")],
    subjects: Annotated[
        int, option(DATA, "Subjects; releases R1 : R4 : R5 get 60 : 12 : 40.", metavar="N", min=3)
    ] = 112,
    trials: Annotated[int, option(DATA, "Trials per subject, 24 to a run.", metavar="N", min=1)] = 48,
    passive: Annotated[
        float,
        option(
            DATA,
            "Length of a resting state and of a film, 1 to 30 minutes each; 0: neither.",
            metavar="MINUTES",
        ),
    ] = 0.0,
    seed: Annotated[int, option(DATA, "The same seed gives the same files.", metavar="N")] = 0,
    jobs: Jobs = 2,
) -> None:
    """Simulate an HBN-like BIDS data set with real BDF files.

    A figure that was measured on it is no figure about people.
    """
    from sparseeg.simulate import simulate_dataset

    with writing(out), progress_bar("simulating") as progress:
        simulate_dataset(out, subjects, trials, seed, n_jobs=jobs, progress=progress, passive_minutes=passive)
    say(f"{subjects} simulated subjects in {out}; next: {command('train', '--data', out, '--out', 'RUN')}")
