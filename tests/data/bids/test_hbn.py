"""The fixed facts of HBN-EEG."""

import mne
import pytest

from sparseeg.data.bids import hbn
from sparseeg.errors import SparseEEGError


def test_releases_skip_the_data_set_that_is_not_one():
    assert list(hbn.RELEASES) == [f"R{number}" for number in range(1, 12)]
    assert hbn.RELEASES["R5"] == "ds005509"
    assert "ds005513" not in hbn.RELEASES.values()


@pytest.mark.parametrize("name", ["R5", "r5", "5", " R5 ", "ds005509", "DS005509"])
def test_a_release_has_several_names(name):
    assert hbn.release(name) == "R5"


@pytest.mark.parametrize(
    ("name", "hint"), [("R12", "R1"), ("ds005513", None), ("RR5", "R5"), ("nonsense", None)]
)
def test_an_unknown_release_is_named_with_the_nearest(name, hint):
    with pytest.raises(SparseEEGError, match=f"unknown release '{name}'") as caught:
        hbn.release(name)
    if hint is not None:
        assert "Did you mean 'R" in str(caught.value)


def test_channels_are_those_of_the_montage():
    assert len(hbn.CH_NAMES) == 129
    assert set(mne.channels.make_standard_montage(hbn.MONTAGE).ch_names) == set(hbn.CH_NAMES)


def test_nine_subjects_are_excluded():
    assert len(hbn.EXCLUDED_SUBJECTS) == 9
    assert all(subject.startswith("sub-NDAR") for subject in hbn.EXCLUDED_SUBJECTS)
