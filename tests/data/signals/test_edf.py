"""EDF and BDF files of several sampling rates, and with gaps between their records."""

from pathlib import Path

import edfio
import mne
import numpy as np
import pytest

from sparseeg.data.bids.layout import BidsFile
from sparseeg.data.problems import Problem
from sparseeg.data.provenance import Processing
from sparseeg.data.signals import continuous
from sparseeg.data.signals.breaks import Breaks
from sparseeg.data.signals.continuous import Continuous, open_recording
from sparseeg.data.signals.edf import read_header
from sparseeg.data.signals.labels import label_type
from sparseeg.data.signals.raw import open_raw
from sparseeg.errors import SparseEEGError

SECONDS = 24
EEG = ("Fz", "Cz", "Pz")


def write_edf(path: Path, signals: list[tuple[str, float, np.ndarray]], record: float = 1.0) -> None:
    """Write channels (label, Hz, microvolts), each at its own rate."""
    kind, Signal = (edfio.Bdf, edfio.BdfSignal) if path.suffix == ".bdf" else (edfio.Edf, edfio.EdfSignal)
    kind(
        [
            Signal(data, sfreq, label=label, physical_dimension="uV", physical_range=(-500.0, 500.0))
            for label, sfreq, data in signals
        ],
        data_record_duration=record,
    ).write(path)


def noise(sfreq: float, seed: int) -> np.ndarray:
    return 20.0 * np.random.default_rng(seed).standard_normal(round(SECONDS * sfreq))


def of_two_rates(path: Path, record: float = 1.0) -> np.ndarray:
    """Write three EEG channels at 250 Hz beside four others at 1000 and at 1 Hz, and return the EEG."""
    eeg = np.stack([noise(250.0, number) for number in range(3)])
    signals = [(name, 250.0, row) for name, row in zip(EEG, eeg, strict=True)]
    signals.insert(1, ("EMG chin", 1000.0, noise(1000.0, 7)))
    signals += [(name, 1 / record, noise(1 / record, 9)) for name in ("Resp nasal", "SaO2", "Temp rectal")]
    write_edf(path, signals, record)
    return eeg


def source(path: Path, problems: list[Problem], **processing: float) -> Continuous:
    file = BidsFile(path, path.parent)
    return Continuous(
        open_recording(file, problems), file, Processing(**processing), None, Breaks(), problems
    )


@pytest.mark.parametrize("ending", [".edf", ".bdf"])
@pytest.mark.parametrize("record", [1.0, 2.0])
@pytest.mark.parametrize("step", [1, 37, 250, 999, 6000])
def test_channels_of_one_rate_are_right_in_any_block(
    ending: str, record: float, step: int, tmp_path: Path
) -> None:
    path = tmp_path / f"sub-A_eeg{ending}"
    eeg = of_two_rates(path, record)
    problems: list[Problem] = []
    found = source(path, problems, sfreq=250.0)
    assert sorted(found.ch_names) == sorted(EEG)
    first, last = 333, min(333 + 40 * step, found.n_samples)
    blocks = [found.microvolts(at, min(at + step, last)) for at in range(first, last, step)]
    order = [found.ch_names.index(name) for name in EEG]
    # half a step of 16 bits over 1000 uV
    assert np.concatenate(blocks)[:, order] == pytest.approx(eeg[:, first:last].T, abs=0.008)
    (problem,) = problems
    assert "read at 250 Hz, without 4 channels: EMG chin, Resp nasal, SaO2, Temp rectal" in problem.reason
    assert problem.lost == "nothing"


def test_channels_of_one_rate_resampled_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "sub-A_eeg.edf"
    of_two_rates(path)
    whole = mne.io.read_raw_edf(path, include=list(EEG), preload=True, verbose="error")
    alone = tmp_path / "sub-B_eeg.edf"
    write_edf(alone, [(name, 250.0, 1e6 * whole.get_data(name)[0]) for name in whole.ch_names])
    expected = source(alone, []).microvolts(0, 2400)
    monkeypatch.setattr(continuous, "_BLOCK", 1000)
    found = source(path, [])
    step = found.block
    blocks = [found.microvolts(at, min(at + step, 2400)) for at in range(0, 2400, step)]
    assert np.concatenate(blocks) == pytest.approx(expected, abs=0.02)


