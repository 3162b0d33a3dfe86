"""Whole batches straight from a window set: one gather per batch instead of one item at a time."""

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler, SequentialSampler

from sparseeg.data.windows import WindowSet


class WindowBatches(Dataset[tuple[Tensor, Tensor]]):
    """Map a list of positions to (windows, targets): float32 (batch, channel, time) and (batch, 1).

    Parameters
    ----------
    windows : where they come from.
    indices : which of them, positions in `windows.table`.
    targets : replaces `windows.targets` (one value per row of `windows.table`), for the shuffled control.
    crops : draws where a window starts, anew each time, between its `earliest` and `latest`; without it, a
        window starts where it stands.
    """

    def __init__(
        self,
        windows: WindowSet,
        indices: np.ndarray,
        targets: np.ndarray | None = None,
        crops: np.random.Generator | None = None,
    ) -> None:
        self.windows = windows
        self.indices = np.asarray(indices)
        self.targets = windows.targets if targets is None else targets
        self.crops = crops
        if crops is not None:
            self.earliest, self.latest = (windows.table[name].to_numpy() for name in ("earliest", "latest"))

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, positions: list[int]) -> tuple[Tensor, Tensor]:
        rows = self.indices[positions]
        target = torch.from_numpy(self.targets[rows].astype(np.float32)).unsqueeze(1)
        starts = None
        if self.crops is not None:
            starts = self.crops.integers(self.earliest[rows], self.latest[rows], endpoint=True)
        return torch.from_numpy(self.windows.gather(rows, starts)), target


def loader(
    windows: WindowSet,
    indices: np.ndarray,
    batch_size: int,
    *,
    targets: np.ndarray | None = None,
    shuffle: bool = False,
    seed: int = 0,
    pin_memory: bool = False,
) -> DataLoader:
    """Return an iterable over batches; shuffled ones drop a last batch of a single window (batch norm).

    Shuffled windows whose target is the subject's own are cropped anew each time they are seen.
    """
    movable = shuffle and not windows.locked and {"earliest", "latest"} <= set(windows.table)
    dataset = WindowBatches(windows, indices, targets, np.random.default_rng(seed) if movable else None)
    generator = torch.Generator().manual_seed(seed)
    order = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
    drop_last = shuffle and len(dataset) > batch_size and len(dataset) % batch_size == 1
    batches = BatchSampler(order, batch_size, drop_last)
    return DataLoader(dataset, sampler=batches, batch_size=None, pin_memory=pin_memory)
