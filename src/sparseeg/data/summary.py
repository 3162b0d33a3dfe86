"""What of a data set became windows, and what was left out, by reason."""

from collections import Counter
from typing import Any

from sparseeg.data.problems import Loss
from sparseeg.data.windows import WindowSet

SHOWN = 5  # reasons on a line
NO_RESPONSE = "because no response was found"


def count_kept(windows: WindowSet) -> dict[str, Any]:
    """Return how many subjects, recordings, channels and windows were kept, and what was left out.

    Returns
    -------
    dict : `subjects`, `recordings`, `channels` (of each recording) and `windows`, each with `kept`; all but
        the first with `left_out`, which counts recordings and windows by reason and channels by type. A
        trial without a response counts as a window that was left out.
    """
    left_out = _left_out(windows, "windows")
    if windows.unanswered:
        left_out = {NO_RESPONSE: windows.unanswered, **left_out}
    subjects, recordings = (int(windows.table[name].nunique()) for name in ("subject", "recording"))
    return {
        "subjects": {"kept": subjects, "found_by": windows.people},
        "recordings": {"kept": recordings, "left_out": _left_out(windows, "recording")},
        "channels": {"kept": windows.n_chans, "left_out": _left_out(windows, "channels")},
        "windows": {"kept": len(windows), "left_out": left_out},
    }


def describe_kept(windows: WindowSet) -> list[str]:
    """Return the counts of `count_kept` as lines of text."""
    counts = count_kept(windows)
    return [f"{name}: {_described(name, content)}" for name, content in counts.items()]


def _left_out(windows: WindowSet, lost: Loss) -> dict[str, int]:
    """Return what was lost by reason, the most frequent one first."""
    found: Counter[str] = Counter()
    for problem in windows.problems:
        if problem.lost == lost:
            found[problem.kind or problem.reason] += problem.count or 1
    return dict(found.most_common())


def _described(name: str, content: dict[str, Any]) -> str:
    text = f"{content['kept']} kept" + (" of each recording" if name == "channels" else "")
    if content.get("found_by"):
        text += f", found by {content['found_by']}"
    reasons = list(content.get("left_out", {}).items())
    if not reasons:
        return text
    total = sum(count for _, count in reasons)
    shown = [f"{count} {reason}" for reason, count in reasons[:SHOWN]]
    if len(reasons) > SHOWN:
        shown.append(f"{sum(count for _, count in reasons[SHOWN:])} for {len(reasons) - SHOWN} other reasons")
    over = " in all recordings" if name == "channels" else ""
    return f"{text}, {total} left out{over}: {', '.join(shown)}"
