"""Where a recording of BioSemi was paused, by its Status channel.

Source: BioSemi, "Which file format does BioSemi use?": bit 16 is high when a new epoch is started.
"""

from pathlib import Path

import mne
import numpy as np

from sparseeg.data.signals.edf import EdfHeader

CUT = "boundary"


def with_pauses(raw: mne.io.BaseRaw, path: Path, header: EdfHeader) -> mne.io.BaseRaw:
    """Return a recording with an annotation `boundary` at each new epoch of a BDF file but the first one."""
    index = next((i for i, name in enumerate(header.labels) if name.lower() == "status"), None)
    if index is None or header.width != 3 or not header.n_records:
        return raw
    record = header.width * sum(header.samples)
    first = header.width * sum(header.samples[:index])
    last = first + header.width * header.samples[index]
    content = np.memmap(path, np.uint8, "r", header.start, (header.n_records, record))
    new_epoch = (content[:, first + 2 : last : header.width] & 1).ravel()  # bit 16, in the third byte
    starts = np.flatnonzero(new_epoch[1:] > new_epoch[:-1]) + 1
    onset = starts * header.seconds / header.samples[index]
    return raw.set_annotations(
        raw.annotations + mne.Annotations(onset, 0.0, [CUT] * len(onset), raw.annotations.orig_time)
    )
