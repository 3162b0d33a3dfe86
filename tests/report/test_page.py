"""The page about a run: complete, self-contained, and honest about simulation."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers.markup import SCRIPT
from sparseeg.errors import SparseEEGError
from sparseeg.evaluation.evaluate import add_constant_baselines, evaluate
from sparseeg.report.comparison_page import write_comparison_page
from sparseeg.report.page import write_report
from sparseeg.report.score_table import describe_intervals, describe_sample


@pytest.fixture
def run(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    predictions = pd.DataFrame(
        {
            "subject": np.repeat(["sub-<1>", "sub-2"], 20),
            "target": rng.normal(1.6, 0.4, 40),
            "prediction": rng.normal(1.6, 0.1, 40),
            "train_mean": 1.6,
        }
    )
    predictions = add_constant_baselines(predictions)
    predictions.to_csv(tmp_path / "predictions.tsv", sep="\t", index=False)
    metrics = {
        "task": "response-time",
        "model": "response-time-cnn",
        "part": "test",
        "unit": "s",
        **evaluate(predictions, n_resamples=50),
        "data": {"source": "<here>", "simulated": True, "n_files_with_problems": 2},
        "version": "0",
    }
    text = json.dumps(metrics).replace("NaN", "null")
    (tmp_path / "metrics.json").write_text(text)
    return tmp_path


def test_page_needs_nothing_from_outside(run: Path) -> None:
    page = write_report(run).read_text()
    links = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert all(link.startswith(("#", "data:")) for link in links)
    assert page.count("<script") == 1  # its own
    assert re.findall(r"(?<!xmlns=.)https?://", page) == []
    assert page.count('<img src="data:image/') == 4


def test_page_says_simulated_and_escapes(run: Path) -> None:
    page = write_report(run).read_text()
    assert "These data are simulated" in page
    assert "&lt;here&gt;" in page
    assert "subject mean (oracle)" in page
    metrics = json.loads((run / "metrics.json").read_text())
    assert f"{metrics['nrmse']:.4f}" in page


def test_page_warns_of_targets_outside_the_window(run: Path) -> None:
    assert "lie inside the window" not in write_report(run).read_text()
    metrics = json.loads((run / "metrics.json").read_text())
    metrics["data"]["outside"] = "9 % of the times lie inside the window of 0 to 1 s"
    (run / "metrics.json").write_text(json.dumps(metrics))
    warning = '<p class="warning">9 % of the times lie inside the window of 0 to 1 s.</p>'
    assert warning in write_report(run).read_text()


def test_scores_that_are_missing_are_dashes(run: Path) -> None:
    metrics = json.loads((run / "metrics.json").read_text())
    metrics |= {"nrmse": None, "nrmse_ci95": [None, None], "pearson_r": None}
    (run / "metrics.json").write_text(json.dumps(metrics))
    assert "model - - - -" in " ".join(re.findall(r"<td[^>]*>([^<]*)", write_report(run).read_text()))


def test_run_without_scores_is_said(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("model: response-time-cnn\n")
    with pytest.raises(SparseEEGError, match="no scores to report"):
        write_report(tmp_path)


def test_damaged_scores_are_said(run: Path) -> None:
    for content in ("{", "{}", "[]"):
        (run / "metrics.json").write_text(content)
        with pytest.raises(SparseEEGError, match="no scores to report"):
            write_report(run)


def test_intervals_say_what_they_rest_on_and_what_no_network_gives() -> None:
    known = {
        "coverage_mean_over_subjects": 0.9,
        "coverage_lowest_subject": 0.5,
        "n_subjects": 6,
        "level": 0.9,
    }
    found = {**known, "mean_width": 1.2, "coverage": 0.91, "calibration_subjects": 1, "uses_network": True}
    line = describe_intervals({"unit": "s", "interval": found})
    assert line.startswith("90% prediction intervals, 1.2 s wide on average: they cover 91.0% of the trials")
    assert line.endswith("; calibrated on 1 validation subject")
    found["without_network"] = {**known, "mean_width": 1.1, "coverage": 0.88}
    line = describe_intervals({"unit": "s", "interval": found})
    assert line.endswith("interval that needs no network is 1.1 s wide and covers 88.0%")
    found["uses_network"] = False
    assert "it is used here" in describe_intervals({"unit": "s", "interval": found})


def test_the_sample_says_how_many_subjects_have_a_correlation() -> None:
    metrics = {"n_trials": 90, "n_subjects": 5, "part": "test"}
    assert describe_sample(metrics | {"spearman_n_subjects": 5}) == "90 test trials of 5 subjects"
    few = describe_sample(metrics | {"spearman_n_subjects": 3})
    assert few == "90 test trials of 5 subjects (correlations within 3 of them)"
    assert describe_sample(metrics) == "90 test trials of 5 subjects"  # of version 0.1.0


def test_the_page_of_a_run_reads_from_the_question_to_how_it_was_made(report_of_a_run: Path) -> None:
    page = report_of_a_run.read_text()
    titles = re.findall(r"<h2>(.*?)</h2>", page)
    assert titles == [
        *("What was asked", "The answer", "How far to trust it", "What the network looked at"),
        *("What went wrong", "How it was made"),
    ]
    assert "was predicted from simulated EEG (toy) by sparse-attention-locator" in page
    assert "sparseeg train --config" in page
    assert "[1] Gramfort et al. (2013)" in page
    for name in ("learning-curves", "predictions", "people", "residuals", "intervals", "scores"):
        assert f'<figure id="{name}">' in page
    for name in ("erp-image", "latency", "attribution", "filters", "connections", "attention"):
        assert f'<figure id="{name}">' in page
    assert report_of_a_run.stat().st_size < 15e6


def test_markup_in_names_is_text(report_of_a_run: Path) -> None:
    page = report_of_a_run.read_text()
    assert SCRIPT not in page
    assert "no event &lt;script&gt;" in page


def test_problems_are_there_when_there_are_none(run: Path) -> None:
    assert "Nothing was reported while reading the files." in write_report(run).read_text()


def test_without_data_the_page_says_what_is_not_shown(run: Path) -> None:
    page = write_report(run, reason="the disk is away").read_text()
    assert "Not shown: the disk is away." in page


def test_the_page_of_a_comparison_compares_two_chosen_models(report_of_a_comparison: Path) -> None:
    page = report_of_a_comparison.read_text()
    assert "These data are simulated" in page
    assert "ceiling against sparse-attention-locator, for each person" in page
    folder = report_of_a_comparison.parent
    write_comparison_page(folder, ("ridge", "braindecode:EEGNet"))
    assert "ridge against braindecode:EEGNet, for each person" in (folder / "compare.html").read_text()
    with pytest.raises(SparseEEGError, match=r"'ridg' is not in the comparison\. Did you mean 'ridge'"):
        write_comparison_page(folder, ("ridg", "ceiling"))
    with pytest.raises(SparseEEGError, match="takes two models"):
        write_comparison_page(folder, ("ridge",))
    write_comparison_page(folder)
