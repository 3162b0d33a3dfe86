"""Windows per second of networks in training and inference, compared with their products alone.

The floor of a network is the time of its convolutions and matrix products on the same shapes, forward and
backward, without norms, activations, pooling, copies, the optimiser and Python. The plain floor is the floor
of the network with PyTorch's own layers (`plain_path`).
"""

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

from sparseeg import models
from sparseeg.attention import plain_path
from sparseeg.engines import Report, ignore
from sparseeg.errors import SparseEEGError

MODELS = (
    "response-time-cnn",
    "light-sparse-attention-cnn",
    "sparse-attention-cnn",
    "sparse-attention-locator",
    "sparse-eeg-transformer",
    "braindecode:EEGNeX",
    "braindecode:EEGNet",
    "braindecode:ShallowFBCSPNet",
    "braindecode:EEGConformer",
    "braindecode:ATCNet",
    "braindecode:CTNet",
)

_PRODUCTS = ("convolution", "mm", "bmm", "scaled_dot_product", "conv1d", "conv2d", "linear")


class _RecordProducts(TorchDispatchMode):
    """Records all convolutions and matrix products that run, with their arguments."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, Any, Any]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if any(name in func.__name__ for name in _PRODUCTS):
            kept_args, kept_kwargs = tree_map(_detached, (args, kwargs))
            self.calls.append((func, kept_args, kept_kwargs))
        return func(*args, **kwargs)

    def replay(self) -> None:
        """Run the recorded products again."""
        with torch.no_grad():
            for func, args, kwargs in self.calls:
                func(*args, **kwargs)


def _detached(value: Any) -> Any:
    return value.detach() if isinstance(value, Tensor) else value


@dataclass
class _TimedNetwork:
    """A network, the functions to time on it, and the seconds of each repeat."""

    name: str
    n_parameters: int
    tasks: dict[str, Callable[[], object]]
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def time(self) -> None:
        for task, run in self.tasks.items():
            start = time.perf_counter()
            run()
            self.seconds.setdefault(task, []).append(time.perf_counter() - start)


def _timed_network(name: str, x: Tensor, target: Tensor) -> _TimedNetwork:
    torch.manual_seed(0)
    network = models.build(name, x.shape[1], x.shape[2])
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4)

    def forward_backward() -> None:
        optimizer.zero_grad()
        nn.functional.mse_loss(network(x), target).backward()

    def training() -> None:
        network.train()
        forward_backward()
        optimizer.step()

    def inference() -> None:
        network.eval()
        with torch.inference_mode():
            network(x)

    for task in (training, inference):  # sets up kernels and the state of the optimiser
        task()
        task()
    tasks: dict[str, Callable[[], object]] = {"training": training, "inference": inference}
    for kind, path in (("floor", nullcontext), ("plain floor", plain_path)):
        network.train()
        with path(), _RecordProducts() as train_products:
            forward_backward()
        network.eval()
        with path(), torch.no_grad(), _RecordProducts() as inference_products:
            network(x)
        tasks[f"training {kind}"] = train_products.replay
        tasks[f"inference {kind}"] = inference_products.replay
    return _TimedNetwork(name, sum(parameter.numel() for parameter in network.parameters()), tasks)


def measure_training(
    names: Sequence[str] = MODELS,
    *,
    batch_size: int = 64,
    n_chans: int = 129,
    n_times: int = 200,
    repeats: int = 10,
    report: Report = ignore,
) -> pd.DataFrame:
    """Time networks in turn, `repeats` times, and return one row per network.

    A network that can't be built or run keeps its row, with the reason.

    Parameters
    ----------
    names : names of the networks.
    batch_size, n_chans, n_times : shape of the windows.
    repeats : number of repeats.
    report : called with a line about the progress.

    Returns
    -------
    DataFrame : windows per second (median, minimum and maximum), windows per second of both floors, and the
        speed of the network relative to them.
    """
    x = torch.from_numpy(np.random.default_rng(0).normal(0, 10, (batch_size, n_chans, n_times))).float()
    target = torch.zeros(batch_size, 1)
    networks: list[_TimedNetwork] = []
    failures: list[dict[str, object]] = []
    for name in names:
        report(f"warming up {name}")
        try:
            networks.append(_timed_network(name, x, target))
        except (SparseEEGError, RuntimeError) as error:
            failures.append({"model": name, "note": str(error).splitlines()[0]})
    for repeat in range(repeats):
        report(f"repeat {repeat + 1} of {repeats}")
        for network in networks:
            network.time()
    table = pd.DataFrame([_row(network, batch_size) for network in networks] + failures)
    return table.astype({"parameters": "Int64"}) if networks else table


def _row(network: _TimedNetwork, batch_size: int) -> dict[str, object]:
    rates = {task: batch_size / np.array(seconds) for task, seconds in network.seconds.items()}
    row: dict[str, object] = {"model": network.name, "parameters": network.n_parameters}
    for task in ("training", "inference"):
        row[f"{task} windows/s"] = float(np.median(rates[task]))
        row[f"{task} min-max"] = f"{rates[task].min():.0f}-{rates[task].max():.0f}"
        for floor in ("floor", "plain floor"):
            row[f"{task} {floor} windows/s"] = float(np.median(rates[f"{task} {floor}"]))
            # Paired ratios: a slow moment of the machine affects both.
            row[f"{task} / {floor}"] = float(np.median(rates[task] / rates[f"{task} {floor}"]))
    row["note"] = ""
    return row
