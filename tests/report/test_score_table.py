"""The words around the table of scores."""

import pytest

from sparseeg.errors import SparseEEGError
from sparseeg.report.score_table import caption, read_metrics


def test_the_caption_explains_rows_that_are_there_only() -> None:
    alone = caption({"baselines": {"train_mean": {}}, "controls": {}})
    assert "NRMSE: RMSE divided by" in alone
    assert "Shuffled" not in alone
    assert "Other order" not in alone
    assert "Subject mean" not in alone
    between = caption({"baselines": {}, "controls": {"shuffled_between_subjects": {}, "shuffled_order": {}}})
    assert "shuffled among subjects" in between
    assert "among trials" not in between
    assert "Other order" in between


def test_a_folder_that_is_no_run_is_said(tmp_path) -> None:
    with pytest.raises(SparseEEGError, match=r"is no run folder of `sparseeg train`: it has no config\.yaml"):
        read_metrics(tmp_path)
