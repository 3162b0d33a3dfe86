"""Files of networks: the same bytes for the same network, readable by safetensors alone."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from sparseeg import models
from sparseeg.errors import SparseEEGError

SAVE = """
import sys
from pathlib import Path
import torch
from sparseeg import models
chs_info = [{"ch_name": name, "loc": None} for name in ("Fpz", "Öz", "Cz")]
spec = models.NetworkSpec("response-time-cnn", 3, 40, options={"dropout": 0.1}, chs_info=chs_info)
torch.manual_seed(0)
network = spec.build()
for number in range(8):
    models.save(network, spec, Path(sys.argv[1]) / f"{number}.safetensors")
"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Eight files from each of two processes."""
    folders = [tmp_path_factory.mktemp("saved") for _ in range(2)]
    for folder in folders:
        subprocess.run([sys.executable, "-c", SAVE, str(folder)], check=True)
    return [path for folder in folders for path in sorted(folder.iterdir())]


def test_a_network_gives_the_same_bytes_in_every_process(saved: list[Path]) -> None:
    assert len(saved) == 16
    assert len({path.read_bytes() for path in saved}) == 1


def test_the_header_is_aligned_and_its_metadata_sorted(saved: list[Path]) -> None:
    content = saved[0].read_bytes()
    length = int.from_bytes(content[:8], "little")
    assert length % 8 == 0  # tensors begin at a multiple of eight bytes, as the format asks
    header = json.loads(content[8 : 8 + length])
    assert list(header["__metadata__"]) == ["format", "sparseeg"]
    ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
    assert len(content) == 8 + length + max(ends)


def test_safetensors_reads_what_was_saved(saved: list[Path]) -> None:
    torch.manual_seed(0)
    expected = models.files.read_spec(saved[0]).build().state_dict()
    with safe_open(saved[0], framework="pt") as file:
        assert set(file.keys()) == set(expected)
        for name, tensor in expected.items():
            assert torch.equal(file.get_tensor(name), tensor)
    assert models.files.read_spec(saved[0]).ch_names == ("Fpz", "Öz", "Cz")


def changed(content: bytes, to: Path, change) -> Path:
    """Write a safetensors file with another header; `change` gets its parts, by name."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    to.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + length :])
    return to


def described(**fields: object):
    """Return a change of the description of the network."""

    def change(header: dict) -> None:
        known = json.loads(header["__metadata__"]["sparseeg"])
        header["__metadata__"]["sparseeg"] = json.dumps({**known, **fields})

    return change


def renamed(header: dict) -> None:
    """Give a tensor another name, as a version with other layers might."""
    first = next(name for name in header if name != "__metadata__")
    header["other.weight"] = header.pop(first)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (described(causal=True), "newer version of sparseeg, with causal; update sparseeg"),
        (described(n_times="many"), "description of its network is damaged: n_times"),
        (described(options={"causal": True}), "causal"),
        (lambda header: header["__metadata__"].update(sparseeg="{"), "description of its network is damaged"),
        (
            lambda header: header["__metadata__"].update(sparseeg="[]"),
            "description of its network is damaged",
        ),
        (renamed, "written by another version of sparseeg: .*other.weight"),
    ],
)
def test_files_of_another_version_or_damaged_ones_are_one_line(
    change, words: str, saved: list[Path], tmp_path: Path
) -> None:
    path = changed(saved[0].read_bytes(), tmp_path / "a.safetensors", change)
    with pytest.raises(SparseEEGError, match=words) as refused:
        models.load(path)
    assert "a.safetensors" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_was_cut_is_one_line(saved: list[Path], tmp_path: Path) -> None:
    cut = tmp_path / "a.safetensors"
    cut.write_bytes(saved[0].read_bytes()[:-100])
    for read in (models.load, models.files.read_spec, models.files.read_weights):
        with pytest.raises(SparseEEGError, match=r"a\.safetensors: not a readable safetensors file"):
            read(cut)
