"""The likelihood of mu and beta power given the time of a press, for the ideal observer of `ceiling`."""

from dataclasses import dataclass

import numpy as np
from scipy.signal import fftconvolve

from .components import carriers, envelope
from .forward import Anatomy
from .random_streams import random_stream
from .settings import SFREQ, SimulatorSettings
from .subjects import Subject

HANDS = ("left", "right")
GRID = 0.1
"""Seconds between the points at which power is compared with its expectation."""


@dataclass(frozen=True)
class Band:
    """A frequency band of one subject.

    Parameters
    ----------
    kernel : (time,), complex filter of the band.
    filters : (channel, hemisphere), spatially whitened projections.
    noise : (hemisphere,), power without a rhythm.
    rest : (hemisphere, source), power of each source at rest.
    bandwidth : independent complex samples per second after the kernel, sqrt(pi) times its width.
    """

    kernel: np.ndarray
    filters: np.ndarray
    noise: np.ndarray
    rest: np.ndarray
    bandwidth: float


def gabor(centre: float, width: float) -> np.ndarray:
    """Return a complex kernel whose gain is a Gaussian of SD `width` Hz around `centre` Hz."""
    spread = 1 / (2 * np.pi * width)
    times = np.arange(-round(3 * spread * SFREQ), round(3 * spread * SFREQ) + 1) / SFREQ
    weights = np.exp(-0.5 * (times / spread) ** 2)
    return weights / weights.sum() * np.exp(2j * np.pi * centre * times)


def make_bands(
    seed: int, subject: Subject, anatomy: Anatomy, noise: np.ndarray, settings: SimulatorSettings
) -> list[Band]:
    """Return filters and powers of mu and beta, measured on `noise` (channel, time) without rhythms."""
    fields = np.column_stack([anatomy.rhythm[hand] for hand in HANDS])[:-1]
    rest = carriers(random_stream(seed, subject.index, "rhythm", 999), subject, 60_000, settings)
    bands = []
    for centre, width in ((subject.alpha_peak + 0.8, 1.2), (20.0, 3.0)):
        kernel = gabor(centre, width)
        wave = fftconvolve(noise, kernel[None], mode="valid", axes=1)
        covariance = (wave @ wave.conj().T).real / wave.shape[1]
        filters = np.linalg.solve(covariance, fields)
        power = np.mean(np.abs(fftconvolve(rest, kernel, mode="valid")) ** 2)
        bands.append(
            Band(
                kernel,
                filters,
                np.einsum("cs,cd,ds->s", filters, covariance, filters),
                power * (filters.T @ fields) ** 2,
                float(np.sqrt(np.pi) * width),
            )
        )
    return bands


def log_ratio(
    bands: list[Band],
    windows: np.ndarray,
    tmin: float,
    moments: np.ndarray,
    hand: str,
    settings: SimulatorSettings,
) -> np.ndarray:
    """Return the log likelihood ratio (trial, moment) of a press at each moment against rest, for both bands.

    Power is exponentially distributed around its expectation at each hemisphere and time; the bandwidth gives
    the effective number of independent times.
    """
    total = np.zeros((len(windows), len(moments)))
    for band in bands:
        series = np.einsum("nct,cs->nst", windows[:, : len(band.filters)], band.filters)
        wave = fftconvolve(series, band.kernel[None, None], mode="valid", axes=2)
        edge = (series.shape[2] - wave.shape[2]) / 2 / SFREQ
        step = round(GRID * SFREQ)
        power = np.abs(wave[:, :, ::step]) ** 2
        times = tmin + edge + np.arange(power.shape[2]) * GRID
        weights = [1.0 if name == hand else settings.response.rhythm_ipsilateral for name in HANDS]
        level = np.array([
            [envelope(times, np.array([moment]), np.array([weight]), settings) for weight in weights]
            for moment in moments
        ])  # fmt: skip
        expected = band.noise[:, None] + np.einsum("hs,msk->mhk", band.rest, level**2)
        resting = (band.noise + band.rest.sum(axis=1))[:, None]
        gain = np.einsum("nhk,mhk->nm", power, 1 / resting - 1 / expected)
        total += GRID * band.bandwidth * (gain - np.log(expected / resting).sum(axis=(1, 2)))
    return total
