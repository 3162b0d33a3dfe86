"""Damage that MNE's readers would believe, or die on."""

import gzip
import struct
from pathlib import Path

import mne
import numpy as np
import pytest
from scipy.io import loadmat, savemat

from sparseeg.data.signals.raw import open_raw
from sparseeg.errors import SparseEEGError


@pytest.fixture
def raw() -> mne.io.BaseRaw:
    signal = np.random.default_rng(0).standard_normal((2, 500)) * 1e-5
    return mne.io.RawArray(signal, mne.create_info(["Fz", "Cz"], 100.0, "eeg"), verbose="error")


@pytest.mark.parametrize("ending", [".fif", ".fif.gz"])
def test_tags_in_circles(raw: mne.io.BaseRaw, ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"a_raw{ending}"
    raw.save(path, verbose="error")
    assert open_raw(path).n_times == 500
    packed = ending.endswith(".gz")
    content = bytearray(gzip.decompress(path.read_bytes()) if packed else path.read_bytes())
    second = 16 + struct.unpack(">4i", content[:16])[2]
    # it points to the list of all tags, which isn't there now, and then to itself as the next one
    struct.pack_into(">2i", content, second + 12, second, -1)
    path.write_bytes(gzip.compress(content) if packed else content)
    with pytest.raises(SparseEEGError, match="tags form a loop"):
        open_raw(path)


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(SparseEEGError, match="it is a folder; name the recordings in it"):
        open_raw(tmp_path)


VHDR = """Brain Vision Data Exchange Header File Version 1.0
[Common Infos]
DataFile=a.eeg
MarkerFile=a.vmrk
DataFormat=BINARY
DataOrientation=MULTIPLEXED
NumberOfChannels={said}
SamplingInterval=10000
[Binary Infos]
BinaryFormat=INT_16
[Channel Infos]
Ch1=Fz,,0.1
Ch2=Cz,,0.1
[Coordinates]
Ch1=1,45,90
Ch2=0,0,0
"""

VMRK = """Brain Vision Data Exchange Marker File, Version 1.0
[Common Infos]
DataFile=a.eeg
[Marker Infos]
"""


def test_brainvision_channels_that_nothing_describes(tmp_path: Path) -> None:
    path = tmp_path / "a.vhdr"
    path.write_text(VHDR.format(said=2))
    (tmp_path / "a.vmrk").write_text(VMRK)
    np.zeros((500, 2), dtype="<i2").tofile(tmp_path / "a.eeg")
    assert open_raw(path).get_data().shape == (2, 500)
    path.write_text(VHDR.format(said=99999999))
    with pytest.raises(SparseEEGError, match="says 99999999 channels, but describes 2"):
        open_raw(path)


def test_samples_of_an_eeglab_recording_are_those_in_its_file(raw: mne.io.BaseRaw, tmp_path: Path) -> None:
    path = tmp_path / "a.set"
    raw.set_annotations(mne.Annotations([1.0, 2.5], 0.0, ["left", "right"]))
    raw.export(path, verbose="error")
    found = open_raw(path)
    assert found.ch_names == ["Fz", "Cz"]
    assert found.get_data() == pytest.approx(raw.get_data(), abs=1e-10)
    assert found.annotations.description.tolist() == ["left", "right"]


def test_samples_beside_an_eeglab_file_wait(raw: mne.io.BaseRaw, tmp_path: Path) -> None:
    path = tmp_path / "a.set"
    raw.export(path, verbose="error")
    content = {name: value for name, value in loadmat(path).items() if not name.startswith("__")}
    (1e6 * raw.get_data()).T.astype("<f4").tofile(tmp_path / "a.fdt")
    savemat(path, content | {"data": "a.fdt"}, appendmat=False)
    found = open_raw(path)
    assert not found.preload
    assert found.get_data() == pytest.approx(raw.get_data(), abs=1e-10)
    (tmp_path / "a.fdt").unlink()
    with pytest.raises(ValueError, match="FileNotFoundError"):
        open_raw(path)
