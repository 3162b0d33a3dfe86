"""EEG of a passive recording: anatomy and ongoing activity of the subject, without responses.

Its numbers are plausible but not calibrated, so they are not part of the settings and their fingerprint.
"""

import numpy as np

from .components import carriers
from .forward import Anatomy
from .passive import CLOSE, OPEN, PassiveRecording
from .random_streams import random_stream
from .settings import SFREQ, SimulatorSettings
from .signals import band_pass, ongoing, pulses
from .subjects import Subject

ALPHA_CLOSED, ALPHA_CLOSED_LOG_SD = 2.0, 0.2
"""Amplitude of alpha with closed eyes relative to open eyes, and its spread between subjects."""
OBEY_SECONDS, LID_SECONDS = 1.0, 0.5
"""Seconds from an instruction until the eyes begin to move, and from then until alpha is at its new level."""
CUT_UV, CUT_LOG_SD, CUT_CV = 4.0, 0.3, 0.5
"""Size of the response to a cut at its best electrode; its spread between subjects, and between cuts."""


def eyes_closed(times: np.ndarray, recording: PassiveRecording) -> np.ndarray:
    """Return how far the eyes are closed (time,), from 0 (open) to 1; open until the first instruction."""
    moments, levels = [0.0], [0.0]
    for onset, value in recording.events:
        if value in (OPEN, CLOSE):
            moments += [onset + OBEY_SECONDS, onset + OBEY_SECONDS + LID_SECONDS]
            levels += [levels[-1], float(value == CLOSE)]
    return np.interp(times, moments, levels)


def _cut_response(rng: np.random.Generator, times: np.ndarray, recording: PassiveRecording) -> np.ndarray:
    """Return the response (time,) to cuts in microvolts: positive after 0.11 s, negative after 0.18 s."""
    cuts = np.asarray(recording.cuts)
    gain = CUT_UV * rng.lognormal(0, CUT_LOG_SD)
    sizes = gain * rng.normal(1, CUT_CV, len(cuts))
    return pulses(times, cuts + 0.06, sizes, 0.05, 0.06) - pulses(times, cuts + 0.12, sizes, 0.06, 0.10)


def make_passive_signals(
    seed: int, subject: Subject, anatomy: Anatomy, recording: PassiveRecording, settings: SimulatorSettings
) -> np.ndarray:
    """Return the continuous EEG of a passive recording, float32 (time, 129) in microvolts."""
    background, rhythm, state = (
        random_stream(seed, subject.index, f"passive {purpose}", recording.number)
        for purpose in ("background", "rhythm", "state")
    )
    times = np.arange(int(recording.seconds * SFREQ)) / SFREQ
    closed = eyes_closed(times, recording)
    rise = ALPHA_CLOSED * state.lognormal(0, ALPHA_CLOSED_LOG_SD) - 1
    total = ongoing(background, subject, anatomy, recording.seconds, settings, 1 + rise * closed, 1 - closed)
    waves = [carriers(rhythm, subject, len(times), settings) for _ in anatomy.rhythm]
    waves.append(_cut_response(state, times, recording))
    fields = np.column_stack([*anatomy.rhythm.values(), anatomy.visual])
    total += fields @ np.stack(waves)
    return np.ascontiguousarray(band_pass(total).T, dtype=np.float32)
