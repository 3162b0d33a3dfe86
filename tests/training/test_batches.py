"""Batches: moved in training where the target allows it, repeatable, resumable, shared."""

from dataclasses import replace

import lightning
import numpy as np
import pytest
import torch

from sparseeg import models
from sparseeg.data.store import store
from sparseeg.errors import SparseEEGError
from sparseeg.training import sampling
from sparseeg.training.batches import loader
from sparseeg.training.config import DataConfig, TrainConfig
from sparseeg.training.module import DecodingModule


def starts_seen(windows, **options):
    """Return each window's start in one pass, read off a channel that counts its samples."""
    found = torch.cat([x[:, 0, 0] for x, *_ in loader(windows, np.arange(len(windows)), 16, **options)])
    return found.numpy().astype(int)


def counting(toy, locked):
    signals = [
        np.repeat(np.arange(len(signal), dtype=np.float32)[:, None], 5, axis=1) for signal in toy.signals
    ]
    table = toy.table.assign(earliest=toy.table["start"], latest=toy.table["start"] + 20)
    kept = table[table["start"] < 1300].reset_index(drop=True)
    return replace(toy, signals=signals, table=kept, task=replace(toy.task, locked=locked))


def test_training_crops_windows_anew_each_epoch_inside_their_range(toy):
    windows = counting(toy, locked=False)
    batches = loader(windows, np.arange(len(windows)), 16, shuffle=True, seed=3)
    first, second = (torch.cat([x[:, 0, 0] for x, *_ in batches]).numpy().astype(int) for _ in range(2))
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


def test_jitter_moves_a_response_time_with_its_window_and_no_further_than_asked(toy):
    windows = counting(toy, locked=True)
    batches = loader(windows, np.arange(len(windows)), 16, shuffle=True, jitter=0.1)
    x, target = (torch.cat(parts).numpy() for parts in zip(*((x, y) for x, y, _ in batches), strict=True))
    shift = x[:, 0, 0].astype(int) % 60
    assert shift.min() == 0
    assert shift.max() == round(0.1 * windows.sfreq)
    response = target[:, 0] + shift / windows.sfreq
    assert sorted(response) == pytest.approx(sorted(windows.targets), abs=1e-6)
    still = loader(windows, np.arange(len(windows)), 16, jitter=0.1)
    assert torch.cat([batch.target for batch in still])[:, 0].numpy() == pytest.approx(windows.targets)


def test_a_crop_as_long_as_its_window_stays_where_it_is(toy):
    windows = counting(toy, locked=False)
    windows.table["earliest"] = windows.table["latest"] = windows.table["start"]
    assert sorted(starts_seen(windows, shuffle=True)) == sorted(windows.table["start"])


def test_windows_without_room_refuse_to_be_moved(toy):
    with pytest.raises(SparseEEGError, match=r"no signal around its windows.*sparseeg prepare|--margin"):
        loader(toy, np.arange(len(toy)), 16, shuffle=True, jitter=0.1)


def test_an_epoch_is_decided_by_seed_and_number_and_goes_on_anywhere(toy):
    indices = np.arange(len(toy))

    def order(batches):
        return [batch.target[:, 0].tolist() for batch in batches]

    epochs = loader(toy, indices, 16, shuffle=True, seed=1)
    first, second = order(epochs), order(epochs)
    assert first != second
    again = loader(toy, indices, 16, shuffle=True, seed=1)
    again.sampler.set_epoch(1)
    assert order(again) == second
    assert order(loader(toy, indices, 16, shuffle=True, seed=2)) != first

    left = loader(toy, indices, 16, shuffle=True, seed=1)
    begun = iter(left)
    had = [next(begun)[1][:, 0].tolist() for _ in range(3)]
    resumed = loader(toy, indices, 16, shuffle=True, seed=1)
    resumed.load_state_dict(left.state_dict())
    assert had + order(resumed) == first
    assert order(resumed) == second
    assert resumed.state_dict() == {"epoch": 2, "done": 0}
    resumed.load_state_dict(left.state_dict())
    resumed.sampler.set_epoch(1)  # another epoch has all of its batches
    assert order(resumed) == second


def test_processes_share_the_shuffled_windows_equally(toy, monkeypatch):
    indices, seen = np.arange(131), []
    for rank in range(3):
        monkeypatch.setattr(sampling, "_processes", lambda rank=rank: (rank, 3))
        batches = loader(toy, indices, 16, shuffle=True, seed=5)
        rows = [batch.rows for batch in batches.sampler]
        assert len(rows) == len(batches) == 3
        assert sum(map(len, rows)) == 131 // 3
        seen += np.concatenate(rows).tolist()
        scored = loader(toy, indices, 16)
        assert np.concatenate([batch.rows for batch in scored.sampler]).tolist() == indices.tolist()
    assert len(set(seen)) == len(seen) == 129


def test_a_store_is_read_as_it_was_written(toy, tmp_path):
    opened = store.open_store(store.save(toy, tmp_path / "store"))
    chosen = np.random.default_rng(0).permutation(len(toy))[:50]
    assert np.array_equal(opened.gather(chosen), toy.gather(chosen))
    assert all(map(np.array_equal, opened.signals, toy.signals))
    (tmp_path / "store" / "signals" / "00000.npy").unlink()
    with pytest.raises(SparseEEGError, match=r"00000\.npy was changed or removed"):
        opened.gather(np.arange(len(toy)))


def train_with_another(windows, folder):
    """Train for two epochs with two processes; each keeps the targets that it saw."""
    torch.set_num_threads(1)
    network = models.build("response-time-cnn", windows.n_chans, windows.n_times)
    module = Recording(network, 1.0, TrainConfig(data=DataConfig(path="toy"), model="response-time-cnn"))
    module.folder = folder
    trainer = lightning.Trainer(
        accelerator="cpu",
        devices=2,
        strategy="ddp_spawn",
        use_distributed_sampler=False,
        max_epochs=2,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    trainer.fit(
        module, loader(windows, np.arange(100), 16, shuffle=True), loader(windows, np.arange(100, 200), 64)
    )


class Recording(DecodingModule):
    def training_step(self, batch, batch_index):
        name = f"epoch-{self.current_epoch}-rank-{self.global_rank}-batch-{batch_index}.npy"
        np.save(self.folder / name, batch[1][:, 0].numpy())
        return super().training_step(batch, batch_index)


def test_two_processes_train_together(toy, tmp_path):
    windows = replace(toy, table=toy.table.assign(target=np.arange(len(toy), dtype=float)))
    train_with_another(windows, tmp_path)
    for epoch in range(2):
        seen = [np.load(path) for path in tmp_path.glob(f"epoch-{epoch}-*.npy")]
        assert len(seen) == 2 * 4
        assert sorted(np.concatenate(seen)) == list(range(100))
