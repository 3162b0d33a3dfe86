"""Which cap electrodes belong to, by their names; caps with the same names are not mixed."""

import mne
import numpy as np
import pytest

from sparseeg.data.bids import hbn
from sparseeg.data.signals.caps import Cap, cap_of
from sparseeg.data.signals.channels import plan_channels
from sparseeg.data.signals.fit_channels import fit_channels
from sparseeg.data.signals.positions import chs_info
from sparseeg.data.signals.select_channels import Selection
from sparseeg.errors import SparseEEGError

NETS = {
    "GSN-HydroCel-32": Cap("EGI", 32),
    "GSN-HydroCel-64_1.0": Cap("EGI", 64),
    "GSN-HydroCel-65_1.0": Cap("EGI", 64),
    "GSN-HydroCel-128": Cap("EGI", 128),
    "GSN-HydroCel-129": Cap("EGI", 128),
    "GSN-HydroCel-256": Cap("EGI", 256),
    "GSN-HydroCel-257": Cap("EGI", 256),
    "biosemi128": Cap("BioSemi", 128),
    "biosemi160": Cap("BioSemi", 160),
    "biosemi256": Cap("BioSemi", 256),
}


def montage(name: str) -> dict[str, np.ndarray]:
    return mne.channels.make_standard_montage(name).get_positions()["ch_pos"]


def net(size: int) -> tuple[str, ...]:
    return tuple(f"E{number}" for number in range(1, size + 1))


def sockets(letters: str) -> tuple[str, ...]:
    return tuple(f"{letter}{number}" for letter in letters for number in range(1, 33))


@pytest.mark.parametrize("name", NETS)
def test_every_cap_with_its_own_names_has_the_positions_of_its_montage(name: str) -> None:
    expected = montage(name)
    assert cap_of(expected) == NETS[name]
    found = np.array([channel["loc"] for channel in chs_info(list(expected))])
    assert found == pytest.approx(np.array(list(expected.values())), abs=3e-4)


@pytest.mark.parametrize(
    "name", ["biosemi16", "biosemi32", "biosemi64", "easycap-M1", "brainproducts-RNP-BA-128"]
)
def test_names_of_the_10_05_system_are_that_on_every_cap(name: str) -> None:
    if name in mne.channels.get_builtin_montages():
        assert cap_of(montage(name)) == Cap("10-05")


def test_a_net_may_lack_electrodes_and_its_reference_has_several_names() -> None:
    assert cap_of([name for name in net(128) if name not in ("E125", "E126", "E127", "E128")]) == Cap(
        "EGI", 128
    )
    assert cap_of([f"EEG {name}" for name in net(64)[:-2]]) == Cap("EGI", 64)
    cz = [round(value, 5) for value in montage(hbn.MONTAGE)["Cz"].tolist()]
    for reference in ("Cz", "VREF", "E129"):
        assert chs_info([*net(128), reference])[-1]["loc"] == pytest.approx(cz)


@pytest.mark.parametrize(
    "names", [net(8), net(20), ("E126", "E127", "E128", "Cz"), ("E200", "E300"), sockets("AB")]
)
def test_names_of_several_caps_have_no_positions(names: tuple[str, ...]) -> None:
    assert [channel["loc"] for channel in chs_info(names)] == [None] * len(names)


def test_a_few_names_of_the_10_05_system_stay_that() -> None:
    assert cap_of(["C3", "C4"]) == cap_of(["A1", "A2", "Cz"]) == Cap("10-05")
    assert cap_of(["EEG 1", "channel 2"]) is None


@pytest.mark.parametrize(
    ("found", "wanted", "caps"),
    [
        (
            net(256),
            hbn.CH_NAMES,
            "EGI's net of 256 electrodes, but the network has channels of EGI's net of 128",
        ),
        (sockets("ABCD"), sockets("AB"), "BioSemi's cap of 128 electrodes, but .* of BioSemi's cap of 64"),
        (sockets("ABCD"), ("C3", "C4"), "BioSemi's cap of 128 electrodes, but .* of the 10-05 system: equal"),
        (net(64), sockets("ABCDE"), "EGI's net of 64 electrodes, but .* of BioSemi's cap of 160 electrodes"),
    ],
)
def test_equal_names_of_different_caps_are_refused(found, wanted, caps) -> None:
    with pytest.raises(SparseEEGError, match=caps):
        fit_channels(found, chs_info(wanted))


def test_a_part_of_a_cap_is_not_another_cap() -> None:
    assert fit_channels(net(128), chs_info(net(8))).columns.tolist() == list(range(8))


@pytest.mark.parametrize("choice", [None, "common", "interpolate", "strict"])
def test_recordings_with_another_cap_than_most_are_left_out(choice) -> None:
    found = [Selection(net(256)), Selection(net(64)), Selection(net(63)), Selection(net(64))]
    plan = plan_channels(found, choice)
    assert plan.wanted.ch_names == (net(63) if choice in (None, "common") else net(64))
    said = plan.fit(found[0], "a.fif", None)
    assert "EGI's net of 256 electrodes, but the data set has channels of EGI's net of 64" in said.reason
    assert plan.fit(found[1], "b.fif", None).columns.tolist() == list(range(len(plan.wanted.ch_names)))