def test_the_rate_of_most_eeg_channels_and_not_of_most_channels(tmp_path: Path) -> None:
    path = tmp_path / "a.edf"
    others = ["Resp oro-nasal", "EMG submental", "Temp rectal", "Event marker"]
    names = ["EEG Fpz-Cz", "EEG Pz-Oz", "EOG horizontal"]
    write_edf(path, [(n, 100.0, noise(100.0, 1)) for n in names] + [(n, 1.0, noise(1.0, 2)) for n in others])
    notes: list[str] = []
    raw = open_raw(path, notes)
    assert (raw.ch_names, raw.info["sfreq"]) == (names, 100.0)
    assert "4 channels" in notes[0]
    assert "(1 Hz)" in notes[0]


def test_the_status_channel_stays_whatever_its_rate(tmp_path: Path) -> None:
    path = tmp_path / "a.bdf"
    status = np.repeat([0.0, 5.0, 0.0], 8)
    write_edf(
        path,
        [
            *((n, 250.0, noise(250.0, 1)) for n in EEG),
            ("EMG", 500.0, noise(500.0, 2)),
            ("Status", 1.0, status),
        ],
    )
    raw = open_raw(path)
    assert sorted(raw.ch_names) == ["Cz", "Fz", "Pz", "Status"]
    changes = np.flatnonzero(np.diff(raw.get_data("Status")[0])) + 1
    assert changes.tolist() == [8 * 250, 16 * 250]


def test_one_name_at_two_rates_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.edf"
    write_edf(path, [("Cz", 250.0, noise(250.0, 1)), ("Cz", 500.0, noise(500.0, 1))])
    with pytest.raises(SparseEEGError, match="channels of the same name at two sampling rates: Cz"):
        open_raw(path)


def write_discontinuous(
    path: Path, gaps: dict[int, float], record: float = 1.0, kind: bytes = b"D", decimals: int = 6
) -> None:
    """Write an EDF+D or BDF+D file whose time jumps by `gaps[record]` seconds before a record."""
    signals = [(name, 250.0, noise(250.0, number)) for number, name in enumerate(EEG)]
    File, Signal = (edfio.Bdf, edfio.BdfSignal) if path.suffix == ".bdf" else (edfio.Edf, edfio.EdfSignal)
    File(
        [Signal(data, sfreq, label=label, physical_range=(-500.0, 500.0)) for label, sfreq, data in signals],
        data_record_duration=record,
        annotations=[edfio.EdfAnnotation(3.0, None, "go"), edfio.EdfAnnotation(20.0, None, "go")],
    ).write(path)
    content = bytearray(path.read_bytes())
    content[192:197] = content[192:196] + kind
    marker = 3 if path.suffix == ".bdf" else 2
    length = int(content[184:192])
    channels = int(content[252:256])
    samples = [int(content[256 + 216 * channels + 8 * i :][:8]) for i in range(channels)]
    before = marker * sum(samples[:-1])
    if content[256 : 256 + 16].strip().endswith(b"Annotations"):
        before = 0
    shift = 0.0
    for number in range(round(SECONDS / record)):
        shift += gaps.get(number, 0.0)
        at = length + number * marker * sum(samples) + before
        end = content.index(b"\x14\x14", at)
        onset = float(content[at:end]) + shift
        new = f"+{round(onset, decimals):g}".encode()
        rest = bytes(content[end : at + marker * (samples[0] if before == 0 else samples[-1])])
        space = end - at + len(rest)
        content[at : at + space] = (new + rest)[:space].ljust(space, b"\0")
    path.write_bytes(content)


