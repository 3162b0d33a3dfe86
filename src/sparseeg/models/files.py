"""A trained network as one safetensors file that says how to build it."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor, nn

from sparseeg.atomic import write_whole
from sparseeg.errors import SparseEEGError

from .registry import build


@dataclass(frozen=True)
class NetworkSpec:
    """The arguments of `build`, so that a file of weights can be opened alone.

    `chs_info` holds {"ch_name": name, "loc": [x, y, z] in metres, or None} for each channel; None in files
    from before there were positions.
    """

    name: str
    n_chans: int
    n_times: int
    n_outputs: int = 1
    sfreq: float = 100.0
    options: dict[str, Any] = field(default_factory=dict)
    chs_info: list[dict[str, Any]] | None = None

    @property
    def ch_names(self) -> tuple[str, ...] | None:
        """Names of the channels in their order, where they are known."""
        return None if self.chs_info is None else tuple(channel["ch_name"] for channel in self.chs_info)

    def build(self) -> nn.Module:
        """Return the untrained network."""
        signal = (self.n_chans, self.n_times, self.n_outputs, self.sfreq, self.chs_info)
        return build(self.name, *signal, **self.options)


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
