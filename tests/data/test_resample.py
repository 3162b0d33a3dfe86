"""Resampling keeps every sample in its place."""

import numpy as np
import pytest

from sparseeg.data.resample import resample, same_rate


def tone(hertz: float, sfreq: float, n_times: int) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * np.arange(n_times) / sfreq)


@pytest.mark.parametrize(
    ("sfreq", "new"), [(500, 100), (512, 100), (250, 100), (256, 128), (100, 250), (499.98, 100)]
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
