"""Continuous EEG of a run: waveforms of sources, multiplied by topographies, filtered as the real copies."""

from collections.abc import Collection

import numpy as np
from scipy import fft

from sparseeg.data.bids.hbn import CH_NAMES

from .behaviour import TaskRun, each_row
from .components import Sources, response_part, rhythm_part
from .forward import Anatomy
from .random_streams import random_stream
from .settings import FEEDBACK_SECONDS, RAMP_SECONDS, SFREQ, SimulatorSettings
from .subjects import Subject

PARTS = ("background", "stimulus", "rhythm", "response")
"""background: ongoing activity; stimulus: locked to the screen; rhythm, response: related to presses."""


def band_gain(frequencies: np.ndarray) -> np.ndarray:
    """Return the gain of the zero-phase filter: 0.5 at 0.25 Hz, 1 from 0.5 to 47 Hz, 0 at 50 Hz."""
    low = np.clip(frequencies / 0.5, 0, 1)
    high = np.clip((50.0 - frequencies) / 3.0, 0, 1)
    return (0.5 - 0.5 * np.cos(np.pi * low)) * (0.5 - 0.5 * np.cos(np.pi * high))


def band_pass(signals: np.ndarray) -> np.ndarray:
    """Return signals (..., time) filtered to 0.5-50 Hz with zero phase, in the same dtype."""
    gain = band_gain(fft.rfftfreq(signals.shape[-1], 1 / SFREQ)).astype(signals.dtype)
    return fft.irfft(fft.rfft(signals) * gain, n=signals.shape[-1])


def coloured(rng: np.random.Generator, shape: tuple[int, int], amplitude: np.ndarray) -> np.ndarray:
    """Draw Gaussian noise (source, time) of SD one with an amplitude spectrum (time // 2 + 1,)."""
    amplitude = amplitude * np.sqrt(len(amplitude) / np.sum(amplitude**2))
    white = fft.rfft(rng.standard_normal(shape, dtype=np.float32).astype(np.float64))
    return fft.irfft(white * amplitude, n=shape[1])


def pulses(times: np.ndarray, onsets: np.ndarray, sizes: np.ndarray, rise: float, fall: float) -> np.ndarray:
    """Return the sum of pulses (time,) with half-cosine flanks that start at `onsets`, of heights `sizes`."""
    total = np.zeros_like(times)
    for onset, size in zip(onsets, sizes, strict=True):
        span = slice(*np.searchsorted(times, [onset, onset + rise + fall]))
        after = times[span] - onset
        phase = np.where(after < rise, after / rise, 1 + (after - rise) / fall)
        total[span] += size * (0.5 - 0.5 * np.cos(np.pi * phase))
    return total


def ongoing(
    rng: np.random.Generator,
    subject: Subject,
    anatomy: Anatomy,
    seconds: float,
    settings: SimulatorSettings,
    alpha_level: np.ndarray | float = 1.0,
    blink_level: np.ndarray | float = 1.0,
) -> np.ndarray:
    """Return ongoing activity (129, time) in microvolts: 1/f noise, alpha, blinks, muscle, sensor noise.

    `alpha_level` and `blink_level` are factors for alpha and blinks, numbers or (time,).
    """
    n, size = settings.noise, int(seconds * SFREQ)
    times, frequencies = np.arange(size) / SFREQ, fft.rfftfreq(size, 1 / SFREQ)
    slope = np.maximum(frequencies, 0.5) ** (-subject.exponent / 2)
    signals = (subject.background_uv * anatomy.background) @ coloured(rng, (128, size), slope)
    signals += anatomy.noise_uv[:, None] * rng.standard_normal((129, size), dtype=np.float32)
    drift = np.maximum(frequencies, 0.5) ** -0.75
    signals += anatomy.drift_uv[:, None] * coloured(rng, (129, size), drift)

    peak = np.exp(-0.5 * ((frequencies - subject.alpha_peak) / n.alpha_width) ** 2)
    alpha = coloured(rng, (anatomy.alpha.shape[1], size), peak) * np.array([[1.0], [1.0], [0.6]])
    blinks = rng.uniform(0, seconds - 0.5, rng.poisson(subject.blink_rate * seconds))
    blink = pulses(times, blinks, n.blink_uv * rng.lognormal(0, 0.3, len(blinks)), 0.12, 0.22)
    fast = coloured(rng, (anatomy.muscles.shape[1], size), np.clip((frequencies - 12) / 13, 0, 1))
    for source in fast:
        bursts = rng.uniform(0, seconds - 2, rng.poisson(subject.muscle_rate * seconds))
        source *= pulses(times, bursts, n.muscle_uv * rng.lognormal(0, 0.5, len(bursts)), 0.3, 0.9)
    sources = np.vstack([subject.alpha_uv * alpha * alpha_level, blink * blink_level, fast])
    return signals + np.column_stack([anatomy.alpha, anatomy.eyes, anatomy.muscles]) @ sources


