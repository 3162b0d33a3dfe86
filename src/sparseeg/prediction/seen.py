"""Say whether the network has seen a person: its predictions for others are less exact."""

import re
from pathlib import Path

from sparseeg.data.bids.layout import bids_file
from sparseeg.training.lineage import Seen

_EPOCHS = re.compile(r"[-_]epo(\.fif(\.gz)?)?$")  # MNE's names of epochs end in -epo.fif, too


def seen_before(seen: Seen, file: Path) -> list[str]:
    """Return a note if a file is called after a subject who trained or validated a network.

    seen : what the network has seen.
    """
    name = bids_file(file).entities.get("sub")
    if name is None:
        return []
    subject = f"sub-{_EPOCHS.sub('', name)}"
    for did, names in (("trained", seen.trained), ("validated", seen.validated)):
        if any(name.rpartition("/")[2] == subject for name in names):
            return [
                f"a subject called {subject} {did} this network: if this is the same person, expect larger "
                "errors for new people; if it is somebody of another laboratory, this needs no attention"
            ]
    return []
