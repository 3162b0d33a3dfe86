"""A pretraining run: a network that is trained on signals without targets, and its reconstruction error."""

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
from sparseeg.engines import Report
from sparseeg.errors import SparseEEGError
from sparseeg.files.atomic import write_json
from sparseeg.models import save
from sparseeg.training.batches import WindowLoader, loader
from sparseeg.training.config import PretrainConfig, SplitConfig
from sparseeg.training.fit import network_spec
from sparseeg.training.inputs import as_started
from sparseeg.training.masked import MaskedModule
from sparseeg.training.run_folder import start_run
from sparseeg.training.subjects import SplitSubjects
from sparseeg.training.trainer import fit_to_best, make_trainer, quiet


def pretrain(config: PretrainConfig, windows: WindowSet, out: Path, report: Report) -> dict[str, Any]:
    """Pretrain a network in the folder `out`, or go on with it; return the content of `metrics.json`.

    The folder gets `config.yaml`, `splits.json`, checkpoints, logs, `model.safetensors` (the network without
    the decoder, its head untrained) and `metrics.json`: the error on masked patches of validation subjects,
    beside those of zeros, of interpolation in time and of the mean of the other channels.
    Raises SparseEEGError for a network or windows that don't fit, and TrainingInterrupted on Ctrl-C.
    """
    split = train_and_valid(windows, config.split)
    lightning.seed_everything(config.seed, workers=True, verbose=False)
    spec = network_spec(windows, config)
    module = MaskedModule(spec.build(), config)
    start_run(out, config, windows, [split])
    windows = as_started(out, windows, spec, report)
    subjects = SplitSubjects.of(windows, split)
    report(f"pretraining {config.model} on {len(split.train)} windows of {len(subjects.train)} subjects")
    with quiet():
        timer = Timer()  # goes on counting after an interruption
        trainer = make_trainer(config, out, report, timer, ("valid_error", "error"))
        device = trainer.strategy.root_device
        batches = partial(
            loader, windows, batch_size=config.batch_size, pin_memory=device.type == "cuda", seed=config.seed
        )
        fit_to_best(trainer, module, batches(split.train, shuffle=True), batches(split.valid), out, timer)
    save(module.network, spec, out / "model.safetensors", subjects.digest)
    error = errors(module.to(device), batches(split.valid))
    metrics = {
        "task": windows.task.name,
        "model": config.model,
        "part": "validation",
        "mask": config.mask,
        "n_windows": len(split.valid),
        "n_subjects": len(subjects.valid),
        "squared_error": error,
        "data": {"source": windows.source, "simulated": windows.simulated},
        "version": __version__,
    }
    write_json(out / "metrics.json", metrics)
    return metrics


def train_and_valid(windows: WindowSet, config: SplitConfig) -> Split:
    """Return the split of a pretraining; its test part is empty."""
    if config.kind == "release":
        if "release" not in windows.table:
            raise SparseEEGError(f"{windows.source} names no releases; leave --valid out")
        split = splits.by_release(windows.table["release"].to_numpy(), config.valid, [])
    else:
        split = splits.by_subject(windows.subjects, config.valid_share, 0.0, config.seed)
    return split.check(windows.subjects)


def errors(module: MaskedModule, batches: WindowLoader) -> dict[str, float]:
    """Return mean squared errors over all masked patches, of the network and of each baseline."""
    module.eval()
    scores, sizes = [], []
    with torch.inference_mode():
        for index, batch in enumerate(batches):
            scores.append(module.scores(batch._replace(x=batch.x.to(module.device)), index))
            sizes.append(len(batch.x))
    return {name: float(np.average([score[name] for score in scores], weights=sizes)) for name in scores[0]}
