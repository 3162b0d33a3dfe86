"""Zips of strangers: refused in one line, and nothing is written outside the folder."""

import io
import shutil
import stat
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sparseeg.errors import SparseEEGError
from sparseeg.submission.archive import unpack


def zipped(*entries: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return buffer.getvalue()


def link(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


CODE = ("submission.py", b"class Submission: pass\n")


def refused(content: bytes, tmp_path: Path, max_bytes: int = 10**6) -> str:
    path, folder = tmp_path / "a.zip", tmp_path / "inside" / "unpacked"
    path.write_bytes(content)
    folder.mkdir(parents=True, exist_ok=True)
    with pytest.raises(SparseEEGError) as error:
        unpack(path, folder, max_bytes)
    outside = [file for file in tmp_path.rglob("*") if file.is_file() and folder not in file.parents]
    assert outside == [path]
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([CODE, ("../evil.py", b"")], "leads out"),
        ([CODE, ("..\\evil.py", b"")], "leads out"),
        ([CODE, ("/etc/evil", b"")], "absolute"),
        ([CODE, ("C:\\evil", b"")], "absolute"),
        ([CODE, (link("weights.pt"), b"/etc/passwd")], "is a link"),
        ([("submission/submission.py", b"")], "is in a folder; zip the files"),
        ([("submission/", b"")], "has no submission.py"),
        ([("__MACOSX/submission.py", b"")], "has no submission.py"),
        ([CODE, ("a\\b.py", b"")], "has a backslash"),
        ([CODE, ("a/./b.py", b"")], "not a valid file name"),
        ([CODE, ("a//b.py", b"")], "not a valid file name"),
        ([CODE, ("a/../../b.py", b"")], "leads out"),
        ([CODE, (link("a/b"), b"/etc")], "is a link"),
        ([("other.py", b"")], "has no submission.py"),
        ([], "has no submission.py"),
        ([CODE, ("SUBMISSION.PY", b"")], "twice"),
        ([CODE, ("a\x01b", b"")], "not a valid file name"),
        ([CODE, ("zeros", bytes(2 * 10**6))], "at most"),
    ],
)
def test_what_must_not_be_there(entries: list, words: str, tmp_path: Path) -> None:
    assert words in refused(zipped(*entries), tmp_path)


def test_a_zip_that_lies_about_its_size(tmp_path: Path) -> None:
    content = bytearray(zipped(CODE, ("zeros", bytes(3 * 10**6))))
    size = (3 * 10**6).to_bytes(4, "little")
    while size in content:  # in both headers
        at = content.index(size)
        content[at : at + 4] = (1000).to_bytes(4, "little")
    message = refused(bytes(content), tmp_path)
    assert "at most" in message or "not a zip that can be read" in message


def test_no_zip_no_file_a_folder(tmp_path: Path) -> None:
    assert "not a zip" in refused(b"PK\x03\x04 and then nothing", tmp_path)
    assert "not a zip" in refused(b"", tmp_path)
    for path, words in ((tmp_path / "missing.zip", "does not exist"), (tmp_path, "a folder")):
        with pytest.raises(SparseEEGError, match=words):
            unpack(path, tmp_path)


def test_a_good_zip_is_unpacked(tmp_path: Path) -> None:
    path, folder = tmp_path / "a.zip", tmp_path / "unpacked"
    path.write_bytes(zipped(CODE, ("weights_challenge_1.pt", b"123")))
    folder.mkdir()
    assert unpack(path, folder) == []
    assert sorted(file.name for file in folder.iterdir()) == ["submission.py", "weights_challenge_1.pt"]
    assert (folder / "weights_challenge_1.pt").read_bytes() == b"123"


def test_folders_are_unpacked_with_a_note_and_those_of_macos_are_not(tmp_path: Path) -> None:
    path, folder = tmp_path / "a.zip", tmp_path / "unpacked"
    entries = [CODE, ("layers/", b""), ("layers/__init__.py", b"x = 1"), ("layers/deep/a.py", b"y = 2")]
    path.write_bytes(zipped(*entries, ("__MACOSX/", b""), ("__MACOSX/._submission.py", b"\0\5\26\7")))
    folder.mkdir()
    (note,) = unpack(path, folder)
    assert note.startswith("the folder layers beside submission.py was unpacked")
    found = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
    assert found == ["layers/__init__.py", "layers/deep/a.py", "submission.py"]


GOOD = zipped(CODE, ("weights_challenge_1.pt", bytes(range(256)) * 8), ("stored", b"x" * 99))


@settings(max_examples=700, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(flips=st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(1, 255)), min_size=1, max_size=8))
def test_flipped_bits_end_in_one_line_or_in_the_folder(flips: list[tuple[int, int]], tmp_path: Path) -> None:
    content = bytearray(GOOD)
    for at, bits in flips:
        content[at] ^= bits
    harmless(bytes(content), tmp_path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(st.text(min_size=1, max_size=20), max_size=6),
    cut=st.integers(0, 200),
    modes=st.lists(st.integers(0, 2**16 - 1), min_size=6, max_size=6),
)
def test_made_up_names_end_in_one_line_or_in_the_folder(
    names: list[str], cut: int, modes: list[int], tmp_path: Path
) -> None:
    entries: list[tuple[zipfile.ZipInfo, bytes]] = [(zipfile.ZipInfo("submission.py"), b"")]
    for name, mode in zip(names, modes, strict=False):
        entry = zipfile.ZipInfo("x")
        entry.filename = name.encode("utf-8", "replace").decode()
        entry.external_attr = mode << 16
        entries.append((entry, b"content"))
    try:
        content = zipped(*entries)
    except (ValueError, UnicodeError):
        return
    harmless(content[: len(content) - cut] if cut < 20 else content, tmp_path)


def harmless(content: bytes, tmp_path: Path) -> None:
    """Unpack, or be told in one line why not; nothing may lie outside the folder."""
    path, folder = tmp_path / "a.zip", tmp_path / "inside" / "unpacked"
    path.write_bytes(content)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    message = ""
    try:
        unpack(path, folder)
    except SparseEEGError as error:
        message = str(error)
    assert "\n" not in message
    assert {file for file in tmp_path.rglob("*") if file.is_file() and folder not in file.parents} == {path}
    assert not any(file.is_symlink() for file in tmp_path.rglob("*"))
