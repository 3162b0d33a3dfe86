"""A trained network as one safetensors file that says how to build it."""

import json
from dataclasses import asdict
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor, nn

from sparseeg.errors import SparseEEGError
from sparseeg.files.atomic import write_whole

from .spec import NetworkSpec


def save(model: nn.Module, spec: NetworkSpec, path: Path) -> None:
    """Write weights and buffers, with `spec` as metadata, whole or not at all."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    write_whole(path, to_bytes(tensors, metadata={"format": "pt", "sparseeg": json.dumps(asdict(spec))}))


def read_spec(path: Path) -> NetworkSpec:
    """Return how the network in a file was built, without reading its weights."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise SparseEEGError(f"{path}: not a readable safetensors file ({error})") from error
    if "sparseeg" not in metadata:
        raise SparseEEGError(f"{path}: a safetensors file, but not written by sparseeg")
    return NetworkSpec(**json.loads(metadata["sparseeg"]))


def load(path: Path) -> nn.Module:
    """Return the trained network in a file, in evaluation mode, on the CPU."""
    model = read_spec(path).build()
    model.load_state_dict(read_weights(path))
    return model.eval()


def read_weights(path: Path) -> dict[str, Tensor]:
    """Return weights and buffers in a file by name, on the CPU."""
    with safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
