"""Signals are conditioned in the same way whether a recording is read whole or in blocks."""

from itertools import pairwise

import mne
import numpy as np
import pytest
from scipy.signal import oaconvolve, resample_poly

from sparseeg.data.provenance import Processing
from sparseeg.data.signals.conditioning import Conditioning, filter_kernel, reference_rows
from sparseeg.errors import SparseEEGError

CH_NAMES = ("A", "B", "C")
VOLTS = 1e-5 * np.random.default_rng(0).normal(size=(3, 2003)).cumsum(axis=1)


def plain(volts: np.ndarray, sfreq: float, processing: Processing, ratio: tuple[int, int]) -> np.ndarray:
    """Filter, resample, re-reference and convert, one after the other."""
    if processing.low_cut is not None or processing.high_cut is not None:
        kernel = mne.filter.create_filter(
            None, sfreq, processing.low_cut, processing.high_cut, verbose="error"
        )
        reach = len(kernel) // 2
        padded = np.pad(volts, ((0, 0), (reach, reach)), mode="reflect")
        volts = oaconvolve(padded, kernel[None], mode="valid", axes=1)
    if ratio != (1, 1):
        volts = resample_poly(volts, *ratio, axis=-1, padtype="reflect")
    if processing.reference is not None:
        rows = [0, 1, 2] if processing.reference == ("average",) else [1]
        volts = volts - volts[rows].mean(axis=0)
    return (volts * 1e6).astype(processing.dtype)


CASES = [
    (100.0, Processing(), (1, 1)),
    (100.0, Processing(low_cut=1.0, high_cut=30.0, reference=("average",)), (1, 1)),
    (250.0, Processing(high_cut=40.0, reference=("B",)), (2, 5)),
    (512.0, Processing(dtype="float16"), (25, 128)),
    (128.0, Processing(sfreq=250.0, low_cut=0.5), (125, 64)),
]


@pytest.mark.parametrize(("sfreq", "processing", "ratio"), CASES)
def test_a_whole_signal_is_conditioned_exactly_as_step_by_step(sfreq, processing, ratio):
    found = Conditioning(sfreq, CH_NAMES, processing).whole(VOLTS)
    expected = plain(VOLTS, sfreq, processing, ratio)
    assert found.dtype == expected.dtype
    assert np.array_equal(found, expected)


@pytest.mark.parametrize(("sfreq", "processing", "ratio"), CASES)
def test_blocks_are_parts_of_the_whole(sfreq, processing, ratio):
    conditioning = Conditioning(sfreq, CH_NAMES, processing)
    whole = conditioning.whole(VOLTS)
    n_times = VOLTS.shape[1]
    assert whole.shape[1] == conditioning.n_samples(n_times) == -(-n_times * ratio[0] // ratio[1])

    def read(first, last):
        assert 0 <= first < last <= n_times
        return VOLTS[:, first:last]

    size = 170
    blocks = [
        conditioning.block(read, n_times, first, min(first + size, whole.shape[1]))
        for first in range(0, whole.shape[1], size)
    ]
    precision = 1e-3 if processing.dtype == "float16" else 1e-6
    assert np.concatenate(blocks, axis=1) == pytest.approx(whole, rel=precision, abs=1e-3)


def test_what_float16_cannot_hold_is_infinite():
    signal = np.full((1, 10), 0.1)  # 100,000 microvolts
    assert np.isinf(Conditioning(100.0, ("A",), Processing(dtype="float16")).whole(signal)).all()


def test_a_reference_that_is_missing_is_named():
    with pytest.raises(SparseEEGError, match=r"there is no reference channel 'Fcz'\. Did you mean 'FCz'"):
        reference_rows(("FCz", "E1"), ("Fcz",))


CUTS = (501, 502, 777, 1500)


@pytest.mark.parametrize(("sfreq", "processing", "ratio"), CASES)
def test_each_side_of_a_cut_is_conditioned_on_its_own(sfreq, processing, ratio):
    conditioning = Conditioning(sfreq, CH_NAMES, processing)
    found = conditioning.whole(VOLTS, CUTS)
    up, down = ratio
    bounds = (0, *CUTS, VOLTS.shape[1])
    for begin, end in pairwise(bounds):
        # mirrored back beyond the filter, to a sample that both rates have in common
        ahead = begin % down + -(-1000 // down) * down
        piece = np.pad(VOLTS[:, begin:end], ((0, 0), (ahead, 0)), mode="reflect")
        first, last = -(-begin * up // down), -(-end * up // down)
        skipped = first - (begin - ahead) // down * up
        expected = conditioning.whole(piece)[:, skipped : skipped + last - first]
        precision = 1e-3 if processing.dtype == "float16" else 1e-6
        assert found[:, first:last] == pytest.approx(expected, rel=precision, abs=1e-3)


@pytest.mark.parametrize(("sfreq", "processing", "ratio"), CASES)
def test_blocks_are_parts_of_the_whole_with_cuts(sfreq, processing, ratio):
    conditioning = Conditioning(sfreq, CH_NAMES, processing)
    whole, n_times = conditioning.whole(VOLTS, CUTS), VOLTS.shape[1]
    blocks = [
        conditioning.block(lambda a, b: VOLTS[:, a:b], n_times, first, min(first + 170, whole.shape[1]), CUTS)
        for first in range(0, whole.shape[1], 170)
    ]
    precision = 1e-3 if processing.dtype == "float16" else 1e-6
    assert np.concatenate(blocks, axis=1) == pytest.approx(whole, rel=precision, abs=1e-3)


def test_a_step_at_a_cut_does_not_spread():
    step = np.where(np.arange(1000) < 503, 0.0, 1e-3)[None]
    conditioning = Conditioning(250.0, ("A",), Processing(low_cut=1.0, high_cut=40.0))
    assert np.abs(conditioning.whole(step)).max() > 100
    assert np.abs(conditioning.whole(step, (503,))).max() < 1e-6


def test_a_high_pass_above_the_low_pass_is_refused_and_no_band_stop() -> None:
    with pytest.raises(SparseEEGError, match="edge of 50 Hz must be below the low-pass edge of 3 Hz"):
        filter_kernel(200.0, 50.0, 3.0)
    with pytest.raises(SparseEEGError, match="must be below"):
        filter_kernel(200.0, 3.0, 3.0)
    assert filter_kernel(200.0, 3.0, 50.0) is not None
