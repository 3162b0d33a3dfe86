"""A trained network as one safetensors file that says how to build it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor

from sparseeg.errors import SparseEEGError, one_line
from sparseeg.files.atomic import write_whole
from sparseeg.files.yaml import describe

from .network import Module
from .registry import BuiltNetwork
from .spec import NetworkSpec

TRAINED_BY = "sparseeg_trained_by"


def save(model: Module, spec: NetworkSpec, path: Path, trained_by: str | None = None) -> None:
    """Write weights and buffers, with `spec` as metadata, whole or not at all.

    The same weights and the same `spec` give the same bytes.

    trained_by : says who trained the network, as `read_trained_by` returns it; None keeps nothing.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    metadata = {"format": "pt", "sparseeg": json.dumps(asdict(spec))}
    content = to_bytes(tensors, metadata=metadata | ({} if trained_by is None else {TRAINED_BY: trained_by}))
    write_whole(path, _with_sorted_metadata(content))


def _with_sorted_metadata(content: bytes) -> bytes:
    """Return a safetensors file with its metadata sorted by key, which safetensors itself does not sort."""
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # tensors begin at a multiple of eight bytes
    return len(text).to_bytes(8, "little") + text + content[8 + size :]


def read_trained_by(path: Path) -> str | None:
    """Return what a file says of who trained its network, a hash; None in files of version 0.1.0."""
    with _opened(path) as file:
        return (file.metadata() or {}).get(TRAINED_BY)


def read_spec(path: Path) -> NetworkSpec:
    """Return how the network in a file is built, without reading its weights."""
    with _opened(path) as file:
        metadata = file.metadata() or {}
    if "sparseeg" not in metadata:
        raise SparseEEGError(f"{path}: a safetensors file, but not written by sparseeg")
    try:
        content = TypeAdapter(dict[str, Any]).validate_json(metadata["sparseeg"])
        unknown = content.keys() - {field.name for field in fields(NetworkSpec)}
        if unknown:
            raise SparseEEGError(
                f"{path}: written by a newer version of sparseeg, with {', '.join(sorted(unknown))}; update "
                "sparseeg"
            )
        return TypeAdapter(NetworkSpec).validate_python(content)
    except ValidationError as error:
        raise SparseEEGError(
            f"{path}: the description of its network is damaged: {describe(error)}"
        ) from error


def load(path: Path) -> BuiltNetwork:
    """Return the trained network in a file, in evaluation mode, on the CPU.

    Raises
    ------
    SparseEEGError : the file is damaged, or of a version that builds the network in another way.
    """
    spec, weights = read_spec(path), read_weights(path)
    try:
        model = spec.build()
        model.load_state_dict(weights)
    except SparseEEGError as error:
        raise SparseEEGError(f"{path}: {error}") from error
    except (RuntimeError, TypeError, ValueError) as error:  # layers say in different ways what doesn't fit
        raise SparseEEGError(
            f"{path}: damaged, or written by another version of sparseeg: {one_line(error)}"
        ) from error
    return model.eval()


def read_weights(path: Path) -> dict[str, Tensor]:
    """Return weights and buffers in a file by name, on the CPU; SparseEEGError where it is damaged."""
    with _opened(path) as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open a safetensors file; SparseEEGError where it can't be read."""
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except (OSError, SafetensorError) as error:
        raise SparseEEGError(f"{path}: not a readable safetensors file ({error})") from error
