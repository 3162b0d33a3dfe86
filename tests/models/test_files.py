"""Files of networks: the same bytes for the same network, readable by safetensors alone."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from sparseeg import models

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
