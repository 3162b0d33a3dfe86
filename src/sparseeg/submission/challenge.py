"""What the EEG Foundation Challenge asks for: its targets, its windows, and how its scores are weighed."""

from sparseeg.data import tasks
from sparseeg.data.bids import hbn
from sparseeg.errors import SparseEEGError

TASKS = {1: tasks.RESPONSE_TIME, 2: "externalizing"}
SHARES = {1: 0.3, 2: 0.7}  # of the challenges in the final score (rules of the challenge)
N_TIMES = 200
VOLTS = 1e-6  # in a microvolt
TOLERANCE = 1e-5  # by which two answers to one window may differ


def check_windows(whose: str, n_chans: int, n_times: int, sfreq: float) -> None:
    """Raise SparseEEGError unless windows are the challenge's; `whose` begins the message."""
    wanted = len(hbn.CH_NAMES), N_TIMES, hbn.SFREQ
    if (n_chans, n_times, sfreq) != wanted:
        raise SparseEEGError(
            f"{whose} {n_chans} channels x {n_times} samples at {sfreq:g} Hz; the challenge's windows have "
            f"{wanted[0]} x {wanted[1]} at {wanted[2]:g} Hz"
        )
