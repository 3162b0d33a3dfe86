"""Names of channels without what file formats and amplifiers add to them."""

import re
from functools import lru_cache

_NEW_NAMES = {"t3": "t7", "t4": "t8", "t5": "p7", "t6": "p8"}  # old and new names in the 10-20 system
_DECORATED = re.compile(r"^(eeg[ _-]+)?(.*?)([ _-]+(ref|le|avg))?\.*$")


@lru_cache(maxsize=4096)  # recordings of a data set share their names
def plain_name(name: str) -> str:
    """Return a channel name without the additions of file formats and amplifiers, in lower case.

    `EEG Fp1-REF` becomes `fp1`; old names of the 10-20 system become the new ones, as `T3` becomes `t7`.
    """
    match = _DECORATED.match(name.strip().lower())
    plain = match.group(2) if match and match.group(2) else name.strip().lower()
    return _NEW_NAMES.get(plain, plain)
