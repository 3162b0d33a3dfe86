"""A trained network as one safetensors file that says how to build it."""

import json
from dataclasses import asdict
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor

from sparseeg.errors import SparseEEGError
from sparseeg.files.atomic import write_whole

from .network import Module
from .registry import BuiltNetwork
from .spec import NetworkSpec


def save(model: Module, spec: NetworkSpec, path: Path) -> None:
    """Write weights and buffers, with `spec` as metadata, whole or not at all.

    The same weights and the same `spec` give the same bytes.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    content = to_bytes(tensors, metadata={"format": "pt", "sparseeg": json.dumps(asdict(spec))})
    write_whole(path, _with_sorted_metadata(content))


def _with_sorted_metadata(content: bytes) -> bytes:
    """Return a safetensors file with its metadata sorted by key, which safetensors itself does not sort."""
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # tensors begin at a multiple of eight bytes
    return len(text).to_bytes(8, "little") + text + content[8 + size :]


def read_spec(path: Path) -> NetworkSpec:
    """Return how the network in a file is built, without reading its weights."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise SparseEEGError(f"{path}: not a readable safetensors file ({error})") from error
    if "sparseeg" not in metadata:
        raise SparseEEGError(f"{path}: a safetensors file, but not written by sparseeg")
    return NetworkSpec(**json.loads(metadata["sparseeg"]))


def load(path: Path) -> BuiltNetwork:
    """Return the trained network in a file, in evaluation mode, on the CPU."""
    model = read_spec(path).build()
    model.load_state_dict(read_weights(path))
    return model.eval()


def read_weights(path: Path) -> dict[str, Tensor]:
    """Return weights and buffers in a file by name, on the CPU."""
    with safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
