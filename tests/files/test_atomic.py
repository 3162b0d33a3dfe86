"""Files are there whole or not at all, whoever writes beside; damaged ones are refused in one line."""

import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from sparseeg.errors import SparseEEGError
from sparseeg.files.atomic import read_json, unfinished_target, whole_file, write_json, write_whole


def test_any_number_of_writers_write_whole_files(tmp_path: Path) -> None:
    path, errors = tmp_path / "table.tsv", []

    def write(text: str) -> None:
        try:
            for _ in range(30):
                write_whole(path, text)
        except OSError as error:
            errors.append(error)

    contents = [letter * 100_000 for letter in "abcd"]
    threads = [threading.Thread(target=write, args=(text,)) for text in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert path.read_text() in contents
    assert list(tmp_path.iterdir()) == [path]


def test_two_that_write_at_once_have_files_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "table.tsv"
    with whole_file(path) as first:
        with whole_file(path) as second:
            second.write_text("second")
        assert first != second
        assert {unfinished_target(part.name) for part in (first, second)} == {"table.tsv"}
        first.write_text("first")
        assert path.read_text() == "second"
    assert path.read_text() == "first"


def test_an_error_leaves_the_old_content_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "table.tsv"
    path.write_text("old")

    def interrupt_writing(unfinished: Path) -> None:
        unfinished.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), whole_file(path) as unfinished:
        interrupt_writing(unfinished)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_process_left_goes_when_its_file_is_written_again(tmp_path: Path) -> None:
    path, other = tmp_path / "table.tsv", tmp_path / "other.tsv"
    kill = "import os, signal, sys; from pathlib import Path; from sparseeg.files.atomic import whole_file\n"
    kill += "with whole_file(Path(sys.argv[1])) as unfinished:\n"
    kill += "    unfinished.touch(); os.kill(os.getpid(), signal.SIGKILL)"
    for killed in (path, other):
        assert subprocess.run([sys.executable, "-c", kill, str(killed)]).returncode == -signal.SIGKILL
    assert sorted(unfinished_target(left.name) for left in tmp_path.iterdir()) == ["other.tsv", "table.tsv"]
    write_whole(path, "new")
    (left,) = (left for left in tmp_path.iterdir() if left != path)
    assert unfinished_target(left.name) == "other.tsv"


@dataclass
class Point:
    x: float
    names: list[str]


def test_json_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_json(tmp_path / "point.json", {"x": 1, "names": ["a"], "later": True})
    assert read_json(tmp_path / "point.json", Point) == Point(1.0, ["a"])
    write_json(tmp_path / "points.json", [{"x": 0.5, "names": []}])
    assert read_json(tmp_path / "points.json", list[Point]) == [Point(0.5, [])]


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"[]", b"\xff\xfe\x00", b"null"),
        *(b'{"x": 1}', b'{"x": "1", "names": []}', b'{"x": 1, "names": [2]}'),
    ],
)
def test_damaged_json_is_one_line(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "point.json"
    path.write_bytes(content)
    with pytest.raises(SparseEEGError, match=r"point\.json is damaged: ") as error:
        read_json(path, Point)
    assert "\n" not in str(error.value)


def test_missing_json_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SparseEEGError, match=r"point\.json is missing"):
        read_json(tmp_path / "point.json", Point)
