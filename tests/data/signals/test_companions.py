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
