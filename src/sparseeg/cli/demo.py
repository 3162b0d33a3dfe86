"""The command `sparseeg demo`: a simulated data set, a network and its honest table."""

from pathlib import Path
from typing import Annotated

import typer

from sparseeg.cli.options import (
    Jobs,
)
from sparseeg.cli.reading import (
    absolute,
)
from sparseeg.cli.screen import say
from sparseeg.cli.simulate import simulate
from sparseeg.cli.train import run_training


def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for the data set and the run.")] = Path("demo"),
    seed: Annotated[int, typer.Option(help="Of the data set and of the training.")] = 0,
    jobs: Jobs = 2,
) -> None:
    """Simulate a small data set, train the network that leads on such data, and print its honest table.

    What an earlier or interrupted demo has finished in the folder is kept.
    """
    from sparseeg.training.config import DataConfig, SplitConfig
    from sparseeg.training.recipes import configure

    data, run = out / "data", out / "run"
    simulate(data, subjects=84, trials=24, seed=seed, jobs=jobs)
    split = SplitConfig(kind="release", valid=("R4",), test=("R5",))
    config = configure(DataConfig(path=absolute([data])), "sparse-attention-locator", split, seed=seed)
    run_training(config, run, jobs, resume=(run / "config.yaml").exists())
    say(f"open {run / 'report.html'} in a browser")
