"""The ideal observer is calibrated on data that follow its assumptions exactly, and knows nothing else."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from sparseeg.data.bids.hbn import CH_NAMES
from sparseeg.simulate import ceiling
from sparseeg.simulate.behaviour import make_run
from sparseeg.simulate.ceiling import N_TIMES, PEAKS, STEP, TIMES, TMIN, Observer, make_observer
from sparseeg.simulate.ceiling_rhythm import gabor
from sparseeg.simulate.components import bump
from sparseeg.simulate.forward import make_anatomy
from sparseeg.simulate.settings import DEFAULT, SFREQ
from sparseeg.simulate.signals import band_pass, make_signals
from sparseeg.simulate.subjects import make_subject

SEED, INDEX, TRIALS = 21, 3, 3000


@pytest.fixture(scope="module")
def observer() -> Observer:
    return make_observer(SEED, INDEX, DEFAULT)


def draw(observer: Observer, weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Response times from a prior on the grid, spread inside its cells."""
    return TIMES[rng.choice(len(TIMES), TRIALS, p=weights / weights.sum())]


def test_the_posterior_is_calibrated_on_its_own_assumptions(observer):
    """Gaussian noise and a CPP drawn as assumed: the posterior variance is the squared error."""
    rng, r = np.random.default_rng(0), DEFAULT.response
    driven, guess = ceiling.prior(observer.subject, DEFAULT)
    rt = draw(observer, driven + guess, rng)
    is_driven = rng.random(TRIALS) < np.interp(rt, TIMES, driven / (driven + guess))
    peaks = rt + r.cpp_lag + r.cpp_jitter * rng.standard_normal(TRIALS)
    nearest = np.clip(np.round((peaks - PEAKS[0]) / STEP).astype(int), 0, len(PEAKS) - 1)
    sizes = r.cpp_uv * (1 + r.cpp_amplitude_cv * rng.standard_normal(TRIALS))
    sizes *= (rng.random(TRIALS) < r.cpp_present) & is_driven
    data = rng.standard_normal((len(observer.whitener), TRIALS)) + observer.cpp[:, nearest] * sizes
    ratio = ceiling._evidence(observer.cpp, data, r.cpp_uv, r.cpp_amplitude_cv)
    density = driven * ceiling._coupled(ratio, r.cpp_lag, r.cpp_jitter, r.cpp_present) + guess
    density /= density.sum(axis=1, keepdims=True)
    mean = density @ TIMES
    variance = density @ TIMES**2 - mean**2
    error = (rt - mean) ** 2
    assert error.mean() == pytest.approx(variance.mean(), rel=0.06)
    # no systematic error is left for anyone to correct
    assert np.polyfit(mean, rt, 1)[0] == pytest.approx(1.0, abs=0.06)
    assert error.mean() < 0.9 * rt.var()


def test_without_components_the_posterior_is_the_prior(observer):
    rng = np.random.default_rng(1)
    driven, guess = ceiling.prior(observer.subject, DEFAULT)
    assert (driven + guess).sum() == pytest.approx(1.0)
    faint = replace(DEFAULT, response=replace(DEFAULT.response, cpp_uv=1e-6, motor_uv=1e-6))
    data = rng.standard_normal((len(observer.whitener), 5))
    ratio = ceiling._evidence(observer.cpp, data, faint.response.cpp_uv, 0.5)
    np.testing.assert_allclose(ceiling._coupled(ratio, 0.0, 0.3, 0.8), 1.0, rtol=1e-4)


def test_templates_are_cut_as_the_windows_are():
    """A component that peaks 1.6 s after the target peaks at sample 110 of the window."""
    bank = ceiling.template_bank(0.3, 0.3)
    assert bank.shape == (len(PEAKS), N_TIMES)
    row = int(np.argmin(np.abs(PEAKS - 1.6)))
    assert bank[row].argmax() == round((1.6 - TMIN) * SFREQ)
    times = np.arange(0, 30, 1 / SFREQ)
    wave = band_pass(bump(times - 11.6, 0.3, 0.3))
    np.testing.assert_allclose(bank[row], wave[1050:1250], atol=5e-3)


def test_noise_is_white_after_whitening(observer):
    anatomy = make_anatomy(SEED, INDEX, DEFAULT)
    runs = [make_run(SEED, observer.subject, number, DEFAULT) for number in (2000, 2001, 2002)]
    parts = ("background", "stimulus", "rhythm")
    make = partial(make_signals, SEED, observer.subject, anatomy)
    windows = np.concatenate(
        [
            make(run, DEFAULT, parts)[: 60 * 250, :-1].reshape(60, 250, 128)[:, :N_TIMES].transpose(0, 2, 1)
            for run in runs
        ]
    )
    series = np.einsum("nct,cs->snt", windows, observer.filters).transpose(0, 2, 1)
    data = np.linalg.solve(observer.whitener, series.reshape(-1, len(windows)))
    assert np.mean(data**2) == pytest.approx(1.0, abs=0.15)


def test_the_observer_reads_the_response_time_from_a_strong_component(observer):
    rt = np.array([1.0, 1.4, 1.8, 2.1])
    bank = ceiling.template_bank(DEFAULT.response.cpp_rise, DEFAULT.response.cpp_fall)
    field = make_anatomy(SEED, INDEX, DEFAULT).cpp
    peaks = [int(np.argmin(np.abs(PEAKS - (time + DEFAULT.response.cpp_lag)))) for time in rt]
    windows = 3 * DEFAULT.response.cpp_uv * field[:, None] * bank[peaks][:, None, :]
    assert windows.shape == (4, len(CH_NAMES), N_TIMES)
    means = ceiling.posterior(observer, windows)[:, 2]
    assert (np.diff(means) > 0.1).all()


def test_a_gabor_kernel_passes_its_centre_alone():
    kernel = gabor(20.0, 3.0)
    times = np.arange(len(kernel)) / SFREQ
    gain = [abs(kernel @ np.exp(-2j * np.pi * hertz * times)) for hertz in (20, 23, 35)]
    np.testing.assert_allclose(gain[:2], [1.0, np.exp(-0.5)], atol=0.03)
    assert gain[2] < 0.02


def test_the_prior_moves_with_age():
    child = replace(make_subject(0, 0, DEFAULT), age=6.0)
    people = (child, replace(child, age=16.0))
    means = [np.sum(ceiling.prior(person, DEFAULT), axis=0) @ TIMES for person in people]
    assert means[0] - means[1] == pytest.approx(0.14, abs=0.05)
