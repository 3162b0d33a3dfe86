"""Simulated subjects: age, sex, factors, response times, and properties of their EEG."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from .random_streams import random_stream
from .settings import SimulatorSettings

RELEASES = {"R1": 60, "R4": 12, "R5": 40}
"""Shares of training, validation and test releases in the reference set."""


@dataclass(frozen=True)
class Subject:
    """A simulated subject; times in seconds, amplitudes in microvolts, rates as probabilities."""

    index: int
    participant_id: str
    age: float
    sex: str
    ehq_total: float
    p_factor: float
    attention: float
    internalizing: float
    externalizing: float
    rt_mean: float
    rt_sd: float
    guess_rate: float
    miss_rate: float
    alpha_peak: float
    alpha_uv: float
    exponent: float
    background_uv: float
    blink_rate: float
    muscle_rate: float


def releases(count: int) -> list[str]:
    """Return the releases of `count` subjects, R1 : R4 : R5 as 60 : 12 : 40 and at least one each.

    The first releases do not depend on `count`.
    """
    dealt = ["R1", "R5", "R4"]
    total = sum(RELEASES.values())
    while len(dealt) < count:
        owed = {
            name: share * (len(dealt) + 1) / total - dealt.count(name) for name, share in RELEASES.items()
        }
        dealt.append(max(owed, key=lambda name: owed[name]))
    return dealt[:count]


def _rate(rng: np.random.Generator, mean: float, spread: float) -> float:
    """Draw a probability with population mean `mean` and SD `spread` in probit units."""
    return float(norm.cdf(norm.ppf(mean) * np.sqrt(1 + spread**2) + spread * rng.standard_normal()))


def _age(rng: np.random.Generator) -> float:
    """Draw an age in years: 5 to 22, mean 10.2, SD 3.2, right-skewed."""
    age = 99.0
    while age > 21.9:
        age = 5.0 + float(rng.gamma(2.7, 1.95))
    return round(age, 4)


def make_subject(seed: int, index: int, settings: SimulatorSettings) -> Subject:
    """Draw a subject, who only depends on seed and index, not on the number of subjects."""
    rng, b, n = random_stream(seed, index, "traits"), settings.behaviour, settings.noise
    age = _age(rng)
    years, male = age - 10.2, bool(rng.random() < 0.65)
    slow, alpha, slope, size, factor, ext, att, internal = rng.standard_normal(8)
    externalizing = 0.71 * (-0.26 * years / 3.2 + 0.19 * (male - 0.65) / 0.477 + 0.05 * slow + 0.93 * ext)
    handed = rng.normal(75, 18) if rng.random() < 0.88 else rng.normal(-50, 30)
    return Subject(
        index=index,
        participant_id=f"sub-NDARSIM{index + 1:05d}",
        age=age,
        sex="M" if male else "F",
        ehq_total=round(float(np.clip(handed, -100, 100)), 2),
        p_factor=round(0.35 * externalizing + 0.8 * float(factor), 3),
        attention=round(0.2 * externalizing + 0.75 * float(att), 3),
        internalizing=round(0.15 * externalizing + 0.75 * float(internal), 3),
        externalizing=round(float(externalizing), 3),
        rt_mean=b.rt_mean + b.rt_age_slope * years + b.rt_between_sd * float(slow),
        rt_sd=b.rt_within_sd * float(np.exp(b.rt_within_log_sd * rng.standard_normal())),
        guess_rate=_rate(rng, b.guess_rate, b.guess_log_odds_sd),
        miss_rate=_rate(rng, b.miss_rate, b.miss_log_odds_sd),
        alpha_peak=float(np.clip(9.2 + 0.16 * years + 0.7 * alpha, 7.0, 12.5)),
        alpha_uv=n.alpha_uv * float(rng.lognormal(0, 0.5)),
        exponent=float(np.clip(n.exponent - 0.035 * years + 0.15 * slope, 0.8, 2.4)),
        background_uv=n.background_uv * float(np.exp(-0.025 * years + 0.18 * size)),
        blink_rate=n.blink_rate * float(rng.lognormal(0, 0.6)),
        muscle_rate=n.muscle_rate * float(rng.lognormal(0, 0.8)),
    )
