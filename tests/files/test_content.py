"""Files without their content are said to be that, wherever a recording is opened."""

from pathlib import Path

import pytest

from sparseeg.data.epochs.file import Crop, read_epochs_file
from sparseeg.data.problems import Problem
from sparseeg.data.provenance import Processing
from sparseeg.data.signals.new_recording import read_new
from sparseeg.data.signals.raw import open_raw
from sparseeg.errors import SparseEEGError
from sparseeg.files.tsv import read_tsv

KEY = "annex/objects/aa/bb/MD5E-s12345--0123.bdf/MD5E-s12345--0123.bdf"
LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:0123456789abcdef\nsize 12345\n"


def link(target: str):
    return lambda path: path.symlink_to(target)


def text(content: str):
    return lambda path: path.write_text(content)


WITHOUT_CONTENT = {
    "annex link": (link(f"../../.git/{KEY}"), r"pointer of git-annex.*`datalad get a.* or `git annex get a"),
    "annex pointer": (text(f"/{KEY}\n"), "pointer of git-annex"),
    "annex link as text": (text(f"../../.git/{KEY}"), "pointer of git-annex"),
    "annex link of Windows": (text(f"..\\..\\.git\\{KEY}".replace("/", "\\")), "pointer of git-annex"),
    "git lfs": (text(LFS), r"pointer of Git LFS.*`git lfs pull --include '\*"),
    "empty": (text(""), r"is empty \(0 bytes\); copy or download it again"),
    "lost link": (link("elsewhere/b.bdf"), "is a link to a missing file, elsewhere/b.bdf"),
}
ENDINGS = (".bdf", ".edf", ".vhdr", ".set", ".fif", ".fif.gz", ".cnt", ".raw", ".gdf")
ALL = pytest.mark.parametrize(("write", "said"), WITHOUT_CONTENT.values(), ids=WITHOUT_CONTENT.keys())


@ALL
@pytest.mark.parametrize("ending", ENDINGS)
def test_opening(ending: str, write, said: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{ending}"
    write(path)
    with pytest.raises(SparseEEGError, match=said):
        open_raw(path)


@ALL
def test_predict(write, said: str, tmp_path: Path) -> None:
    write(tmp_path / "a.edf")
    with pytest.raises(SparseEEGError, match=said):
        read_new(tmp_path / "a.edf", [], Processing())


@ALL
def test_replay(write, said: str, tmp_path: Path) -> None:
    replay = pytest.importorskip("sparseeg.stream.replay").replay
    write(tmp_path / "a.edf")
    with pytest.raises(SparseEEGError, match=said), replay(tmp_path / "a.edf", "test"):
        pass


@ALL
def test_epochs(write, said: str, tmp_path: Path) -> None:
    path = tmp_path / "a_epo.fif"
    write(path)
    found = read_epochs_file(path, "rt", Crop())
    assert isinstance(found, Problem)
    with pytest.raises(SparseEEGError, match=said):
        raise SparseEEGError(found.reason)


@ALL
def test_tables(write, said: str, tmp_path: Path) -> None:
    path = tmp_path / "a_events.tsv"
    write(path)
    with pytest.raises(SparseEEGError, match="is empty" if "empty" in said else said):
        read_tsv(path)


def test_a_missing_file_is_not_said_to_be_a_pointer(tmp_path: Path) -> None:
    with pytest.raises(SparseEEGError, match="does not exist"):
        read_new(tmp_path / "a.edf", [], Processing())


def test_samples_and_markers_of_a_recording_without_content(tmp_path: Path) -> None:
    (tmp_path / "a.vhdr").write_text(
        "[Common Infos]\nDataFile=a.eeg\nMarkerFile=a.vmrk\nNumberOfChannels=0\n"
    )
    (tmp_path / "a.eeg").write_text(LFS)
    (tmp_path / "a.vmrk").write_text("x")
    with pytest.raises(SparseEEGError, match=r"a\.eeg is a pointer of Git LFS"):
        open_raw(tmp_path / "a.vhdr")
    (tmp_path / "a.eeg").write_text("x")
    (tmp_path / "a.vmrk").unlink()
    (tmp_path / "a.vmrk").symlink_to(KEY)
    with pytest.raises(SparseEEGError, match=r"a\.vmrk is a pointer of git-annex"):
        open_raw(tmp_path / "a.vhdr")
    (tmp_path / "a.set").write_text("x")
    (tmp_path / "a.fdt").symlink_to(KEY)
    with pytest.raises(SparseEEGError, match=r"a\.fdt is a pointer of git-annex"):
        open_raw(tmp_path / "a.set")
