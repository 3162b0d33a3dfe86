"""Files written in one step: drafted beside their place, then moved, so that none is ever half written."""

import json
import os
from pathlib import Path

import edfio
import numpy as np

from sparseeg.files.atomic import write_whole

from .forward import CH_NAMES
from .settings import SFREQ

LARGEST_UV = 8388
"""Physical range of the BDF channels in steps of 1 nV; whole, so that the header holds it exactly."""


def write_json(path: Path, content: object) -> None:
    """Write indented JSON in one step."""
    write_whole(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def write_bdf(path: Path, signals: np.ndarray) -> None:
    """Write signals (time, 129) in microvolts, whole seconds, as 24-bit BDF with an anonymous fixed date."""
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
