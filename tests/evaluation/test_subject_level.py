"""A target that belongs to the subject: its control, its baseline, its scores."""

import numpy as np
import pandas as pd
import pytest

from sparseeg.evaluation.baselines import age_and_sex, with_eeg
from sparseeg.evaluation.controls import is_subject_level, shuffle_between_subjects
from sparseeg.evaluation.evaluate import add_constant_baselines, evaluate
from sparseeg.evaluation.metrics import nrmse

SUBJECTS = np.repeat(["a", "b", "c", "d"], [3, 1, 4, 2])
TARGET = np.repeat([0.5, -1.0, 2.0, 0.0], [3, 1, 4, 2])


def test_subject_level_is_one_target_for_all_windows_of_each_subject():
    assert is_subject_level(TARGET, SUBJECTS)
    assert is_subject_level(TARGET[::-1], SUBJECTS[::-1])
    assert not is_subject_level(np.arange(10), SUBJECTS)
    assert not is_subject_level([1.0, 2.0], ["a", "b"])  # one trial each says nothing


def test_shuffling_between_subjects_deals_the_numbers_out_anew():
    shuffled = shuffle_between_subjects(TARGET, SUBJECTS, seed=2)
    assert is_subject_level(shuffled, SUBJECTS)
    firsts = shuffled[[0, 3, 4, 8]]
    assert sorted(firsts) == [-1.0, 0.0, 0.5, 2.0]
    assert firsts.tolist() != [0.5, -1.0, 2.0, 0.0]


def test_age_and_sex_is_least_squares_and_missing_values_get_the_training_mean():
    rng = np.random.default_rng(0)
    age, male = rng.uniform(5, 20, 200), rng.integers(0, 2, 200).astype(float)
    target = 1.0 - 0.2 * age + 0.5 * male
    train, test = np.arange(150), np.arange(150, 200)
    assert age_and_sex(age, male, target, train, test) == pytest.approx(target[test])
    age[160], male[161] = np.nan, np.nan
    found = age_and_sex(age, male, target, train, test)
    assert found[10] == pytest.approx(1.0 - 0.2 * age[:150].mean() + 0.5 * male[160])
    assert np.isfinite(found).all()


def test_scores_per_window_and_per_subject_stand_side_by_side():
    prediction = TARGET + np.tile([0.3, -0.3], 5)
    table = pd.DataFrame({"subject": SUBJECTS, "target": TARGET, "prediction": prediction, "train_mean": 0.4})
    table = add_constant_baselines(table)
    assert "subject_mean_oracle" not in table
    scores = evaluate(table, n_resamples=50)
    assert scores["nrmse"] == pytest.approx(nrmse(TARGET, prediction))
    means = [0.1, -0.3, 0.0, 0.0]
    own = np.array([0.5, -1.0, 2.0, 0.0])
    assert scores["by_subject"]["prediction"]["nrmse"] == pytest.approx(nrmse(own, own + means))
    assert scores["by_subject"]["prediction"]["n_subjects"] == 4
    varying = evaluate(table.assign(target=np.arange(10.0)), n_resamples=50)
    assert "by_subject" not in varying


def subjects_with_ages(rng: np.random.Generator, beyond: float) -> tuple[np.ndarray, ...]:
    """Targets of 80 subjects by age, and by something of their own that the EEG tells besides their age."""
    age, own = rng.normal(0, 1, 80), rng.normal(0, 1, 80)
    target = 0.5 * age + own
    eeg = 0.3 * age + beyond * own + rng.normal(0, 0.3, 80)
    return (*(np.repeat(values, 10) for values in (0.5 * age, eeg, target)), np.repeat(np.arange(80), 10))


def test_eeg_beyond_age_is_added_where_it_helps():
    known, eeg, target, subjects = subjects_with_ages(np.random.default_rng(0), beyond=0.5)
    both = with_eeg(known, eeg, target, subjects, np.arange(400))
    assert nrmse(target[400:], both[400:]) < 0.8 * nrmse(target[400:], known[400:])


def test_eeg_that_tells_nothing_but_age_hardly_changes_what_age_says():
    worse = []
    for seed in range(20):
        known, eeg, target, subjects = subjects_with_ages(np.random.default_rng(seed), beyond=0.0)
        both = with_eeg(known, eeg, target, subjects, np.arange(400))
        worse.append(nrmse(target[400:], both[400:]) / nrmse(target[400:], known[400:]))
    assert np.mean(worse) < 1.01
