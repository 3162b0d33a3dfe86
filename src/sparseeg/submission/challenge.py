"""The EEG Foundation Challenge: its targets, its windows, and the weights of its scores."""

from sparseeg.data import tasks
from sparseeg.data.bids import hbn
from sparseeg.data.provenance import Provenance
from sparseeg.errors import SparseEEGError

TASKS = {1: tasks.RESPONSE_TIME, 2: "externalizing"}
SHARES = {1: 0.3, 2: 0.7}  # weights of the challenges in the final score (rules of the challenge)
N_TIMES = 200
VOLTS = 1e-6  # in a microvolt
TOLERANCE = 1e-5  # largest difference between two predictions for one window


def check_windows(challenge: int, found: Provenance, whose: str) -> None:
    """Check that windows are those of a challenge.

    Parameters
    ----------
    challenge : 1 (response time) or 2 (externalizing).
    found : the windows, or those that a network takes.
    whose : their owner in messages, as "the run RUN".

    Raises
    ------
    SparseEEGError : target, events, shape, rate, time, processing or channels differ.
    """
    task = tasks.TASKS[TASKS[challenge]]
    if found.task.name != task.name:
        raise SparseEEGError(
            f"{whose} predicts {found.task.name}, but challenge {challenge} asks for {task.name}"
        )
    if task.rule is not None:
        stimulus = () if found.task.rule is None else found.task.rule.stimulus
        if set(stimulus) != set(task.rule.stimulus):
            raise SparseEEGError(
                f"{whose} has windows locked to {' or '.join(stimulus) or 'unknown events'}, the challenge's "
                f"are locked to {' or '.join(task.rule.stimulus)}"
            )
    _check_shape(found, whose)
    if task.locked and abs(found.tmin - task.tmin) * found.sfreq > 0.5:
        raise SparseEEGError(
            f"{whose} has windows that begin {found.tmin:g} s after the stimulus, the challenge's begin "
            f"{task.tmin:g} s after it"
        )
    for name in ("low_cut", "high_cut", "reference"):
        value = getattr(found.processing, name)
        if value is not None:
            raise SparseEEGError(
                f"{whose} has data prepared with {name} {value}; the challenge's windows are prepared without"
            )


def _check_shape(found: Provenance, whose: str) -> None:
    shape = len(found.ch_names), found.n_times, found.sfreq
    if shape != (len(hbn.CH_NAMES), N_TIMES, hbn.SFREQ):
        raise SparseEEGError(
            f"{whose} has windows of {shape[0]} channels x {shape[1]} samples at {shape[2]:g} Hz, the "
            f"challenge's are {len(hbn.CH_NAMES)} x {N_TIMES} at {hbn.SFREQ:g} Hz"
        )
    for number, (name, expected) in enumerate(zip(found.ch_names, hbn.CH_NAMES, strict=True), start=1):
        if name.lower() != expected.lower():
            raise SparseEEGError(f"{whose}: channel {number} is {name}, the challenge's is {expected}")
