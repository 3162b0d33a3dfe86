"""Which windows make a batch, and where each begins: decided by seed and epoch alone."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch.distributed
from torch.utils.data import Sampler

from sparseeg.data.windows import WindowSet
from sparseeg.errors import SparseEEGError


class BatchRows(NamedTuple):
    """Rows of the windows in a batch, and the first sample of each of them."""

    rows: np.ndarray
    starts: np.ndarray


class BatchSampler(Sampler[BatchRows]):
    """Deal windows to batches; in distributed training each process gets its share of the shuffled ones.

    Parameters
    ----------
    windows, indices : where they come from, and which of them: positions in `windows.table`.
    shuffle : in another order each epoch, drawn from `seed` and the epoch. A last batch of a single window is
        left out then (batch norm), and so are the windows that can't be shared equally between processes.
    jitter : seconds by which windows locked to an event begin earlier or later, anew each epoch (with
        `shuffle`). Windows whose target is the subject's own are cropped anywhere in their range instead.

    Attributes
    ----------
    epoch : of the next pass; Lightning sets it by `set_epoch`, and each whole pass increases it.
    skip : number of batches at the start of the next pass that were already used before the interruption.

    Raises
    ------
    SparseEEGError : windows that can't be moved, with a jitter.
    """

    def __init__(
        self,
        windows: WindowSet,
        indices: np.ndarray,
        batch_size: int,
        *,
        shuffle: bool = False,
        seed: int = 0,
        jitter: float = 0.0,
    ) -> None:
        self._rows = np.asarray(indices, dtype=np.intp)
        self._first, self._last = _range(windows, self._rows, jitter if shuffle else None)
        self._batch_size = batch_size
        self._shuffle = shuffle
        self._seed = seed
        self.epoch = 0
        self.skip = 0

    def __len__(self) -> int:
        share = len(self._rows) // _processes()[1] if self._shuffle else len(self._rows)
        whole, rest = divmod(share, self._batch_size)
        return whole + (rest > 1 or (rest == 1 and not (self._shuffle and whole)))

    def __iter__(self) -> Iterator[BatchRows]:
        begin, self.skip = self.skip, 0
        rows, starts = self._deal(self.epoch)
        for number in range(begin, len(self)):
            part = slice(number * self._batch_size, (number + 1) * self._batch_size)
            yield BatchRows(rows[part], starts[part])
        self.epoch += 1

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch of the next pass; batches are skipped in the epoch that was interrupted only."""
        if epoch != self.epoch:
            self.epoch, self.skip = epoch, 0

    def _deal(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Return rows and starts of this process in the order of the epoch."""
        if not self._shuffle:
            return self._rows, self._first
        generator = np.random.default_rng([self._seed, epoch])
        order = generator.permutation(len(self._rows))
        starts = generator.integers(self._first, self._last, endpoint=True)
        rank, processes = _processes()
        own = order[rank : len(order) // processes * processes : processes]
        return self._rows[own], starts[own]


def _range(windows: WindowSet, rows: np.ndarray, jitter: float | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the first and the last sample that each window may begin at; without jitter, where it stands."""
    start = windows.table["start"].to_numpy()[rows]
    if jitter is None or (jitter == 0 if windows.locked else not windows.movable):
        return start, start
    reach = round(jitter * windows.sfreq)
    if not windows.movable:
        raise SparseEEGError(
            f"{windows.source}: there is no signal around its windows to move them by {jitter:g} s; "
            "prepare a store with --margin and train on that"
        )
    earliest, latest = (windows.table[name].to_numpy()[rows] for name in ("earliest", "latest"))
    if not windows.locked:
        return earliest, latest
    return np.maximum(earliest, start - reach), np.minimum(latest, start + reach)


def _processes() -> tuple[int, int]:
    """Return the rank of this process and the number of processes that train together."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    return 0, 1
