"""Pages that several tests look at."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from helpers.markup import SCRIPT
from helpers.toys import toy_windows
from sparseeg.data.problems import Problem
from sparseeg.experiments import run as runs
from sparseeg.report.comparison_page import write_comparison_page
from sparseeg.report.page import write_report
from sparseeg.training.config import DataConfig, SplitConfig, TrainConfig

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"


@pytest.fixture(scope="session")
def report_of_a_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run on toy windows, whose subjects and problems hold markup."""
    windows = toy_windows(n_subjects=8, n_trials=12, n_times=100)
    subjects = windows.table["subject"].replace({"sub-07": f"sub-{SCRIPT}"})
    windows = replace(
        windows,
        table=windows.table.assign(subject=subjects),
        ch_names=("Fz", "Cz", "C3", "C4", "Pz"),
        problems=(Problem(Path(f"{SCRIPT}.bdf"), f"no event {SCRIPT}", "left out"),),
    )
    out = tmp_path_factory.mktemp("pages") / "run"
    config = TrainConfig(
        model="sparse-attention-locator",
        data=DataConfig(path="toy"),
        split=SplitConfig(kind="release", valid=("R4",), test=("R5",)),
        epochs=2,
        batch_size=16,
        device="cpu",
        boosting=False,
    )
    runs.train(config, windows, out, lambda line: None)
    return write_report(out, windows=windows)


@pytest.fixture(scope="session")
def report_of_a_comparison(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a published comparison."""
    folder = shutil.copytree(RESULTS / "compare-simulated", tmp_path_factory.mktemp("pages") / "compare")
    return write_comparison_page(folder)