@pytest.mark.parametrize("ending", [".edf", ".bdf"])
def test_gaps_between_records_are_refused(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{ending}"
    write_discontinuous(path, {})
    assert open_raw(path).annotations.onset.tolist() == [3.0, 20.0]
    write_discontinuous(path, {10: 40.0, 15: 2.5})
    with pytest.raises(SparseEEGError) as caught:
        open_raw(path)
    reason = str(caught.value)
    assert (
        "2 gaps between its records, the first after 10 s of signal, where the time goes on at 50 s" in reason
    )
    assert "export it as a continuous file" in reason


@pytest.mark.parametrize("ending", [".edf", ".bdf"])
def test_gaps_in_files_that_say_they_are_continuous_are_refused(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{ending}"
    write_discontinuous(path, {}, kind=b"C")
    assert open_raw(path).annotations.onset.tolist() == [3.0, 20.0]
    write_discontinuous(path, {10: 40.0, 15: 2.5}, kind=b"C")
    with pytest.raises(SparseEEGError) as caught:
        open_raw(path)
    assert str(caught.value).startswith(
        "it says that it is continuous, but is not: 2 gaps between its records, the first after 10 s of "
        "signal, where the time goes on at 50 s;"
    )
    write_discontinuous(path, {7: 0.1}, kind=b"C")
    with pytest.raises(SparseEEGError, match="1 gap between its records, the first after 7 s of signal"):
        open_raw(path)


def test_times_that_say_no_gap_in_a_continuous_file(tmp_path: Path) -> None:
    path = tmp_path / "a.edf"
    write_discontinuous(path, {}, record=0.024, kind=b"C", decimals=2)  # rounded
    assert open_raw(path).n_times == 250 * SECONDS
    write_discontinuous(path, {number: -1.0 for number in range(1, SECONDS)}, kind=b"C")  # all are 0
    assert open_raw(path).n_times == 250 * SECONDS
    write_discontinuous(path, {}, kind=b"C")
    content = path.read_bytes()
    path.write_bytes(content.replace(b"+7\x14\x14", b"7+\x14\x14"))
    assert open_raw(path).n_times == 250 * SECONDS
    path.write_bytes(content.replace(b"EDF Annotations ", b"other           "))
    assert open_raw(path).n_times == 250 * SECONDS


def test_gaps_of_less_than_half_a_sample_are_none(tmp_path: Path) -> None:
    path = tmp_path / "a.edf"
    write_discontinuous(path, {5: 0.001})
    assert open_raw(path).n_times == 250 * SECONDS
    write_discontinuous(path, {number: 0.001 for number in range(1, 6)})
    with pytest.raises(SparseEEGError, match="1 gap between"):
        open_raw(path)


def test_records_without_a_time_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.edf"
    write_discontinuous(path, {})
    content = path.read_bytes()
    path.write_bytes(content.replace(b"+7\x14\x14", b"7+\x14\x14"))
    with pytest.raises(SparseEEGError, match="record 8 has no time"):
        open_raw(path)
    path.write_bytes(content.replace(b"EDF Annotations ", b"other           "))
    with pytest.raises(SparseEEGError, match="has no annotations with the times of its records"):
        open_raw(path)


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        *(
            (name, "EEG")
            for name in ("Fz", "EEG Fpz-Cz", "E129", "A1", "C3-A2", "PO7", "TP8", "T8", "EEG-A1")
        ),
        *(
            ("EOG horizontal", "EOG"),
            ("VEOG", "EOG"),
            ("E1-M2", "EOG"),
            ("ECG EKG", "ECG"),
            ("EMG chin", "EMG"),
        ),
        *(
            ("SaO2", "BIO"),
            ("SpO2", "BIO"),
            ("Resp nasal", "RESP"),
            ("Airflow", "RESP"),
            ("ABDO RES", "RESP"),
        ),
        *(("Status", "TRIG"), ("STI 014", "TRIG"), ("Event marker", "TRIG"), ("Temp rectal", "TEMP")),
        *(("ACC_X", "MISC"), ("EXG1", "MISC"), ("Photodiode", "MISC"), ("GSR", "BIO"), ("Aux1", "MISC")),
        *(("EEG EKG1-REF", "ECG"), ("EEG ROC-REF", "EOG"), ("PHOTIC-REF", "MISC"), ("IO1", "EOG")),
        *(("Plet", "BIO"), ("x_dir", "MISC"), ("DC12", "MISC"), ("EEG A2-A1", "EEG"), ("E12", "EEG")),
        *(("CP1", "EEG"), ("FC1", "EEG"), ("Iz", "EEG"), ("Ch-12", "EEG"), ("EEG 001", "EEG")),
        *((name, "EOG") for name in ("HEO", "VEO", "Eye_L", "EyeX", "LEye", "blink", "EEG HEO-REF")),
        *((name, "EMG") for name in ("LLEG", "RLeg", "Leg", "L arm", "FDI", "corrugator")),
        *((name, "RESP") for name in ("Breath", "Belt", "Belt1", "CPAP")),
        *((name, "BIO") for name in ("BVP", "PR", "Sweat", "Erg1")),
        *((name, "TRIG") for name in ("DIN", "DIN1", "TTL", "SYNC", "MKR+-", "Mark1", "Digi", "Button")),
        *((name, "MISC") for name in ("BIP1", "GND", "Timestamp", "Sample Index", "SampleNumber", "Sound")),
        *((name, "MISC") for name in ("Microphone", "LPupil", "CQ_AF3", "INTERPOLATED", "MagX", "IMU")),
        *((name, "MISC") for name in ("AnalogIn", "Voltage", "Bat", "EEG.Interpolated", "Quality")),
        *((name, "TEMP") for name in ("Temp1", "temp")),
    ],
)
def test_types_of_labels(label: str, kind: str) -> None:
    assert label_type(label) == kind


