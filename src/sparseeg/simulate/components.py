"""What is tied to the answer: a CPP, motor lateralisation, mu and beta; weak, variable, loosely coupled."""

import numpy as np
import pandas as pd
from scipy import fft

from .behaviour import Run
from .forward import Anatomy
from .settings import SFREQ, Settings
from .streams import stream
from .subjects import Subject

Sources = tuple[np.ndarray, np.ndarray]
"""Topographies (129, source) and waveforms (source, time): their product is the part of the EEG."""


def bump(after: np.ndarray, rise: float, fall: float) -> np.ndarray:
    """Build-up and decay around a peak at zero: half-cosines of `rise` and `fall` seconds, height one."""
    phase = np.where(after < 0, after / rise, after / fall)
    return np.where(np.abs(phase) < 1, 0.5 + 0.5 * np.cos(np.pi * phase), 0.0)


def _add_bumps(
    times: np.ndarray, peaks: np.ndarray, sizes: np.ndarray, rise: float, fall: float
) -> np.ndarray:
    """Sum of bumps (time,) with their peaks at `peaks` and of height `sizes`."""
    total = np.zeros_like(times)
    for peak, size in zip(peaks, sizes, strict=True):
        span = slice(*np.searchsorted(times, [peak - rise, peak + fall]))
        total[span] += size * bump(times[span] - peak, rise, fall)
    return total


def _amplitudes(rng: np.random.Generator, count: int, mean: float, cv: float, present: float) -> np.ndarray:
    """Draw single-trial amplitudes (count,): Gaussian, zero where the component is absent."""
    return mean * (1 + cv * rng.standard_normal(count)) * (rng.random(count) < present)


def motor_topography(anatomy: Anatomy, side: str, settings: Settings) -> np.ndarray:
    """Field (129,) of the motor potential of one hand: contralateral, with a share on the other side."""
    other = "left" if side == "right" else "right"
    return anatomy.motor[side] + settings.response.motor_ipsilateral * anatomy.motor[other]


def response_part(seed: int, subject: Subject, anatomy: Anatomy, run: Run, settings: Settings) -> Sources:
    """Potentials in microvolts: a CPP per driven response, a motor potential per press."""
    rng, r = stream(seed, subject.index, "response", run.number), settings.response
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


def envelope(times: np.ndarray, moments: np.ndarray, weights: np.ndarray, settings: Settings) -> np.ndarray:
    """Amplitude (time,) of a rhythm relative to rest: it falls before each press and rebounds after it."""
    r = settings.response
    drop = _add_bumps(times, moments, r.rhythm_drop * weights, r.rhythm_drop_rise, r.rhythm_drop_fall)
    late = moments + r.rhythm_rebound_lag
    rebound = _add_bumps(
        times, late, r.rhythm_rebound * weights, r.rhythm_rebound_rise, r.rhythm_rebound_fall
    )
    return np.clip(1 - drop + rebound, 0.0, None)


def carriers(rng: np.random.Generator, subject: Subject, size: int, settings: Settings) -> np.ndarray:
    """Mu and beta of one hemisphere at rest (time,) in microvolts."""
    frequencies, total = fft.rfftfreq(size, 1 / SFREQ), np.zeros(size)
    r = settings.response
    for centre, width, share in ((subject.alpha_peak + 0.8, 1.2, r.mu_uv), (20.0, 3.0, r.beta_uv)):
        spectrum = np.exp(-0.5 * ((frequencies - centre) / width) ** 2)
        spectrum *= np.sqrt(len(spectrum) / np.sum(spectrum**2))
        total += share * fft.irfft(fft.rfft(rng.standard_normal(size)) * spectrum, n=size)
    return total


def rhythm_weights(presses: pd.DataFrame, side: str, settings: Settings) -> np.ndarray:
    """Share (press,) of the change over one hand's motor area: full for that hand, less for the other."""
    return np.where((presses["side"] == side).to_numpy(), 1.0, settings.response.rhythm_ipsilateral)


def rhythm_part(seed: int, subject: Subject, anatomy: Anatomy, run: Run, settings: Settings) -> Sources:
    """Mu and beta in microvolts over both motor areas: they drop before a press and rebound after."""
    rng, presses = stream(seed, subject.index, "rhythm", run.number), run.presses
    times = np.arange(run.n_samples) / SFREQ
    jitter = settings.response.rhythm_jitter * rng.standard_normal(len(presses))
    moments = presses["onset"].to_numpy() + jitter
    waves = []
    for side in ("left", "right"):
        level = envelope(times, moments, rhythm_weights(presses, side, settings), settings)
        waves.append(level * carriers(rng, subject, run.n_samples, settings))
    return np.column_stack([anatomy.rhythm[side] for side in ("left", "right")]), np.stack(waves)
