"""The simulated people answer as the measured ones (facts sheet: six HBN releases, 73,525 trials)."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sparseeg.data.bids.trials import trial_table
from sparseeg.simulate.behaviour import events_table, make_run
from sparseeg.simulate.settings import DEFAULT
from sparseeg.simulate.subjects import make_subject, releases

SUBJECTS = 1000


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    subjects = [make_subject(3, index, DEFAULT) for index in range(SUBJECTS)]
    return pd.DataFrame([vars(subject) for subject in subjects])


@pytest.fixture(scope="module")
def trials(people: pd.DataFrame) -> pd.DataFrame:
    """Three runs of many people, one row per target."""
    tables = []
    for index in range(SUBJECTS):
        subject = make_subject(3, index, DEFAULT)
        for number in (1, 2, 3):
            table = make_run(3, subject, number, DEFAULT).trials
            tables.append(table.assign(subject=index, run=number, age=subject.age))
    return pd.concat(tables, ignore_index=True)


def test_response_times_have_the_measured_distribution(trials):
    rt = trials["rt"].dropna().to_numpy()
    assert rt.mean() == pytest.approx(1.594, abs=0.02)
    assert rt.std() == pytest.approx(0.411, abs=0.015)
    assert stats.skew(rt) == pytest.approx(-0.90, abs=0.15)
    assert stats.kurtosis(rt) == pytest.approx(1.75, abs=0.4)
    measured = [0.172, 0.906, 1.130, 1.378, 1.620, 1.868, 2.088, 2.202, 2.350]
    found = np.quantile(rt, [0.01, 0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 0.99])
    np.testing.assert_allclose(found, measured, atol=0.06)


def test_guesses_are_flat_below_seven_tenths_of_a_second(trials):
    rt = trials["rt"].dropna().to_numpy()
    shares = [np.mean((rt >= low) & (rt < low + 0.1)) for low in (0.1, 0.2, 0.3, 0.4, 0.5)]
    np.testing.assert_allclose(shares, 0.005, atol=0.0015)
    assert 0.017 <= np.mean(rt < 0.5) <= 0.037


def test_people_differ_as_measured(trials):
    answered = trials.dropna(subset="rt")
    by_subject = answered.groupby("subject")["rt"]
    assert by_subject.mean().std() == pytest.approx(0.214, abs=0.02)
    assert by_subject.std(ddof=0).mean() == pytest.approx(0.357, abs=0.025)
    assert by_subject.std(ddof=0).std() == pytest.approx(0.117, abs=0.02)
    share = by_subject.transform("mean").var() / answered["rt"].var()
    assert 0.19 <= share <= 0.27


def test_misses_and_accuracy(trials):
    missed = trials["rt"].isna()
    assert 0.12 <= missed.mean() <= 0.16
    assert trials.loc[~missed, "correct"].mean() == pytest.approx(0.88, abs=0.015)
    assert not trials.loc[missed, "correct"].any()


def test_lag_delay_side_and_age(trials):
    answered = trials.dropna(subset="rt")
    by_delay = answered.groupby("delay")["rt"].mean()
    np.testing.assert_allclose(by_delay.loc[[2.8, 4.4, 6.0]], [1.668, 1.602, 1.571], atol=0.03)
    by_side = answered.groupby("side")["rt"].mean()
    assert by_side["right"] - by_side["left"] == pytest.approx(0.054, abs=0.015)
    means = answered.groupby("subject").agg(rt=("rt", "mean"), age=("age", "first"))
    assert np.polyfit(means["age"], means["rt"], 1)[0] == pytest.approx(-0.014, abs=0.005)
    deviation = trials["rt"] - trials.groupby("subject")["rt"].transform("mean")
    before = deviation.groupby([trials["subject"], trials["run"]]).shift(1)
    assert deviation.corr(before) == pytest.approx(0.115, abs=0.03)


def test_age_sex_and_externalizing(people):
    assert people["age"].mean() == pytest.approx(10.2, abs=0.3)
    assert people["age"].std() == pytest.approx(3.2, abs=0.3)
    assert people["age"].between(5, 22).all()
    assert 0.61 <= (people["sex"] == "M").mean() <= 0.68
    externalizing = people["externalizing"]
    assert 0.66 <= externalizing.std() <= 0.76
    assert -0.34 <= externalizing.corr(people["age"]) <= -0.18
    assert 0.13 <= externalizing.corr((people["sex"] == "M").astype(float)) <= 0.25
    assert externalizing.corr(people["rt_mean"]) == pytest.approx(0.08, abs=0.06)


def test_events_are_those_of_a_normal_file():
    run = make_run(0, make_subject(0, 0, DEFAULT), 2, DEFAULT)
    events = events_table(run)
    assert list(events.columns) == ["onset", "duration", "value", "event_code", "feedback"]
    counts = events["value"].value_counts()
    assert counts["contrastTrial_start"] == 25
    assert counts["left_target"] == counts["right_target"] == 12
    assert events["value"].iloc[0] == events["event_code"].iloc[0] == "break cnt"
    assert events["value"].iloc[1] == "contrastChangeB2_start"
    assert (events["duration"] == "n/a").all()
    onsets = events["onset"].astype(float)
    assert onsets.is_monotonic_increasing
    assert onsets.iloc[-1] < run.seconds
    codes = dict(zip(events["value"], events["event_code"], strict=True))
    assert (codes["contrastTrial_start"], codes["left_target"], codes["right_target"]) == ("5", "8", "9")
    presses = events["value"].str.endswith("buttonPress")
    assert set(events.loc[~presses, "feedback"]) == {"n/a"}
    assert set(events.loc[presses, "feedback"]) <= {"smiley_face", "sad_face", "non_target"}


def test_the_trial_rule_finds_what_was_simulated():
    kinds, later = set(), 0
    for index in range(12):
        run = make_run(1, make_subject(1, index, DEFAULT), 1, DEFAULT)
        events = events_table(run).assign(onset=lambda table: table["onset"].astype(float))
        found = trial_table(events)
        np.testing.assert_allclose(found["rt"].astype(float), run.trials["rt"], atol=1e-9)
        np.testing.assert_allclose(found["stimulus_onset"], run.trials["onset"], atol=1e-9)
        answered = run.trials["rt"].notna()
        assert (found.loc[answered, "correct"] == run.trials.loc[answered, "correct"]).all()
        kinds |= set(run.presses["kind"])
        later += (run.presses["kind"] == "second").sum()
    assert kinds == {"response", "early", "second"}
    assert later > 0


def test_delays_come_in_equal_numbers_and_feedback_ends_a_trial():
    run = make_run(0, make_subject(0, 5, DEFAULT), 1, DEFAULT)
    assert run.trials["delay"].value_counts().to_dict() == {2.8: 8, 4.4: 8, 6.0: 8}
    gaps = np.diff(run.trials["trial_start"])
    np.testing.assert_allclose(gaps, run.trials["delay"].to_numpy()[:-1] + 2.4, atol=0.004)


def test_releases_are_dealt_in_the_reference_proportion():
    dealt = releases(112)
    assert [dealt.count(name) for name in ("R1", "R4", "R5")] == [60, 12, 40]
    assert set(releases(3)) == {"R1", "R4", "R5"}
    assert releases(112)[:30] == releases(30)
