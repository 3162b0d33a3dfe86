"""BrainVision recordings that were renamed, or copied in part."""

from pathlib import Path

import numpy as np
import pytest
from mne.utils import check_version

from sparseeg.data.signals.raw import open_raw
from sparseeg.errors import SparseEEGError

DATA = np.random.default_rng(0).integers(-1000, 1000, (2, 500))


def write(
    folder: Path,
    stem: str = "a",
    named: str = "a",
    ending: str = ".vhdr",
    units: str = "1,µV",
    encoding: str = "utf-8",
) -> Path:
    """Write a trio of files with a mark at sample 100; the header names others, `named`."""
    header = (
        "Brain Vision Data Exchange Header File Version 1.0\n[Common Infos]\nCodepage=UTF-8\n"
        f"DataFile={named}.eeg\nMarkerFile={named}.vmrk\n"
        "DataFormat=BINARY\nDataOrientation=MULTIPLEXED\nNumberOfChannels=2\nSamplingInterval=10000\n"
        f"[Binary Infos]\nBinaryFormat=INT_16\n[Channel Infos]\nCh1=Fz,,{units}\nCh2=Cz,,{units}\n"
        "[Coordinates]\nCh1=1,90,45\nCh2=1,0,0\n"
    )
    markers = "Brain Vision Data Exchange Marker File, Version 1.0\n[Common Infos]\n[Marker Infos]\n"
    path = folder / f"{stem}{ending}"
    path.write_text(header, encoding=encoding)
    path.with_suffix(".vmrk").write_text(markers + "Mk1=Stimulus,S  1,101,1,0\n")
    DATA.T.astype("<i2").tofile(path.with_suffix(".eeg"))
    return path


def check(path: Path, notes: list[str]) -> None:
    raw = open_raw(path, notes)
    assert raw.get_data() == pytest.approx(1e-6 * DATA)
    assert raw.annotations.description.tolist() == ["Stimulus/S  1"]
    assert raw.annotations.onset == pytest.approx([1.0])


@pytest.mark.parametrize("ending", [".vhdr", ".VHDR"])
@pytest.mark.parametrize("stem", ["a", "müller", "a b"])
def test_a_header_with_names_that_are_there(stem: str, ending: str, tmp_path: Path) -> None:
    notes: list[str] = []
    check(write(tmp_path, stem, stem, ending), notes)
    check(write(tmp_path, stem, "$b", ending), notes)
    assert notes == []


@pytest.mark.parametrize("named", ["old", "A", r"C:\data\old"])
def test_renamed_together(named: str, tmp_path: Path) -> None:
    notes: list[str] = []
    check(write(tmp_path, "new", named), notes)
    assert notes == [
        f"its header names {named}.eeg as DataFile, which is missing; new.eeg is read instead",
        f"its header names {named}.vmrk as MarkerFile, which is missing; new.vmrk is read instead",
    ]


def test_a_missing_file_and_a_similar_one(tmp_path: Path) -> None:
    path = write(tmp_path, "s01_rest", "s01_rest")
    (tmp_path / "s01_rest.eeg").rename(tmp_path / "s01-rest.eeg")
    (tmp_path / "x.eeg").touch()
    with pytest.raises(SparseEEGError) as caught:
        open_raw(path)
    assert str(caught.value) == (
        "its header names s01_rest.eeg as DataFile, which is missing; s01-rest.eeg is there: name the three "
        "files alike, or correct the line DataFile= of the header"
    )


def test_a_missing_file_and_none_like_it(tmp_path: Path) -> None:
    path = write(tmp_path)
    path.with_suffix(".vmrk").unlink()
    with pytest.raises(SparseEEGError, match=r"a\.vmrk as MarkerFile, .*; no \.vmrk or \.amrk file is there"):
        open_raw(path)


@pytest.mark.skipif(not check_version("mne", "1.12"), reason="needs MNE 1.12")
def test_a_header_without_markers(tmp_path: Path) -> None:
    path = write(tmp_path)
    for line in ("MarkerFile=\n", ""):
        path.write_text(path.read_text().replace("MarkerFile=a.vmrk\n", line))
        path.with_suffix(".vmrk").unlink(missing_ok=True)
        assert open_raw(path).get_data() == pytest.approx(1e-6 * DATA)


MICRO = ("1,µV", "1,μV", "1,uV", "1, µV ", "1,μV,", "1,", "1", ",")


