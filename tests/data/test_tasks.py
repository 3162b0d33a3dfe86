"""Tasks: numbers that give no window are refused, wherever they come from."""

from dataclasses import replace

import numpy as np
import pytest

from sparseeg.data.tasks import TASKS, TaskFile, find_task
from sparseeg.errors import SparseEEGError

TIMED, GRID = TASKS["response-time"], TASKS["externalizing"]
BAD = [np.nan, np.inf, -np.inf]
LENGTHS = [(TIMED, "max_rt"), (GRID, "window"), (GRID, "stride"), (GRID, "crop")]
RATES = [*((rate, 0.0) for rate in [*BAD, 0.0, -1.0]), *((100.0, margin) for margin in [*BAD, -0.1])]


@pytest.mark.parametrize("value", [*BAD, 0.0, -1.0])
@pytest.mark.parametrize(
    ("task", "name"), [(TIMED, "max_rt"), *((GRID, n) for n in ("window", "stride", "crop"))]
)
def test_lengths_are_positive(task, name, value):
    with pytest.raises(SparseEEGError):
        replace(task, **{name: value}).cut(100.0)
    with pytest.raises(SparseEEGError, match=name):
        TaskFile().with_options({name: value})


@pytest.mark.parametrize("value", BAD)
@pytest.mark.parametrize("name", ["tmin", "tmax"])
def test_times_are_finite(name, value):
    with pytest.raises(SparseEEGError):
        replace(TIMED, **{name: value}).cut(100.0)
    with pytest.raises(SparseEEGError, match=name):
        find_task("response-time", TaskFile().with_options({name: value}))


@pytest.mark.parametrize("task", [TIMED, GRID])
@pytest.mark.parametrize(
    ("sfreq", "margin"), [*((bad, 0.0) for bad in [*BAD, 0.0, -1.0]), *((100.0, b) for b in BAD)]
)
def test_rate_and_margin_are_possible(task, sfreq, margin):
    with pytest.raises(SparseEEGError, match="not possible"):
        task.cut(sfreq, margin)
