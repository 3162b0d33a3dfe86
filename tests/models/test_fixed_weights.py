"""The specification's networks give the same predictions from version to version, to the last bit."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from sparseeg import models

STORED = Path(__file__).parents[1] / "fixtures" / "fixed_weights.json"
NAMES = (
    *("response-time-cnn", "sparse-attention-cnn", "light-sparse-attention-cnn"),
    "sparse-attention-locator",
)


def sequence(shape: tuple[int, ...], offset: int) -> torch.Tensor:
    """Values in (-1, 1) that are the same on every machine: the index, mixed as in splitmix64."""
    bits = np.arange(offset, offset + int(np.prod(shape)), dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits ^= bits >> np.uint64(31)
    values = (bits >> np.uint64(40)).astype(np.float32) / np.float32(2**23) - np.float32(1)
    return torch.from_numpy(values.reshape(shape))


def with_fixed_weights(name: str) -> nn.Module:
    network = models.build(name, 129, 200).eval()
    network.final_layer.set_target(1.6, 0.4)
    for number, (_, weight) in enumerate(sorted(network.named_parameters())):
        fan_in = weight[0].numel() if weight.ndim > 1 else 4
        weight.data = sequence(tuple(weight.shape), 7919 * number) * (6.0 / fan_in) ** 0.5
    return network


def state_of(network: nn.Module) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def processor() -> str:
    """What decides which kernels torch takes, and with them the last bits."""
    model = "unknown"
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        known = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
        model = " ".join(known.get(key, "") for key in ("vendor_id", "cpu family", "model"))
    return f"{model}, {torch.backends.cpu.get_cpu_capability()}, torch {torch.__version__}"


def measure(name: str) -> dict[str, Any]:
    network = with_fixed_weights(name)
    windows = 20.0 * sequence((4, 129, 200), 1)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the order of sums depends on the number of threads
    try:
        with torch.inference_mode():
            prediction = network(windows).numpy()
    finally:
        torch.set_num_threads(threads)
    return {
        "parameters": sum(weight.numel() for weight in network.parameters()),
        "state": state_of(network),
        "predictions": [float(value) for value in prediction[:, 0]],
        "bits": hashlib.sha256(prediction.tobytes()).hexdigest(),
    }


@pytest.mark.parametrize("name", NAMES)
def test_predictions_on_fixed_weights_are_as_stored(name: str) -> None:
    stored, now = json.loads(STORED.read_text())[name], measure(name)
    assert now["parameters"] == stored["parameters"]
    assert now["state"] == stored["state"]
    np.testing.assert_allclose(now["predictions"], stored["predictions"], rtol=1e-5)
    bits = stored["bits"].get(processor())
    if bits is not None:  # on other processors or versions of torch, the last bits may differ
        assert now["bits"] == bits


def store() -> None:
    """Write what this checkout gives; for a new processor, run it at a commit whose results are known."""
    content = json.loads(STORED.read_text()) if STORED.exists() else {}
    for name in NAMES:
        now = measure(name)
        bits = content.get(name, {}).get("bits", {}) | {processor(): now.pop("bits")}
        content[name] = {**now, **content.get(name, {}), "bits": bits}
    STORED.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    store()