@pytest.mark.parametrize("tsv", [False, True])
@pytest.mark.parametrize(
    ("units", "scale"),
    [
        *((units, 1e-6) for units in MICRO),
        ("0.5,mV", 5e-4),
        ("0.5, mV ,x", 5e-4),
        ("2,nV", 2e-9),
        ("3,V", 3.0),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_units_of_volts_are_read_as_they_are_spelled(
    units: str, scale: float, encoding: str, tsv: bool, tmp_path: Path
) -> None:
    if encoding == "latin-1" and "μ" in units:
        return  # which has no Greek letters
    path = write(tmp_path, "sub-A_eeg", "sub-A_eeg", units=units, encoding=encoding)
    notes: list[str] = []
    raw = open_raw(path, notes, {"Fz": "EEG", "Cz": "EEG"} if tsv else None)
    assert raw.get_channel_types() == ["eeg", "eeg"]
    assert raw.get_data() == pytest.approx(scale * DATA)
    assert notes == []


@pytest.mark.parametrize("unit", ["UV", "uv", "pV", "microvolt", "MV", "n/a", "a.u."])
def test_other_units_of_eeg_channels_are_refused(unit: str, tmp_path: Path) -> None:
    path = write(tmp_path, units=f"1,{unit}")
    for types in (None, {"Fz": "EEG", "Cz": "EEG"}):
        with pytest.raises(SparseEEGError) as caught:
            open_raw(path, [], types)
        assert str(caught.value) == (
            f"2 channels: Cz, Fz have the unit '{unit}', which is not read; write it as uV, mV or V in the "
            "header"
        )
    assert open_raw(path, [], {"Fz": "MISC", "Cz": "MISC"}).ch_names == ["Fz", "Cz"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("UseBigEndianOrder=YES\n", "its samples are big-endian (UseBigEndianOrder=YES), which is not read"),
        (
            "usebigendianorder = yes \n",
            "its samples are big-endian (UseBigEndianOrder=YES), which is not read",
        ),
        ("UseBigEndianOrder=NO\n", None),
    ],
)
def test_samples_of_another_byte_order_are_refused(line: str, said: str | None, tmp_path: Path) -> None:
    path = write(tmp_path)
    path.write_text(path.read_text().replace("[Channel Infos]", f"{line}[Channel Infos]"))
    if said is None:
        assert open_raw(path).get_data() == pytest.approx(1e-6 * DATA)
        return
    DATA.T.astype(">i2").tofile(path.with_suffix(".eeg"))
    with pytest.raises(SparseEEGError) as caught:
        open_raw(path)
    assert str(caught.value) == (
        f"{said}; export it as little-endian, or write NO there if its samples are already little-endian"
    )


@pytest.mark.parametrize("kind", ["FREQUENCYDOMAIN", "TIMEFREQUENCYDOMAIN"])
def test_what_is_not_a_signal_in_time_is_refused(kind: str, tmp_path: Path) -> None:
    path = write(tmp_path)
    path.write_text(path.read_text().replace("DataFormat", "DataType=TIMEDOMAIN\nDataFormat"))
    assert open_raw(path).get_data() == pytest.approx(1e-6 * DATA)
    path.write_text(path.read_text().replace("TIMEDOMAIN", kind))
    with pytest.raises(SparseEEGError, match=f"holds data of the type {kind}, not a signal in time"):
        open_raw(path)


@pytest.mark.parametrize("unit", ["µV", "mV", ""])
def test_a_resolution_with_a_decimal_comma_is_refused_as_what_it_is(unit: str, tmp_path: Path) -> None:
    path = write(tmp_path, units=f"0,1,{unit}")
    said = "2 channels: Cz, Fz have the resolution '0,1', with a decimal comma; write 0.1 in the header"
    for types in (None, {"Fz": "MISC", "Cz": "MISC"}):  # with a resolution of 0, no channel can be read
        with pytest.raises(SparseEEGError) as caught:
            open_raw(path, [], types)
        assert str(caught.value) == said
    path = write(tmp_path, units=f"2,50,{unit}")
    with pytest.raises(SparseEEGError, match=r"resolution '2,50', with a decimal comma; write 2\.50 in"):
        open_raw(path)
    assert open_raw(path, [], {"Fz": "MISC", "Cz": "MISC"}).ch_names == ["Fz", "Cz"]


def test_channels_that_measure_something_else_stay_others(tmp_path: Path) -> None:
    path = write(tmp_path)
    path.write_text(path.read_text().replace("Ch2=Cz,,1,µV", "Ch2=Aux1x,,1,°C"))
    assert open_raw(path).get_channel_types() == ["eeg", "misc"]
    with pytest.raises(SparseEEGError, match="Aux1x has the unit '°C', which is not read"):
        open_raw(path, [], {"Aux1x": "EEG"})


@pytest.mark.parametrize("part", [".eeg", ".vmrk"])
def test_parts_of_a_recording_name_its_header(tmp_path, part):
    for suffix in (".vhdr", ".vmrk", ".eeg"):
        (tmp_path / f"sub-01_eeg{suffix}").write_bytes(b"x")
    with pytest.raises(SparseEEGError, match=r"part of a recording; name its header, sub-01_eeg\.vhdr"):
        open_raw(tmp_path / f"sub-01_eeg{part}")
