"""What MNE doesn't check in FIF files: tags that form a loop, and an end that is missing."""

import gzip
import struct
from pathlib import Path

from sparseeg.errors import SparseEEGError

_SAMPLES = 300  # kind of a tag with a block of samples
_WIDTHS = {2: 2, 3: 4, 4: 4, 5: 8, 16: 2}  # bytes per value, by the type of the tag


def check_tags(path: Path) -> int | None:
    """Return the number of values in the block of samples in which a FIF file ends; None for a whole file.

    The last tag of a whole file says that no other follows. Values are those of all channels together.

    Raises
    ------
    SparseEEGError : the tags, each of which points to the next, form a loop, which MNE would follow until
        memory runs out.
    """
    seen: set[int] = set()
    position, block, end = 0, 0, 0
    with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
        while position not in seen:
            seen.add(position)
            file.seek(position)
            tag = file.read(16)
            if len(tag) < 16:
                file.seek(max(0, end - 1))
                return 0 if file.read(1) else block
            kind, form, size, following = struct.unpack(">4i", tag)
            block = size // _WIDTHS.get(form, 4) if kind == _SAMPLES else 0
            end = position + 16 + size
            position = following if following else end
            if position < 0:
                return None
    raise SparseEEGError("it is damaged: its tags form a loop")