def background_part(
    seed: int, subject: Subject, anatomy: Anatomy, run: TaskRun, settings: SimulatorSettings
) -> np.ndarray:
    """Return the ongoing activity (129, time) of a run in microvolts."""
    rng = random_stream(seed, subject.index, "background", run.number)
    return ongoing(rng, subject, anatomy, run.seconds, settings)


def _contrast(times: np.ndarray, run: TaskRun, side: str) -> np.ndarray:
    """Return the contrast (time,) of the grating on one side.

    It is 0.5, rises to 1 for targets on this side, and falls to 0 for targets on the other side.
    """
    contrast = np.full_like(times, 0.5)
    for trial in each_row(run.trials):
        after = times - trial.onset
        ramp = np.interp(after, [0, RAMP_SECONDS, FEEDBACK_SECONDS], [0.0, 0.5, 0.0], left=0, right=0)
        contrast += ramp if trial.side == side else -ramp
    return contrast


def stimulus_part(
    seed: int, subject: Subject, anatomy: Anatomy, run: TaskRun, settings: SimulatorSettings
) -> Sources:
    """Return responses to the screen in microvolts: steady-state responses, selection, feedback."""
    rng, n = random_stream(seed, subject.index, "stimulus"), settings.noise
    times = np.arange(run.n_samples) / SFREQ
    gain, phases = n.ssvep_uv * rng.lognormal(0, 0.3, 2), rng.uniform(0, 2 * np.pi, 2)
    steady = sum(
        g * 2 * _contrast(times, run, side) * np.sin(2 * np.pi * hertz * times + phase)
        for g, side, hertz, phase in zip(gain, ("left", "right"), (20.0, 25.0), phases, strict=True)
    )
    onsets = run.trials["onset"].to_numpy()
    draws = random_stream(seed, subject.index, "stimulus", run.number)
    sizes = n.selection_uv * draws.normal(1, 0.5, len(onsets))
    selection = -pulses(times, onsets + 0.20, sizes, 0.10, 0.15)
    correct = run.trials["correct"].to_numpy()
    sizes = n.feedback_uv * np.where(correct, 0.8, 1.2) * draws.normal(1, 0.5, len(onsets))
    feedback = pulses(times, onsets + FEEDBACK_SECONDS + 0.18, sizes, 0.14, 0.20)
    fields = np.column_stack([anatomy.visual, anatomy.selection, anatomy.feedback])
    return fields, np.stack([steady, selection, feedback])


def make_signals(
    seed: int,
    subject: Subject,
    anatomy: Anatomy,
    run: TaskRun,
    settings: SimulatorSettings,
    parts: Collection[str] = PARTS,
) -> np.ndarray:
    """Return the continuous EEG of a run, or some parts of it, as float32 (time, 129) in microvolts.

    It is computed in float64: in float32, sums would differ between processors by up to the resolution of the
    BDF file.
    """
    total = np.zeros((len(CH_NAMES), run.n_samples))
    if "background" in parts:
        total += background_part(seed, subject, anatomy, run, settings)
    makers = {"stimulus": stimulus_part, "rhythm": rhythm_part, "response": response_part}
    for name in (name for name in PARTS if name in parts and name in makers):
        fields, waves = makers[name](seed, subject, anatomy, run, settings)
        total += fields @ waves
    return np.ascontiguousarray(band_pass(total).T, dtype=np.float32)
