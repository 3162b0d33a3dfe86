"""Batches: random crops in training where the target allows them, and nowhere else."""

from dataclasses import replace

import numpy as np
import torch

from sparseeg.training.batches import loader


def starts_seen(windows, **options):
    """Return each window's start in one pass, read off a channel that counts its samples."""
    found = torch.cat([x[:, 0, 0] for x, _ in loader(windows, np.arange(len(windows)), 16, **options)])
    return found.numpy().astype(int)


def counting(toy, locked):
    signals = [
        np.repeat(np.arange(len(signal), dtype=np.float32)[:, None], 5, axis=1) for signal in toy.signals
    ]
    table = toy.table.assign(earliest=toy.table["start"], latest=toy.table["start"] + 20)
    return replace(
        toy, signals=signals, table=table[table["start"] < 1300].reset_index(drop=True), locked=locked
    )


def test_training_crops_windows_anew_each_epoch_inside_their_range(toy):
    windows = counting(toy, locked=False)
    batches = loader(windows, np.arange(len(windows)), 16, shuffle=True, seed=3)
    first, second = (torch.cat([x[:, 0, 0] for x, _ in batches]).numpy().astype(int) for _ in range(2))
    for starts in (first, second):
        offsets = starts % 60
        assert offsets.min() == 0
        assert offsets.max() == 20
        assert sorted(starts - offsets) == sorted(windows.table["start"])
    assert sorted(first) != sorted(second)
    again = starts_seen(windows, shuffle=True, seed=3)
    assert np.array_equal(first, again)


def test_scoring_and_response_times_keep_their_windows(toy):
    expected = sorted(counting(toy, locked=True).table["start"])
    assert sorted(starts_seen(counting(toy, locked=True), shuffle=True)) == expected
    assert sorted(starts_seen(counting(toy, locked=False))) == expected
