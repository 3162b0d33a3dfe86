"""Channels of strangers' recordings: found by name, interpolated, or named in one line."""

import mne
import numpy as np
import pytest

from sparseeg.data.bids import hbn
from sparseeg.data.signals.fit_channels import fit_channels
from sparseeg.data.signals.names import plain_name
from sparseeg.data.signals.positions import chs_info
from sparseeg.errors import SparseEEGError

CAP = chs_info(hbn.CH_NAMES)


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("EEG Fp1-REF", "fp1"),
        ("Fc5.", "fc5"),
        ("E12", "e12"),
        (" Cz ", "cz"),
        ("A2-A1", "a2-a1"),
        ("EEG", "eeg"),
        ("EEG T5", "p7"),
    ],
)
def test_what_formats_put_around_a_name(name: str, plain: str) -> None:
    assert plain_name(name) == plain


def test_any_order_and_capitals_and_further_channels() -> None:
    found = ["STI", *(f"EEG {name.upper()}-REF" for name in reversed(hbn.CH_NAMES))]
    fit = fit_channels(found, CAP)
    signal = np.arange(130.0)[:, None]
    assert fit.apply(signal)[:, 0].tolist() == list(range(129, 0, -1))
    assert fit.interpolated == fit.zeroed == ()


def test_missing_and_bad_channels_are_what_mne_makes_of_them() -> None:
    signal = np.random.default_rng(0).normal(size=(129, 40))
    info = mne.create_info(list(hbn.CH_NAMES), 100.0, "eeg")
    raw = mne.io.RawArray(signal, info, verbose="error").set_montage(hbn.MONTAGE)
    raw.info["bads"] = ["E5", "E80"]
    expected = raw.interpolate_bads(verbose="error").get_data()
    bad = fit_channels(hbn.CH_NAMES, CAP, bad=("e5", "E80"))
    assert bad.interpolated == ("E5", "E80")
    broken = signal.copy()
    broken[[4, 79]] = np.nan
    assert bad.apply(broken) == pytest.approx(expected, abs=0.02)  # another middle of the head
    kept = [number for number in range(129) if number not in (4, 79)]
    missing = fit_channels([hbn.CH_NAMES[number] for number in kept], CAP)
    assert missing.apply(signal[kept]) == pytest.approx(bad.apply(signal), abs=1e-12)


def test_what_was_flat_in_training_stays_so() -> None:
    fit = fit_channels(hbn.CH_NAMES, CAP, flat=("Cz",))
    assert fit.zeroed == ("Cz",)
    assert fit.apply(np.ones((129, 3)))[-1].tolist() == [0, 0, 0]
    assert fit_channels(hbn.CH_NAMES[:-1], CAP, flat=("Cz",)).interpolated == ()


def test_what_does_not_fit_is_named() -> None:
    with pytest.raises(SparseEEGError, match=r"none of the network's channels \(E1, .*its own are Fp1, Fp2"):
        fit_channels(["Fp1", "Fp2"], CAP)
    with pytest.raises(SparseEEGError, match=r"40 of the network's 129 channels .* at most 25%"):
        fit_channels(hbn.CH_NAMES[40:], CAP)
    with pytest.raises(SparseEEGError, match="not clear which channel is E1 of the network"):
        fit_channels(["E1", *hbn.CH_NAMES], CAP)
    unknown = [{"ch_name": "X1", "loc": None}, *CAP[:20]]
    with pytest.raises(SparseEEGError, match=r"X1 .* position isn't known"):
        fit_channels(hbn.CH_NAMES, unknown)
    with pytest.raises(SparseEEGError, match="only 3 of the channels"):
        fit_channels(["E1", "E2", "E3"], CAP[:4])


def test_a_reference_has_its_signal_until_it_is_subtracted() -> None:
    signal = np.arange(129.0)[:, None]
    fit = fit_channels(hbn.CH_NAMES, CAP, flat=("E5", "Cz"), reference=("Cz",))
    assert fit.apply(signal)[[4, 128], 0].tolist() == [0, 128]
    assert fit.zeroed == ("E5",)
    without = fit_channels(hbn.CH_NAMES[:-1], CAP, flat=("E5", "Cz"), reference=("Cz",))
    assert without.zeroed == ("E5", "Cz")  # what was recorded against it has no signal there
    assert without.interpolated == ()
