"""Every figure can be drawn from arrays, with axes that say what they show."""

from collections.abc import Callable

import matplotlib.image
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from sparseeg.report import figures
from sparseeg.report.figures.style import shortened

RNG = np.random.default_rng(0)
TIMES = 0.5 + np.arange(100) / 100
TARGET = RNG.uniform(0.6, 1.4, 60)
NAMES = ("Fz", "Cz", "C3", "C4", "Oz")
POSITIONS = np.array(
    [[0, 0.06, 0.08], [0, 0, 0.1], [-0.06, 0, 0.06], [0.06, 0, 0.06], [0, -0.09, 0.03]], dtype=float
)


def predictions(n_subjects: int = 5) -> pd.DataFrame:
    subjects = np.repeat([f"sub-{number:02d}" for number in range(n_subjects)], 60 // n_subjects)
    prediction = 0.5 * TARGET[: len(subjects)] + 0.5 + RNG.normal(0, 0.05, len(subjects))
    return pd.DataFrame(
        {
            "subject": subjects,
            "target": TARGET[: len(subjects)],
            "prediction": prediction,
            "train_mean": 1.0,
            "interval_low": prediction - 0.3,
            "interval_high": prediction + 0.3,
            "onset": np.tile(np.arange(60 // n_subjects) * 8.0, n_subjects),
        }
    )


def metrics() -> dict[str, object]:
    def row(nrmse: float) -> dict[str, object]:
        return {"nrmse": nrmse, "nrmse_ci95": [nrmse - 0.05, nrmse + 0.05]}

    return {
        **row(0.9),
        "baselines": {"train_mean": row(1.0), "ridge": row(0.95)},
        "controls": {"shuffled_trials": row(1.01)},
    }


def comparison() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "model": ["a" * 80, "b", "$x$", "failed"],
            "nrmse": [0.9, 0.95, 1.0, np.nan],
            "nrmse_low": [0.85, 0.9, 1.0, np.nan],
            "nrmse_high": [0.95, 1.0, 1.01, np.nan],
            "difference": [np.nan, 0.05, 0.1, np.nan],
            "difference_low": [np.nan, 0.01, 0.05, np.nan],
            "difference_high": [np.nan, 0.09, 0.15, np.nan],
            "windows_per_s": [100.0, 2000.0, np.nan, np.nan],
        }
    )


def logs() -> dict[str, pd.DataFrame]:
    log = pd.DataFrame(
        {
            "epoch": [0, 0, 1, 1],
            "train_loss": [np.nan, 1.0, np.nan, 0.5],
            "valid_nrmse": [1.0, np.nan, 0.8, np.nan],
        }
    )
    return {"network": log, "members/01": log}


DRAWN: dict[str, Callable[[], Figure]] = {
    "scores": lambda: figures.plot_scores(metrics(), {"best entry": 0.88}),
    "comparison": lambda: figures.plot_comparison(comparison(), "a" * 80),
    "speed": lambda: figures.plot_speed(comparison()),
    "differences": lambda: figures.plot_subject_differences(
        TARGET, TARGET + 0.1, TARGET[::-1], predictions()["subject"].to_numpy()
    ),
    "learning curves": lambda: figures.plot_learning_curves(logs()),
    "predictions": lambda: figures.plot_predictions(predictions(), "s"),
    "a unit with a formula": lambda: figures.plot_predictions(predictions(), r"$\q$"),
    "subjects": lambda: figures.plot_subjects(predictions()),
    "one trial each": lambda: figures.plot_subjects(predictions(60)),
    "residuals": lambda: figures.plot_residuals(predictions(), "s"),
    "residuals without onset": lambda: figures.plot_residuals(predictions().drop(columns="onset"), "s"),
    "intervals": lambda: figures.plot_intervals(predictions(), 0.9, "s"),
    "erp image": lambda: figures.plot_erp_image(
        RNG.normal(0, 5, (60, 100)), TIMES, TARGET, TARGET + 0.1, "Pz"
    ),
    "erp image of a trait": lambda: figures.plot_erp_image(
        RNG.normal(0, 5, (60, 100)), TIMES, TARGET, TARGET, "$Pz", marked=False
    ),
    "latency": lambda: figures.plot_latency(
        RNG.dirichlet(np.ones(100), 60), TIMES, TARGET, RNG.normal(0, 1, 100), "Pz"
    ),
    "topomaps": lambda: figures.plot_topomaps(
        {"a": RNG.normal(size=5), "b": RNG.normal(size=5), "c": np.zeros(5)}, POSITIONS, rows=2
    ),
    "attribution": lambda: figures.plot_attribution(RNG.random((5, 100)), TIMES, NAMES, POSITIONS, "s"),
    "attribution without positions": lambda: figures.plot_attribution(RNG.random((5, 100)), TIMES, NAMES),
    "attribution on a line": lambda: figures.plot_attribution(
        RNG.random((5, 100)), TIMES, NAMES, POSITIONS * [0, 1, 1]
    ),
    "connections": lambda: figures.plot_connections(np.where(np.eye(20), 0.0, np.nan), 1.0, 0.5),
    "attention": lambda: figures.plot_attention(
        {"blocks.0": RNG.dirichlet(np.ones(20), 20), "blocks.1": np.eye(20)}, 1.0, 0.5
    ),
    "gate": lambda: figures.plot_gate(RNG.random((20, 100)), TIMES),
}


@pytest.mark.parametrize("name", DRAWN)
def test_every_figure_has_labelled_axes_and_more_than_one_colour(name: str, tmp_path) -> None:
    figure = DRAWN[name]()
    assert isinstance(figure, Figure)
    path = tmp_path / "figure.png"
    figure.savefig(path)
    pixels = matplotlib.image.imread(path)[..., :3].reshape(-1, 3)
    assert len(np.unique(pixels, axis=0)) > 2
    assert any(axes.get_xlabel() or axes.get_title() for axes in figure.axes)


def test_no_label_is_cut_off(tmp_path) -> None:
    figure = figures.plot_comparison(comparison(), "b")
    figure.savefig(tmp_path / "figure.png")
    width, height = figure.canvas.get_width_height()
    for axes in figure.axes:
        for label in (*axes.get_yticklabels(), axes.xaxis.label):
            box = label.get_window_extent()
            assert box.x0 >= 0
            assert box.y0 >= 0
            assert box.x1 <= width
            assert box.y1 <= height


def test_long_labels_keep_both_ends() -> None:
    assert shortened("sparse-attention-locator") == "sparse-attention-locator"
    label = shortened("sparse-attention-locator@seeds=5@refit=true@epochs=100")
    assert len(label) <= 44
    assert label.startswith("sparse-attention")
    assert label.endswith("epochs=100")