def test_no_electrode_of_a_cap_is_taken_for_something_else() -> None:
    builtin = mne.channels.get_builtin_montages()
    caps = [name for name in builtin if not name.startswith("artinis")]  # these are optodes
    names = {name for cap in caps for name in mne.channels.make_standard_montage(cap).ch_names}
    assert [name for name in sorted(names) if label_type(name) != "EEG"] == []


def test_channels_tsv_says_which_rate_is_that_of_the_eeg(tmp_path: Path) -> None:
    path = tmp_path / "sub-A_eeg.edf"
    names = ["L1", "L2", "L3", "L4"]
    write_edf(path, [(name, 1000.0, noise(1000.0, 1)) for name in names] + [("Cz", 250.0, noise(250.0, 2))])
    assert open_raw(path).ch_names == names
    rows = "".join(f"{name}\tEMG\n" for name in names)
    (tmp_path / "sub-A_channels.tsv").write_text(f"name\ttype\n{rows}Cz\tEEG\n")
    assert source(path, []).ch_names == ("Cz",)


def test_a_file_under_the_ending_of_the_other_format_is_refused(tmp_path: Path) -> None:
    for ending, content, first in ((".edf", ".bdf", b"\xffBIOSEMI"), (".bdf", ".edf", b"0       ")):
        path = tmp_path / f"a{ending}"
        path.write_bytes(first.ljust(256))
        with pytest.raises(SparseEEGError, match=f"its content is that of a {content} file; rename it"):
            read_header(path)


@pytest.mark.parametrize("unit", ["uV", "mV", "V"])
def test_units_that_are_read(tmp_path: Path, unit: str) -> None:
    values = np.arange(1000) % 200 - 100.0
    scale = {"uV": 1e-6, "mV": 1e-3, "V": 1.0}[unit]
    notes: list[str] = []
    raw = open_raw(with_unit(tmp_path / "a.edf", values, unit), notes)
    np.testing.assert_allclose(raw.get_data()[0], values * scale, rtol=1e-9, atol=scale)
    assert not notes


def with_unit(path: Path, values: np.ndarray, unit: str) -> Path:
    signal = edfio.EdfSignal(
        values, 100, label="Cz", physical_dimension=unit, physical_range=(-3276.8, 3276.7)
    )
    edfio.Edf([signal]).write(path)
    return path


@pytest.mark.parametrize("unit", ["UV", "nV", "pV", "MICROVOL"])
def test_units_that_would_be_read_as_volts_are_refused(tmp_path: Path, unit: str) -> None:
    with pytest.raises(
        SparseEEGError, match=f"1 channel: Cz has the unit '{unit}', which is not read; write"
    ):
        open_raw(with_unit(tmp_path / "a.edf", np.arange(1000.0), unit), [])


def test_a_missing_unit_is_said(tmp_path: Path) -> None:
    notes: list[str] = []
    open_raw(with_unit(tmp_path / "a.edf", np.arange(1000.0), ""), notes)
    assert notes == ["no unit for 1 channel: Cz; read as volts"]
