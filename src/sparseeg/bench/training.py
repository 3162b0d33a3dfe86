"""Windows per second of whole networks, in training and inference, beside the floor of their products.

The floor of a network is the time of its convolutions and matrix products alone, on the same shapes, forward
and backward: what is left when everything else (norms, activations, pooling, copies, the optimiser, Python)
costs nothing. The plain floor is that of the network computed by PyTorch's own layers: `plain_path`.
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
    """Keep every convolution and matrix product that runs, with its arguments."""

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
        """Run the recorded products again, and nothing else."""
        with torch.no_grad():
            for func, args, kwargs in self.calls:
                func(*args, **kwargs)


def _detached(value: Any) -> Any:
    return value.detach() if isinstance(value, Tensor) else value


@dataclass
class _Subject:
    """One network with the four things that are timed on it."""

    name: str
    n_parameters: int
    tasks: dict[str, Callable[[], object]]
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def time(self) -> None:
        for task, run in self.tasks.items():
            start = time.perf_counter()
            run()
            self.seconds.setdefault(task, []).append(time.perf_counter() - start)


def _subject(name: str, x: Tensor, target: Tensor) -> _Subject:
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

    for task in (training, inference):  # Lazy set-up of kernels and of the optimiser's state.
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
    return _Subject(name, sum(parameter.numel() for parameter in network.parameters()), tasks)


def run(
    names: Sequence[str] = MODELS,
    *,
    batch_size: int = 64,
    n_chans: int = 129,
    n_times: int = 200,
    repeats: int = 10,
    report: Callable[[str], None] = lambda line: None,
) -> pd.DataFrame:
    """Time networks in turn, `repeats` times over, and return one row per network.

    Columns: windows per second (median; for training also the lowest and highest repeat), the floor's windows
    per second, and the share of the floor's speed that the network reaches, for both floors. A network that
    can't be built or run keeps its row, with the reason.
    """
    x = torch.from_numpy(np.random.default_rng(0).normal(0, 10, (batch_size, n_chans, n_times))).float()
    target = torch.zeros(batch_size, 1)
    subjects: list[_Subject] = []
    failures: list[dict[str, object]] = []
    for name in names:
        report(f"warming up {name}")
        try:
            subjects.append(_subject(name, x, target))
        except (SparseEEGError, RuntimeError) as error:
            failures.append({"model": name, "note": str(error).splitlines()[0]})
    for repeat in range(repeats):
        report(f"repeat {repeat + 1} of {repeats}")
        for subject in subjects:
            subject.time()
    table = pd.DataFrame([_row(subject, batch_size) for subject in subjects] + failures)
    return table.astype({"parameters": "Int64"}) if subjects else table


def _row(subject: _Subject, batch_size: int) -> dict[str, object]:
    rates = {task: batch_size / np.array(seconds) for task, seconds in subject.seconds.items()}
    row: dict[str, object] = {"model": subject.name, "parameters": subject.n_parameters}
    for task in ("training", "inference"):
        row[f"{task} windows/s"] = float(np.median(rates[task]))
        row[f"{task} min-max"] = f"{rates[task].min():.0f}-{rates[task].max():.0f}"
        for floor in ("floor", "plain floor"):
            row[f"{task} {floor} windows/s"] = float(np.median(rates[f"{task} {floor}"]))
            # Ratios pair by pair: a slow moment of the machine slows both.
            row[f"{task} / {floor}"] = float(np.median(rates[task] / rates[f"{task} {floor}"]))
    row["note"] = ""
    return row
