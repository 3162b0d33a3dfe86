"""The ceiling: predictions of an ideal observer, which knows the generative model but not the trials.

For each test subject, the observer knows the topographies, the statistics of the noise, the age, and the
settings. It does not know what was drawn for a trial: response time, jitter, amplitudes, which components are
present, and which hand responded. It returns the posterior mean, which minimises the squared error:

* the window is projected on the spatially whitened topographies of the CPP and of both motor potentials;
* the projections are whitened over time and components by their exact block-Toeplitz noise covariance;
* for a component that peaks at t, the Gaussian amplitude is integrated out in closed form; then presence,
  jitter, side and guessing are summed out on a grid, and the prior of the response time is applied;
* mu and beta power contribute a likelihood of the time of the press (`ceiling_rhythm`).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import linalg
from scipy.ndimage import gaussian_filter1d
from scipy.stats import norm

from .behaviour import make_run
from .ceiling_rhythm import HANDS, Band, log_ratio, make_bands
from .components import bump, motor_topography
from .forward import Anatomy, make_anatomy
from .settings import FEEDBACK_SECONDS, SFREQ, SimulatorSettings
from .signals import band_pass, make_signals
from .subjects import Subject, make_subject

TMIN, N_TIMES = 0.5, 200
STEP = 0.02
PEAKS = np.arange(-1.0, 4.0 + STEP / 2, STEP)
"""Candidate peaks of a component, seconds from the target."""
TIMES = np.arange(0.0, FEEDBACK_SECONDS, STEP) + STEP / 2
"""Candidate response times, seconds."""
PRIOR_SEED = 999_983
"""Seed of the simulated subjects that define the prior; no data set uses it."""
NOISE_RUNS = 4
FIRST_NOISE_RUN = 1000
"""First of the runs from which noise is measured; they are never part of a data set."""


@dataclass(frozen=True)
class Observer:
    """The ideal observer of one subject.

    Parameters
    ----------
    subject, settings : the subject, and the settings of the simulation.
    filters : (channel, series), projection of a window.
    whitener : (series * time, series * time), lower Cholesky factor of the noise covariance of projections.
    cpp : (series * time, peak), whitened templates of the CPP.
    motor : the same for the motor potential of each hand.
    bands : models of mu and beta power.
    """

    subject: Subject
    settings: SimulatorSettings
    filters: np.ndarray
    whitener: np.ndarray
    cpp: np.ndarray
    motor: dict[str, np.ndarray]
    bands: list[Band]


def _toeplitz(series: np.ndarray, lags: int) -> np.ndarray:
    """Block-Toeplitz covariance (series * lags, series * lags) of stationary series (run, series, time)."""
    length = series.shape[-1]
    spectrum = np.fft.rfft(series, n=length + lags, axis=-1)
    cross = np.einsum("rif,rjf->ijf", spectrum.conj(), spectrum) / (len(series) * length)
    correlation = np.fft.irfft(cross, n=length + lags, axis=-1)  # [i, j, k]: mean of x_i(t) x_j(t + k)
    shift = np.arange(lags)[None, :] - np.arange(lags)[:, None]
    blocks = correlation[:, :, shift]
    return blocks.transpose(0, 2, 1, 3).reshape(len(blocks) * lags, len(blocks) * lags)


def template_bank(rise: float, fall: float) -> np.ndarray:
    """Return the filtered waveforms (peak, time) of a component of height one at each candidate peak."""
    times = np.arange(-10.0, 15.0, 1 / SFREQ)
    waves = band_pass(bump(times[None, :] - PEAKS[:, None], rise, fall))
    start = int(np.searchsorted(times, TMIN - 0.5 / SFREQ))
    return waves[:, start : start + N_TIMES]


def _noise(
    seed: int, subject: Subject, anatomy: Anatomy, settings: SimulatorSettings, parts: tuple[str, ...]
) -> np.ndarray:
    """Simulate recordings without components, (run, channel, time), for the statistics of the noise."""
    runs = [make_run(seed, subject, FIRST_NOISE_RUN + k, settings) for k in range(NOISE_RUNS)]
    length = min(run.n_samples for run in runs)
    return np.stack([make_signals(seed, subject, anatomy, run, settings, parts)[:length].T for run in runs])


def make_observer(seed: int, index: int, settings: SimulatorSettings) -> Observer:
    """Build the ideal observer of subject `index`."""
    subject, anatomy = make_subject(seed, index, settings), make_anatomy(seed, index, settings)
    calm = _noise(seed, subject, anatomy, settings, ("background", "stimulus"))[:, :-1].astype(np.float64)
    noise = calm + _noise(seed, subject, anatomy, settings, ("rhythm",))[:, :-1]
    fields = np.column_stack([anatomy.cpp, *(motor_topography(anatomy, side, settings) for side in HANDS)])[
        :-1
    ]
    slow = np.fft.rfft(noise, axis=-1)[..., np.fft.rfftfreq(noise.shape[-1], 1 / SFREQ) <= 6.0]
    covariance = np.einsum("rif,rjf->ij", slow, slow.conj()).real
    filters = np.linalg.solve(covariance / np.trace(covariance), fields)
    filters /= np.linalg.norm(filters, axis=0)
    whitener = linalg.cholesky(_toeplitz(filters.T @ noise, N_TIMES), lower=True)

    r = settings.response
    cpp, motor = template_bank(r.cpp_rise, r.cpp_fall), template_bank(r.motor_rise, r.motor_fall)

    def whitened(field: np.ndarray, bank: np.ndarray) -> np.ndarray:
        return linalg.solve_triangular(whitener, np.kron((filters.T @ field)[:, None], bank.T), lower=True)

    sides = {side: whitened(fields[:, 1 + k], motor) for k, side in enumerate(HANDS)}
    bands = make_bands(seed, subject, anatomy, np.concatenate(list(calm[:2]), axis=1), settings)
    return Observer(subject, settings, filters, whitener, whitened(fields[:, 0], cpp), sides, bands)


def _evidence(bank: np.ndarray, data: np.ndarray, mean: float, cv: float) -> np.ndarray:
    """Return the likelihood ratio (trial, peak) of a component at each peak against no component."""
    variance, energy = (mean * cv) ** 2, np.sum(bank**2, axis=0)
    match = data.T @ bank
    gain = 1 + variance * energy
    log = (variance * match**2 / 2 + mean * match - mean**2 * energy / 2) / gain - np.log(gain) / 2
    return np.exp(np.clip(log, -60, 60))


def _coupled(ratio: np.ndarray, lag: float, jitter: float, present: float) -> np.ndarray:
    """Return the likelihood ratio (trial, response time) that includes jitter between press and peak."""
    weights = norm.pdf(PEAKS[:, None], TIMES[None, :] + lag, max(jitter, STEP / 2))
    return 1 - present + present * ratio @ (weights / weights.sum(axis=0))


@lru_cache(maxsize=4)
def _prior_response_times(settings: SimulatorSettings) -> tuple[np.ndarray, np.ndarray]:
    """Return response times of many simulated subjects, corrected to an age of 10.2: driven, and guesses."""
    driven, guessed = [], []
    for index in range(1500):
        subject = make_subject(PRIOR_SEED, index, settings)
        trials = make_run(PRIOR_SEED, subject, 1, settings).trials.dropna(subset="rt")
        shift = settings.behaviour.rt_age_slope * (subject.age - 10.2)
        times, chosen = trials["rt"].to_numpy(), trials["driven"].to_numpy()
        driven.append(times[chosen] - shift)
        guessed.append(times[~chosen])
    return np.concatenate(driven), np.concatenate(guessed)


def prior(subject: Subject, settings: SimulatorSettings) -> tuple[np.ndarray, np.ndarray]:
    """Return the prior (response time,) of driven responses and of guesses at the subject's age.

    Both together sum to one.
    """
    driven, guessed = _prior_response_times(settings)
    shift = settings.behaviour.rt_age_slope * (subject.age - 10.2)
    edges = np.append(TIMES - STEP / 2, TIMES[-1] + STEP / 2)
    counts = [np.histogram(times, edges)[0] for times in (driven + shift, guessed)]
    smooth = [gaussian_filter1d(count.astype(float), 2.0, mode="nearest") for count in counts]
    total = sum(part.sum() for part in smooth)
    return smooth[0] / total, smooth[1] / total


def likelihoods(observer: Observer, windows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the likelihood ratios (trial, response time) of the CPP, and of motor potential and rhythms.

    windows : (trial, 129, 200) in microvolts.
    """
    settings, r = observer.settings, observer.settings.response
    series = np.einsum("nct,cs->snt", windows[:, :-1].astype(np.float64), observer.filters)
    data = linalg.solve_triangular(
        observer.whitener, series.transpose(0, 2, 1).reshape(-1, len(windows)), lower=True
    )
    cpp = _evidence(observer.cpp, data, r.cpp_uv, r.cpp_amplitude_cv)
    hands = []
    for hand in HANDS:
        motor = _evidence(observer.motor[hand], data, r.motor_uv, r.motor_amplitude_cv)
        rhythm = log_ratio(observer.bands, windows[:, :-1], TMIN, PEAKS, hand, settings)
        hands.append(
            _coupled(motor, 0.0, r.motor_jitter, r.motor_present)
            * _coupled(np.exp(np.clip(rhythm, -60, 60)), 0.0, r.rhythm_jitter, 1.0)
        )
    return _coupled(cpp, r.cpp_lag, r.cpp_jitter, r.cpp_present), np.mean(hands, axis=0)


def posterior(observer: Observer, windows: np.ndarray) -> np.ndarray:
    """Return posterior means and SDs of the response time in seconds, (trial, 6).

    The columns are mean and SD given all components, given the CPP only, and given motor potential and
    rhythms only.

    Parameters
    ----------
    observer : the ideal observer of the subject.
    windows : (trial, 129, 200) in microvolts.
    """
    cpp, action = likelihoods(observer, windows)
    driven, guess = prior(observer.subject, observer.settings)
    columns = []
    for density in ((driven * cpp + guess) * action, driven * cpp + guess, (driven + guess) * action):
        density = density / density.sum(axis=1, keepdims=True)
        mean = density @ TIMES
        columns += [mean, np.sqrt(np.maximum(density @ TIMES**2 - mean**2, 0.0))]
    return np.column_stack(columns)
