"""Write BDF files."""

import os
from pathlib import Path

import edfio
import numpy as np

from sparseeg.data.bids.hbn import CH_NAMES

from .settings import SFREQ

LARGEST_UV = 8388
"""Physical range of the BDF channels, in steps of 1 nV; an integer, so that the header is exact."""


def write_bdf(path: Path, signals: np.ndarray) -> None:
    """Write signals as 24-bit BDF with a fixed anonymous date, whole or not at all.

    signals : (time, 129) in microvolts; a whole number of seconds.
    """
    digital = np.clip(np.rint(signals.T * 1000.0), -1000 * LARGEST_UV, 1000 * LARGEST_UV).astype(
        np.int32, order="C"
    )
    channels = [
        edfio.BdfSignal.from_digital(
            row,
            SFREQ,
            label=name,
            transducer_type="simulated",
            physical_dimension="uV",
            physical_range=(-LARGEST_UV, LARGEST_UV),
            digital_range=(-1000 * LARGEST_UV, 1000 * LARGEST_UV),
            prefiltering="HP:0.5Hz LP:50Hz",
        )
        for name, row in zip(CH_NAMES, digital, strict=True)
    ]
    draft = path.with_name(f".{path.stem}.part{path.suffix}")
    edfio.Bdf(channels, data_record_duration=1).write(draft)
    os.replace(draft, path)
