"""Components related to the response: CPP, motor potentials, mu and beta; weak, variable, loosely coupled."""

import numpy as np
import pandas as pd
from scipy import fft

from .behaviour import TaskRun
from .forward import Anatomy
from .random_streams import random_stream
from .settings import SFREQ, SimulatorSettings
from .subjects import Subject

Sources = tuple[np.ndarray, np.ndarray]
"""Topographies (129, source) and waveforms (source, time), whose product is a part of the EEG."""


def bump(after: np.ndarray, rise: float, fall: float) -> np.ndarray:
    """Return a waveform of height one that rises and falls as half-cosines around a peak at zero.

    after : times in seconds from the peak.
    """
    phase = np.where(after < 0, after / rise, after / fall)
    return np.where(np.abs(phase) < 1, 0.5 + 0.5 * np.cos(np.pi * phase), 0.0)


def _add_bumps(
    times: np.ndarray, peaks: np.ndarray, sizes: np.ndarray, rise: float, fall: float
) -> np.ndarray:
    """Return the sum of bumps (time,) with peaks at `peaks` and heights `sizes`."""
    total = np.zeros_like(times)
    for peak, size in zip(peaks, sizes, strict=True):
        span = slice(*np.searchsorted(times, [peak - rise, peak + fall]))
        total[span] += size * bump(times[span] - peak, rise, fall)
    return total


def _amplitudes(rng: np.random.Generator, count: int, mean: float, cv: float, present: float) -> np.ndarray:
    """Draw single-trial amplitudes (count,): Gaussian, and zero if the component is absent."""
    return mean * (1 + cv * rng.standard_normal(count)) * (rng.random(count) < present)


def motor_topography(anatomy: Anatomy, side: str, settings: SimulatorSettings) -> np.ndarray:
    """Return the field (129,) of the motor potential of one hand, with an ipsilateral share."""
    other = "left" if side == "right" else "right"
    return anatomy.motor[side] + settings.response.motor_ipsilateral * anatomy.motor[other]


def response_part(
    seed: int, subject: Subject, anatomy: Anatomy, run: TaskRun, settings: SimulatorSettings
) -> Sources:
    """Return potentials in microvolts: a CPP for each driven response, a motor potential for each press."""
    rng, r = random_stream(seed, subject.index, "response", run.number), settings.response
    times = np.arange(run.n_samples) / SFREQ
    trials, presses = run.trials, run.presses
    sizes = _amplitudes(rng, len(trials), r.cpp_uv, r.cpp_amplitude_cv, r.cpp_present)
    peaks = (
        (trials["onset"] + trials["rt"]).to_numpy()
        + r.cpp_lag
        + r.cpp_jitter * rng.standard_normal(len(trials))
    )
    driven = trials["driven"].to_numpy()
    cpp = _add_bumps(times, peaks[driven], sizes[driven], r.cpp_rise, r.cpp_fall)

    sizes = _amplitudes(rng, len(presses), r.motor_uv, r.motor_amplitude_cv, r.motor_present)
    peaks = presses["onset"].to_numpy() + r.motor_jitter * rng.standard_normal(len(presses))
    motor = []
    for side in ("left", "right"):
        hand = (presses["side"] == side).to_numpy()
        motor.append(_add_bumps(times, peaks[hand], sizes[hand], r.motor_rise, r.motor_fall))
    fields = [anatomy.cpp, *(motor_topography(anatomy, side, settings) for side in ("left", "right"))]
    return np.column_stack(fields), np.stack([cpp, *motor])


def envelope(
    times: np.ndarray, moments: np.ndarray, weights: np.ndarray, settings: SimulatorSettings
) -> np.ndarray:
    """Return the amplitude (time,) of a rhythm relative to rest, with a drop and a rebound for each press."""
    r = settings.response
    drop = _add_bumps(times, moments, r.rhythm_drop * weights, r.rhythm_drop_rise, r.rhythm_drop_fall)
    late = moments + r.rhythm_rebound_lag
    rebound = _add_bumps(
        times, late, r.rhythm_rebound * weights, r.rhythm_rebound_rise, r.rhythm_rebound_fall
    )
    return np.clip(1 - drop + rebound, 0.0, None)


def carriers(
    rng: np.random.Generator, subject: Subject, size: int, settings: SimulatorSettings
) -> np.ndarray:
    """Return mu and beta of one hemisphere at rest, (time,) in microvolts."""
    frequencies, total = fft.rfftfreq(size, 1 / SFREQ), np.zeros(size)
    r = settings.response
    for centre, width, share in ((subject.alpha_peak + 0.8, 1.2, r.mu_uv), (20.0, 3.0, r.beta_uv)):
        spectrum = np.exp(-0.5 * ((frequencies - centre) / width) ** 2)
        spectrum *= np.sqrt(len(spectrum) / np.sum(spectrum**2))
        total += share * fft.irfft(fft.rfft(rng.standard_normal(size)) * spectrum, n=size)
    return total


def rhythm_weights(presses: pd.DataFrame, side: str, settings: SimulatorSettings) -> np.ndarray:
    """Return the size (press,) of the change over one motor area: full for its hand, less for the other."""
    return np.where((presses["side"] == side).to_numpy(), 1.0, settings.response.rhythm_ipsilateral)


def rhythm_part(
    seed: int, subject: Subject, anatomy: Anatomy, run: TaskRun, settings: SimulatorSettings
) -> Sources:
    """Return mu and beta over both motor areas in microvolts, with drop and rebound around each press."""
    rng, presses = random_stream(seed, subject.index, "rhythm", run.number), run.presses
    times = np.arange(run.n_samples) / SFREQ
    jitter = settings.response.rhythm_jitter * rng.standard_normal(len(presses))
    moments = presses["onset"].to_numpy() + jitter
    waves = []
    for side in ("left", "right"):
        level = envelope(times, moments, rhythm_weights(presses, side, settings), settings)
        waves.append(level * carriers(rng, subject, run.n_samples, settings))
    return np.column_stack([anatomy.rhythm[side] for side in ("left", "right")]), np.stack(waves)
