"""Units of streams: known ones in volts, others said."""

import pytest

pytest.importorskip("mne_lsl", exc_type=ImportError)

from sparseeg.stream.lsl import _unit, _unknown_units


@pytest.mark.parametrize(
    ("names", "volts"),
    [
        (("V", "volt", "volts", "0"), 1.0),
        (("mV", "millivolt", "millivolts", "-3"), 1e-3),
        (("uV", "microvolt", "Microvolts", "-6"), 1e-6),
        (("\u00b5V", "\u03bcV", " uv "), 1e-6),  # the micro sign, and the Greek letter
        (("nV", "nanovolt", "nanovolts", "-9"), 1e-9),
    ],
)
def test_units_are_read_however_they_are_written(names: tuple[str, ...], volts: float) -> None:
    assert [_unit(name) for name in names] == pytest.approx([volts] * len(names), rel=1e-12)
    assert _unknown_units(names) == []


def test_an_unknown_unit_is_said_once() -> None:
    assert _unknown_units(["uV", "counts", "counts", None, "none"]) == [
        "unit 'counts' of 2 channels is unknown: taken as volts",
        "unit 'none' of 2 channels is unknown: taken as volts",
    ]
    assert _unknown_units(["\u00b2"]) == ["unit '\u00b2' of 1 channel is unknown: taken as volts"]
