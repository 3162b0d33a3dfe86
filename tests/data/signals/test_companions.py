"""The files of a recording besides the one that is opened."""

from pathlib import Path

import pytest

from sparseeg.data.signals.companions import companions


@pytest.mark.parametrize(
    ("header", "named"),
    [
        ("[Common Infos]\nDataFile=other.dat\nMarkerFile=marks.vmrk\n", {"other.dat", "marks.vmrk"}),
        ("DataFile = $b.eeg\r\nmarkerfile=$b.mrk\r\n", {"a.eeg", "a.mrk"}),
        ("DataFile=übung.eeg\n", {"übung.eeg"}),
    ],
)
def test_files_that_a_brainvision_header_names(header: str, named: set[str], tmp_path: Path) -> None:
    path = tmp_path / "a.vhdr"
    for encoding in ("utf-8", "cp1252"):
        path.write_text(header, encoding=encoding, newline="")
        assert named <= {other.name for other in companions(path)}


def test_all_fdt_files_beside_a_set_file(tmp_path: Path) -> None:
    for name in ("a.set", "b.fdt", "C.FDT", "a.fdt"):
        (tmp_path / name).touch()
    assert {other.name for other in companions(tmp_path / "a.set")} == {"a.fdt", "b.fdt", "C.FDT"}
    assert companions(tmp_path / "a.bdf") == []


def test_the_files_of_a_folder_and_the_parts_of_a_split_file(tmp_path: Path) -> None:
    folder = tmp_path / "a.mff"
    (folder / "inner").mkdir(parents=True)
    for name in ("signal1.bin", "inner/info.xml"):
        (folder / name).touch()
    assert [path.name for path in companions(folder)] == ["info.xml", "signal1.bin"]
    for name in ("x_split-01_eeg.fif", "x_split-02_eeg.fif", "y_eeg.fif", "z_raw.fif.gz", "z_raw-1.fif.gz"):
        (tmp_path / name).touch()
    assert [path.name for path in companions(tmp_path / "x_split-01_eeg.fif")] == ["x_split-02_eeg.fif"]
    assert [path.name for path in companions(tmp_path / "z_raw.fif.gz")] == ["z_raw-1.fif.gz"]
    assert companions(tmp_path / "y_eeg.fif") == []


@pytest.mark.parametrize("value", ["", "  "])
def test_a_header_without_the_name_of_a_file(value: str, tmp_path: Path) -> None:
    path = tmp_path / "a.vhdr"
    path.write_text(f"DataFile=x.eeg\nMarkerFile={value}\nDataFormat=BINARY\n")
    assert [other.name for other in companions(path)][:1] == ["x.eeg"]
    assert "DataFormat=BINARY" not in {other.name for other in companions(path)}
