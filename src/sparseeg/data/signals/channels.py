"""The channels that recordings should have, and how those of a recording are made like them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sparseeg.data.bids.hbn import CH_NAMES
from sparseeg.data.problems import LEFT_OUT, Problem
from sparseeg.data.provenance import ChannelChoice
from sparseeg.data.signals.caps import Cap, cap_of, most_frequent_cap
from sparseeg.data.signals.fit_channels import ChannelFit, check_caps, fit_channels
from sparseeg.data.signals.names import plain_name
from sparseeg.data.signals.positions import chs_info
from sparseeg.data.signals.select_channels import Selection
from sparseeg.errors import SparseEEGError, one_line

ENOUGH_COMMON = 0.75  # share of the channels


@dataclass(frozen=True)
class WantedChannels:
    """The channels that every recording should have.

    Parameters
    ----------
    ch_names : channels, in their order.
    choice : "common" and "interpolate" accept recordings with further channels; "strict" doesn't.
        "interpolate" also interpolates channels that are missing or bad.
    missing : whether missing channels are interpolated by every choice, as for a network.
    flat : channels that are set to zero, as in `fit_channels`.
    whose : name of their owner in messages.
    cap : the cap that the recordings have, as far as it is known; by default that of `ch_names`.
    """

    ch_names: tuple[str, ...]
    choice: ChannelChoice
    missing: bool = False
    flat: tuple[str, ...] = ()
    whose: str = "the data set"
    cap: Cap | None = None

    def fit(self, found: Selection, reference: Sequence[str] = ()) -> ChannelFit:
        """Return how the channels are made of those of a recording; `reference` as in `fit_channels`.

        Raises
        ------
        SparseEEGError : the recording doesn't fit; the message says how its channels differ.
        """
        if not set(_plain(found.names)).isdisjoint(_plain(self.ch_names)):
            check_caps(cap_of(found.names), self.cap or cap_of(self.ch_names), self.whose)
        if self.choice == "strict" and _plain(found.names) != _plain(self.ch_names):
            raise SparseEEGError(channel_difference(found.names, self.ch_names))
        return fit_channels(
            found.names,
            chs_info(self.ch_names, self.cap),
            found.bad if self.choice == "interpolate" else (),
            self.flat,
            reference,
            interpolate=self.missing or self.choice == "interpolate",
            whose=self.whose,
            own=found.positions,
            cap=self.cap,
        )


@dataclass(frozen=True)
class ChannelPlan:
    """How the recordings of a data set are made alike.

    Parameters
    ----------
    wanted : the channels that all of them get.
    choice : what was chosen; None if all have the same channels and nothing was asked for.
    note : what differs, and what is done about it; None if nothing differs.
    """

    wanted: WantedChannels
    choice: ChannelChoice | None = None
    note: tuple[str, str] | None = None

    def fit(self, found: Selection, path: Path, reference: Sequence[str] | None) -> ChannelFit | Problem:
        """Return how a recording gets the channels, or a problem if it is left out; see `WantedChannels`."""
        try:
            return self.wanted.fit(found, reference or ())
        except SparseEEGError as error:
            return Problem(path, one_line(error), LEFT_OUT)


def plan_channels(found: Sequence[Selection], choice: ChannelChoice | None = None) -> ChannelPlan:
    """Return how recordings with different channels are made alike.

    Names are compared as in `plain_name`. If all recordings have the same channels, these are kept. Otherwise
    the common channels are kept if they are at least three quarters of `expected_channels`; if they are
    fewer, missing and bad channels are interpolated. If any recording has HBN's 129 channels, those with
    other channels are left out. Recordings with another cap than most are left out as well.

    Parameters
    ----------
    found : the channels of each recording.
    choice : "common", "interpolate" or "strict", instead of this choice.

    Raises
    ------
    SparseEEGError : "common" was chosen, and there is no common channel.
    """
    every = [selection.names for selection in found]
    cap = cap_of(CH_NAMES) if _most_frequent(every) == CH_NAMES else most_frequent_cap(every)
    lists = [names for names in every if not _differ(cap_of(names), cap)]
    expected = _most_frequent(lists) if choice == "strict" else expected_channels(lists)
    differing = sum(_plain(selection.names) != _plain(expected) for selection in found)
    if not differing and choice != "interpolate":
        return ChannelPlan(WantedChannels(expected, "strict", cap=cap), choice)
    shared = set.intersection(*({plain_name(name) for name in one} for one in lists)) if lists else set()
    common = tuple(name for name in expected if plain_name(name) in shared)
    if choice is None and expected == CH_NAMES:
        choice = "strict"
    elif choice is None:
        choice = "common" if len(common) >= ENOUGH_COMMON * len(expected) else "interpolate"
    if choice == "common" and not common:
        raise SparseEEGError(
            "no channel is common to all recordings; choose --channels interpolate or --channels strict"
        )
    ch_names = common if choice == "common" else expected
    return ChannelPlan(
        WantedChannels(ch_names, choice, cap=cap), choice, _note(found, differing, expected, ch_names, choice)
    )


def _note(
    found: Sequence[Selection],
    differing: int,
    expected: tuple[str, ...],
    ch_names: tuple[str, ...],
    choice: ChannelChoice,
) -> tuple[str, str]:
    """Return what differs between recordings, and what is done."""
    reason = f"{differing} of {len(found)} recordings have other channels than the usual {len(expected)}"
    if not differing:
        bad = sum(bool(selection.bad) for selection in found)
        reason = f"all recordings have the same {len(expected)} channels, {bad} of {len(found)} with bad ones"
    actions: dict[ChannelChoice, str] = {
        "common": f"the {len(ch_names)} channels that all recordings have are kept",
        "interpolate": f"missing and bad ones of the {len(ch_names)} are interpolated",
        "strict": "those recordings are left out; --channels common or interpolate keeps them",
    }
    return reason, f"--channels {choice}: {actions[choice]}"


def channel_problems(path: Path, found: Selection, fit: ChannelFit | None) -> Iterator[Problem]:
    """Yield what was done about missing and bad channels; `fit` is None where a recording keeps its own."""
    if fit is not None and fit.interpolated:
        reason = f"channels missing or marked bad: {', '.join(fit.interpolated)}"
        yield Problem(path, reason, "interpolated by spherical splines", "nothing")
    used = range(len(found.names)) if fit is None else fit.columns
    bad = [found.names[at] for at in used if at >= 0 and found.names[at] in found.bad]
    if bad:
        reason = f"channels marked bad: {', '.join(bad)}"
        yield Problem(path, reason, "kept, because all recordings need the same channels", "nothing")


def expected_channels(found: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the channels that recordings should have.

    These are HBN's 129 channels, in HBN's order, if any recording has them. Otherwise they are the channels
    that more than half of the recordings have, in the order of the most frequent list that holds most of
    them; if there are none, the most frequent list.

    Parameters
    ----------
    found : the channels of each recording, in their order.
    """
    frequent = _most_frequent(found)
    if frequent == CH_NAMES:
        return frequent
    counts = Counter(plain for names in found for plain in {plain_name(name) for name in names})
    usual = {plain for plain, count in counts.items() if 2 * count > len(found)}
    lists = [names for names, _ in Counter(found).most_common()]
    lists.sort(key=lambda names: -len(usual & {plain_name(name) for name in names}))  # stable
    expected: dict[str, str] = {}
    for name in (name for names in lists for name in names):
        if plain_name(name) in usual:
            expected.setdefault(plain_name(name), name)
    return tuple(expected.values()) or frequent


def _most_frequent(found: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Return HBN's channels if any recording has them, else the most frequent list, the first of several."""
    if any(sorted(names) == sorted(CH_NAMES) for names in found):
        return CH_NAMES
    return Counter(found).most_common(1)[0][0] if found else ()


def channel_difference(names: Sequence[str], expected: Sequence[str]) -> str:
    """Describe how channels differ from the expected ones."""
    own, other = set(_plain(names)), set(_plain(expected))
    missing = [name for name in expected if plain_name(name) not in own]
    additional = [name for name in names if plain_name(name) not in other]
    parts = [f"{len(names)} EEG channels instead of {len(expected)}"]
    for words, differing in (("missing", missing), ("additional", additional)):
        if differing:
            parts.append(f"{words}: {', '.join(differing[:5])}{', ...' if len(differing) > 5 else ''}")
    return "; ".join(parts)


def _differ(one: Cap | None, other: Cap | None) -> bool:
    return one is not None and other is not None and one.differs(other)


def _plain(names: Sequence[str]) -> list[str]:
    return sorted(map(plain_name, names))
