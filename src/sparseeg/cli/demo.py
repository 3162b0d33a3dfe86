"""The command `sparseeg demo`: a simulated data set, a network and its table of scores."""

from pathlib import Path
from typing import Annotated

from sparseeg.cli.configuration import absolute
from sparseeg.cli.options import OUTPUT, TRAINING, Jobs, option
from sparseeg.cli.screen import say
from sparseeg.cli.simulate import simulate
from sparseeg.cli.train import MODEL, run_training


def demo(
    *,
    jobs: Jobs = 2,
    seed: Annotated[int, option(TRAINING, "Seed of the data set and of the training.", metavar="N")] = 0,
    out: Annotated[
        Path, option(OUTPUT, "Folder of the data set and the run.", "--out", metavar="FOLDER")
    ] = Path("demo"),
) -> None:
    """Simulate a small data set, train a network on it, and print its table of scores.

    What an earlier or interrupted demo has finished in the folder is kept.
    """
    from sparseeg.training.config import DataConfig, SplitConfig
    from sparseeg.training.recipes import configure

    data, run = out / "data", out / "run"
    simulate(data, subjects=84, trials=24, seed=seed, jobs=jobs)
    split = SplitConfig(kind="release", valid=("R4",), test=("R5",))
    config = configure(DataConfig(path=absolute([data])), MODEL, split, seed=seed)
    run_training(config, run, jobs, resume=(run / "config.yaml").exists())
    say(f"open {run / 'report.html'} in a browser")
