"""Which channels the recordings of a data set get, and what is said about it."""

import pytest

from sparseeg.data.bids.hbn import CH_NAMES
from sparseeg.data.signals.channels import WantedChannels, expected_channels, plan_channels
from sparseeg.data.signals.select_channels import Selection
from sparseeg.errors import SparseEEGError

CAP = ("Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2", "F7", "F8", "Fz", "Cz", "Pz", "Oz")


def found(*lists: tuple[str, ...]) -> list[Selection]:
    return [Selection(names) for names in lists]


def without(*left: str) -> tuple[str, ...]:
    return tuple(name for name in CAP if name not in left)


def test_the_same_channels_in_any_order_capitals_and_prefix_need_no_choice():
    plan = plan_channels(found(CAP, CAP[::-1], tuple(f"EEG {name.upper()}-REF" for name in CAP)))
    assert (plan.wanted.ch_names, plan.choice, plan.note) == (CAP, None, None)
    assert plan.wanted.fit(Selection(CAP)).keeps_all
    assert plan.wanted.fit(Selection(CAP[::-1])).columns.tolist() == list(range(16))[::-1]


def test_hbn_keeps_its_129_and_says_how_to_keep_others():
    plan = plan_channels(found(CH_NAMES[::-1], CH_NAMES[:-1], CH_NAMES))
    assert (plan.wanted.ch_names, plan.choice) == (CH_NAMES, "strict")
    assert plan.note == (
        "1 of 3 recordings have other channels than the usual 129",
        "--channels strict: those recordings are left out; --channels common or interpolate keeps them",
    )
    with pytest.raises(SparseEEGError, match="128 EEG channels instead of 129; missing: Cz"):
        plan.wanted.fit(Selection(CH_NAMES[:-1]))
    assert plan_channels(found(CH_NAMES, CH_NAMES)).note is None


def test_one_channel_more_or_less_leaves_the_common_ones():
    plan = plan_channels(found((*CAP, "X9"), without("Oz"), (*CAP, "X9"), (*CAP, "X9")))
    assert (plan.wanted.ch_names, plan.choice) == (without("Oz"), "common")
    assert plan.note == (
        "1 of 4 recordings have other channels than the usual 17",
        "--channels common: the 15 channels that all recordings have are kept",
    )


def test_cleaned_data_are_interpolated_to_what_most_have():
    lists = [without(*CAP[3 * number : 3 * number + 3]) for number in range(5)]
    plan = plan_channels(found(*lists))
    assert sorted(plan.wanted.ch_names) == sorted(CAP)
    assert plan.choice == "interpolate"
    fit = plan.wanted.fit(Selection(lists[0], bad=("Oz",)))
    assert fit.interpolated == tuple(
        name for name in plan.wanted.ch_names if name in ("Fp1", "Fp2", "F3", "Oz")
    )


@pytest.mark.parametrize(("n_common", "choice"), [(12, "common"), (11, "interpolate")])
def test_three_quarters_are_enough(n_common: int, choice: str):
    lost = CAP[n_common:]
    lists = [CAP, *(without(name) for name in lost), CAP, CAP, CAP]
    assert plan_channels(found(*lists)).choice == choice


def test_a_choice_is_followed_and_bad_channels_are_interpolated_by_interpolate_only():
    selections = [Selection(CAP, bad=("Cz",)), Selection(without("Oz")), Selection(CAP)]
    for choice, names in (("common", without("Oz")), ("interpolate", CAP), ("strict", CAP)):
        plan = plan_channels(selections, choice)
        assert (plan.choice, plan.wanted.ch_names) == (choice, names)
        assert plan.note is not None
        assert plan.note[1].startswith(f"--channels {choice}: ")
        assert plan.wanted.fit(selections[0]).interpolated == (("Cz",) if choice == "interpolate" else ())
    alike = plan_channels([Selection(CAP, bad=("Cz",)), Selection(CAP)], "interpolate")
    assert alike.note == (
        "all recordings have the same 16 channels, 1 of 2 with bad ones",
        "--channels interpolate: missing and bad ones of the 16 are interpolated",
    )


def test_without_a_common_channel_common_is_refused():
    with pytest.raises(SparseEEGError, match="no channel is common to all recordings; choose"):
        plan_channels(found(CAP[:8], CAP[8:]), "common")
    assert plan_channels(found(CAP[:8], CAP[8:])).wanted.ch_names == CAP[:8]


def test_what_most_have_is_in_the_order_of_the_most_frequent_list():
    assert expected_channels([("b", "a"), ("a", "b", "c"), ("b", "a")]) == ("b", "a")
    assert expected_channels([("a", "b"), ("b", "c"), ("c", "a")]) == ("a", "b", "c")
    assert expected_channels([]) == ()


def test_a_network_names_itself_when_channels_do_not_fit():
    wanted = WantedChannels(CAP, "interpolate", whose="the run RUN")
    with pytest.raises(SparseEEGError, match="none of the run RUN's channels"):
        wanted.fit(Selection(("X1", "X2")))
