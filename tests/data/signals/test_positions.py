"""Positions of electrodes: which montage, which names, what is not known."""

import numpy as np
import pytest

from sparseeg.data.bids import hbn
from sparseeg.data.signals.positions import chs_info


def locs(*names: str) -> np.ndarray:
    return np.array([channel["loc"] for channel in chs_info(names)], dtype=float)


def test_every_channel_of_hbn_has_a_place_on_a_head() -> None:
    distance = np.linalg.norm(locs(*hbn.CH_NAMES), axis=1)
    assert distance.shape == (129,)
    assert 0.05 < distance.min() <= distance.max() < 0.2


def test_axes_point_right_front_and_up() -> None:
    right, front, up = locs("T8", "Fpz", "Cz")
    assert right.argmax() == 0
    assert front.argmax() == 1
    assert up.argmax() == 2
    left, right = locs(*hbn.CH_NAMES)[[127, 124]]  # E128 and E125, beside the eyes
    assert left[0] < 0 < right[0]


def test_capitals_do_not_matter_and_the_given_name_stays() -> None:
    assert chs_info(["FP1", "cz"]) == [
        {"ch_name": "FP1", "loc": pytest.approx(locs("Fp1")[0].tolist())},
        {"ch_name": "cz", "loc": pytest.approx(locs("Cz")[0].tolist())},
    ]


def test_cz_is_where_its_cap_has_it() -> None:
    assert not np.allclose(locs(*hbn.CH_NAMES)[-1], locs("Fp1", "Fp2", "Cz")[2])


def test_unknown_names_have_no_place() -> None:
    assert chs_info(["Cz", "EEG 7"])[1] == {"ch_name": "EEG 7", "loc": None}
