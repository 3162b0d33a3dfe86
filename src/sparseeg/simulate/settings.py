"""Settings of the simulator; changing a number requires a new calibration (docs/simulator.md)."""

import hashlib
import json
from dataclasses import asdict, dataclass, field

SFREQ = 100.0
"""Sampling rate of the HBN-EEG copies of the challenge, in Hz."""

TARGETS_PER_RUN = 24
"""Targets in one block of the contrast-change-detection task."""

RAMP_SECONDS, FEEDBACK_SECONDS = 1.6, 2.4
"""Contrast rises linearly for 1.6 s and returns until 2.4 s, when the feedback is shown."""

DELAYS = (2.8, 4.4, 6.0)
"""Seconds from the start of a trial to its target; all are equally frequent."""


@dataclass(frozen=True)
class BehaviourSettings:
    """Response times and presses, fitted to statistics of six HBN releases (seconds)."""

    rt_mean: float = 1.668
    rt_between_sd: float = 0.2156
    rt_within_sd: float = 0.245
    rt_within_log_sd: float = 0.067
    rt_age_slope: float = -0.0165
    rt_lag: float = 0.41
    rt_by_delay: tuple[float, float, float] = (0.075, -0.010, -0.050)
    rt_right_minus_left: float = 0.064
    guess_rate: float = 0.108
    guess_log_odds_sd: float = 0.842
    miss_rate: float = 0.13
    miss_log_odds_sd: float = 0.5
    accuracy: float = 0.93
    early_press_rate: float = 0.10
    second_press_rate: float = 0.07


@dataclass(frozen=True)
class NoiseSettings:
    """Activity that does not depend on responses (microvolts, Hz)."""

    background_uv: float = 7.5
    background_sources: int = 500
    exponent: float = 1.6
    sensor_uv: float = 1.5
    drift_uv: float = 4.0
    bad_electrode_rate: float = 0.02
    alpha_uv: float = 8.0
    alpha_width: float = 0.9
    ssvep_uv: float = 1.6
    blink_uv: float = 90.0
    blink_rate: float = 0.2
    muscle_uv: float = 12.0
    muscle_rate: float = 0.04
    feedback_uv: float = 5.0
    selection_uv: float = 1.0


@dataclass(frozen=True)
class ResponseSettings:
    """Activity related to responses: weak, variable, loosely coupled to the press (microvolts, seconds)."""

    cpp_uv: float = 18.5
    cpp_amplitude_cv: float = 0.5
    cpp_present: float = 0.80
    cpp_lag: float = -0.05
    cpp_jitter: float = 0.28
    cpp_rise: float = 0.70
    cpp_fall: float = 0.60
    motor_uv: float = 5.0
    motor_amplitude_cv: float = 0.5
    motor_present: float = 0.6
    motor_jitter: float = 0.10
    motor_rise: float = 0.35
    motor_fall: float = 0.20
    motor_ipsilateral: float = 0.25
    mu_uv: float = 3.0
    beta_uv: float = 2.0
    rhythm_drop: float = 0.08
    rhythm_drop_rise: float = 0.8
    rhythm_drop_fall: float = 0.4
    rhythm_rebound: float = 0.14
    rhythm_rebound_lag: float = 0.9
    rhythm_rebound_rise: float = 0.6
    rhythm_rebound_fall: float = 0.9
    rhythm_ipsilateral: float = 0.6
    rhythm_jitter: float = 0.25


@dataclass(frozen=True)
class SimulatorSettings:
    """All settings of the simulator; `version` increases with each change of a number."""

    version: int = 1
    behaviour: BehaviourSettings = field(default_factory=BehaviourSettings)
    noise: NoiseSettings = field(default_factory=NoiseSettings)
    response: ResponseSettings = field(default_factory=ResponseSettings)

    def fingerprint(self) -> str:
        """Return a hash of all numbers, as twelve hexadecimal digits."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


DEFAULT = SimulatorSettings()
