"""A folder of pretraining: a network that has seen signals and no targets, and how well it knows them."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import Timer

from sparseeg import __version__
from sparseeg.data import splits
from sparseeg.data.splits import Split
from sparseeg.data.windows import WindowSet
from sparseeg.errors import SparseEEGError
from sparseeg.files.atomic import write_whole
from sparseeg.models import save
from sparseeg.training.batches import WindowLoader, loader
from sparseeg.training.config import PretrainConfig, SplitConfig
from sparseeg.training.fit import network_spec
from sparseeg.training.masked import MaskedModule
from sparseeg.training.parts import subjects_of, write_parts
from sparseeg.training.trainer import Report, fit_to_best, make_trainer, quiet


def pretrain(config: PretrainConfig, windows: WindowSet, out: Path, report: Report) -> dict[str, Any]:
    """Pretrain a network into the folder `out`, or go on with it; return what `metrics.json` holds.

    The folder gets `config.yaml`, `splits.json`, checkpoints, logs, `model.safetensors` (the network without
    the decoder, its head untrained) and `metrics.json`: the error on hidden patches of validation subjects,
    beside that of zeros, of lines in time and of the mean of the other channels.
    Raises SparseEEGError for a network or windows that don't fit, and TrainingInterrupted on Ctrl-C.
    """
    split = part(windows, config.split)
    lightning.seed_everything(config.seed, workers=True, verbose=False)
    spec = network_spec(windows, config)
    module = MaskedModule(spec.build(), config)
    out.mkdir(parents=True, exist_ok=True)
    write_parts(out, windows, [split])
    config.write(out)
    subjects = subjects_of(windows, split)
    report(f"pretraining {config.model} on {len(split.train)} windows of {len(subjects['train'])} subjects")
    with quiet():
        timer = Timer()  # goes on counting after an interruption
        trainer = make_trainer(config, out, report, timer, ("valid_error", "error"))
        device = trainer.strategy.root_device
        batches = partial(
            loader, windows, batch_size=config.batch_size, pin_memory=device.type == "cuda", seed=config.seed
        )
        fit_to_best(trainer, module, batches(split.train, shuffle=True), batches(split.valid), out, timer)
    save(module.network, spec, out / "model.safetensors")
    error = errors(module.to(device), batches(split.valid))
    metrics = {
        "task": windows.task.name,
        "model": config.model,
        "part": "validation",
        "mask": config.mask,
        "n_windows": len(split.valid),
        "n_subjects": len(subjects["valid"]),
        "squared_error": error,
        "data": {"source": windows.source, "simulated": windows.simulated},
        "version": __version__,
    }
    write_whole(out / "metrics.json", json.dumps(metrics, indent=2) + "\n")
    return metrics


def part(windows: WindowSet, config: SplitConfig) -> Split:
    """Return who trains and who validates; nobody tests."""
    if config.kind == "release":
        if "release" not in windows.table:
            raise SparseEEGError(f"{windows.source} names no releases; leave --valid out")
        split = splits.by_release(windows.table["release"].to_numpy(), config.valid, [])
    else:
        split = splits.by_subject(windows.subjects, config.valid_share, 0.0, config.seed)
    return split.check(windows.subjects)


def errors(module: MaskedModule, batches: WindowLoader) -> dict[str, float]:
    """Return mean squared errors over all hidden patches of the windows, of the network and without one."""
    module.eval()
    scores, sizes = [], []
    with torch.inference_mode():
        for index, batch in enumerate(batches):
            scores.append(module.scores(batch._replace(x=batch.x.to(module.device)), index))
            sizes.append(len(batch.x))
    return {name: float(np.average([score[name] for score in scores], weights=sizes)) for name in scores[0]}
