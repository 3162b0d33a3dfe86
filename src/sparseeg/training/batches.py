"""Whole batches straight from a window set: one gather per batch instead of one item at a time."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from sparseeg.data.windows import WindowSet
from sparseeg.training.labels import trial_labels
from sparseeg.training.sampling import BatchRows, BatchSampler


class Batch(NamedTuple):
    """Windows (batch, channel, time) in microvolts, targets (batch, 1), `LABELS` (batch, label)."""

    x: Tensor
    target: Tensor
    labels: Tensor


class WindowBatches(Dataset[Batch]):
    """Map the rows of a batch to its windows, targets and labels, all of them float32.

    Where the target is a time from the event that a window is locked to, it moves with the window.

    Parameters
    ----------
    windows : where they come from.
    targets : replaces `windows.targets` (one value per row of `windows.table`), for the shuffled control.
    pin_memory : gather into page-locked memory, from which a GPU copies by itself.
    """

    def __init__(
        self, windows: WindowSet, targets: np.ndarray | None = None, pin_memory: bool = False
    ) -> None:
        self.windows = windows
        self.targets = windows.targets if targets is None else targets
        self.starts = windows.table["start"].to_numpy()
        self.labels = trial_labels(windows.table)
        self.pin_memory = pin_memory

    def __getitem__(self, batch: BatchRows) -> Batch:
        rows, starts = batch
        shape = (len(rows), *self.windows.shape)
        pinned = torch.empty(shape, pin_memory=True).numpy() if self.pin_memory else None
        x = torch.from_numpy(self.windows.gather(rows, starts, pinned))
        target = self.targets[rows]
        if self.windows.locked:
            target = target - (starts - self.starts[rows]) / self.windows.sfreq
        labels = torch.from_numpy(self.labels[rows])
        return Batch(x, torch.from_numpy(target.astype(np.float32)).unsqueeze(1), labels)


class WindowLoader(DataLoader):
    """DataLoader over batches whose epochs can be left and gone on with anywhere.

    `state_dict` says how far the present epoch has come; Lightning keeps it in its checkpoints.
    """

    sampler: BatchSampler

    def __init__(self, dataset: WindowBatches, batches: BatchSampler) -> None:
        # No worker processes: they would copy every batch once more.
        super().__init__(dataset, sampler=batches, batch_size=None)
        self._done = 0

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        self._done = self.sampler.skip
        for batch in super().__iter__():
            self._done += 1
            yield batch
        self._done = 0  # of the next epoch

    def state_dict(self) -> dict[str, int]:
        """Return the epoch and how many of its batches have been handed out."""
        return {"epoch": self.sampler.epoch, "done": self._done}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Let the next pass go on where that state was taken."""
        self.sampler.epoch, self.sampler.skip = state["epoch"], state["done"]


def loader(
    windows: WindowSet,
    indices: np.ndarray,
    batch_size: int,
    *,
    targets: np.ndarray | None = None,
    shuffle: bool = False,
    seed: int = 0,
    jitter: float = 0.0,
    pin_memory: bool = False,
) -> WindowLoader:
    """Return an iterable over batches; see `WindowBatches` and `BatchSampler` for what it gives and takes."""
    batches = BatchSampler(windows, indices, batch_size, shuffle=shuffle, seed=seed, jitter=jitter)
    return WindowLoader(WindowBatches(windows, targets, pin_memory), batches)
