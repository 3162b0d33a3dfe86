"""Resampling keeps every sample in its place."""

import numpy as np
import pytest

from sparseeg.data.signals.resample import rate_ratio, resample, same_rate
from sparseeg.errors import SparseEEGError


def tone(hertz: float, sfreq: float, n_times: int) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * np.arange(n_times) / sfreq)


@pytest.mark.parametrize(
    ("sfreq", "new"),
    [(500, 100), (512, 100), (250, 100), (256, 128), (100, 250), (499.98, 100), (499.98731, 100)],
)
@pytest.mark.parametrize("n_times", [5000, 5003])
def test_a_slow_tone_is_where_it_was(sfreq, new, n_times):
    got = resample(tone(3.0, sfreq, n_times)[None], sfreq, new)[0]
    assert len(got) == int(np.ceil(n_times * new / sfreq))
    inside = slice(len(got) // 5, -len(got) // 5)
    assert np.abs(got - tone(3.0, new, len(got)))[inside].max() < 2e-3


def test_what_the_new_rate_cannot_hold_is_removed():
    got = resample(tone(80.0, 500, 5000), 500, 100)
    assert np.abs(got[100:-100]).max() < 2e-3


def test_an_offset_stays_up_to_the_edges():
    assert np.abs(resample(np.full(1000, 7.0), 500, 100) - 7.0).max() < 0.02


def test_rates_are_the_same_to_rounding():
    assert same_rate(100.00001, 100.0)
    assert not same_rate(100.01, 100.0)


@pytest.mark.parametrize("sfreq", [499.98731, 512.0347, 5000.00012345, 99.999, 250 * (1 + 1e-5)])
def test_an_effective_rate_needs_no_filter_of_millions_of_samples_and_does_not_drift(sfreq):
    ratio = rate_ratio(sfreq, 100.0)
    assert max(ratio.numerator, ratio.denominator) < 1_000_000
    assert abs(float(ratio) * sfreq / 100.0 - 1) * 3600 < 4e-3


@pytest.mark.parametrize("sfreq", [np.nan, np.inf, 0.0, -500.0, 1e-30, 5.0, 2e5])
def test_a_rate_that_nobody_records_at_is_refused(sfreq):
    with pytest.raises(SparseEEGError, match="sampled at"):
        rate_ratio(sfreq, 100.0)


def test_ratios_of_usual_rates_are_exact():
    assert [str(rate_ratio(sfreq, 100.0)) for sfreq in (100, 500, 512, 2048, 1000, 250, 256, 44100)] == (
        ["1", "1/5", "25/128", "25/512", "1/10", "2/5", "25/64", "1/441"]
    )
