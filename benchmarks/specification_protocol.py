"""Scores by the specification's protocol on the simulated set, and by protocols without its leaks.

    python benchmarks/specification_protocol.py build/simulated-reference
    python benchmarks/specification_protocol.py build/simulated-reference --whole --folds 1 \\
        --protocols trial-start-mixed stimulus-mixed

The specification mixes the trials of all subjects over five folds, also augments the validation part, and
reports the best epoch on the part that was used to select it. Here, each of these steps is undone in turn.
Predictions are kept in `runs/specification-protocol`: a second call only scores them.
"""

import argparse
import copy
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from sparseeg import machine, models
from sparseeg.bench import claims
from sparseeg.data import splits
from sparseeg.data.read_bids import read_bids, read_trials
from sparseeg.data.splits import Split
from sparseeg.data.tasks import RESPONSE_TIME, TASKS
from sparseeg.data.windows import WindowSet
from sparseeg.evaluation import metrics
from sparseeg.files.tsv import read_tsv
from sparseeg.report import tables
from sparseeg.training.batches import loader
from sparseeg.training.inference import predict

NETWORKS = ("light-sparse-attention-cnn", "response-time-cnn")
TRIALS, TRIALS_EACH, FOLDS, SEED = 420, 21, 5, 0
LIMITS = (0.1, 5.0)  # seconds
EPOCHS, PATIENCE, PLATEAU, BATCH = 50, 15, 5, 32
MAX_SHIFT, NOISE = 5, 0.05  # samples; share of the window's SD

NOTES = (
    f"AdamW 1e-3, weight decay 1e-4, batch {BATCH}, rate halved after {PLATEAU} epochs without improvement, "
    f"at most {EPOCHS} epochs, patience {PATIENCE}",
    f"augmentation: circular shifts of up to {MAX_SHIFT} samples and noise of {NOISE:g} of a window's SD "
    "(the specification does not state it); with mixed trials also on the reported part",
    "windows from the trial start: the first 2 s, before any stimulus; target: the first press of any kind, "
    "even before the stimulus, 0.1 to 5.0 s after the start, an interpretation that gives the stated mean "
    "and SD (claims-constants)",
    "windows from the stimulus: +0.5 to +2.5 s; the target is measured from the stimulus",
    "mixed trials: 4/5 train, 1/5 select the epoch and are reported; by subject: 3/5 train, 1/5 select the "
    "epoch, 1/5 are tested once",
    "predictions are not shrunk as by `sparseeg train`, see networks-response-time.md",
)


@dataclass(frozen=True)
class Protocol:
    """How trials are cut, divided and scored."""

    locked_to: str
    mixed: bool
    shuffled: bool = False

    @property
    def name(self) -> str:
        words = (self.locked_to, "mixed" if self.mixed else "subjects", "shuffled" if self.shuffled else "")
        return "-".join(word.replace(" ", "-") for word in words if word)

    def folds(self, windows: WindowSet) -> Iterator[Split]:
        """Yield the splits; for mixed trials, the validation part is also the test part."""
        if not self.mixed:
            yield from splits.subject_folds(windows.subjects, FOLDS, SEED)
            return
        parts = np.array_split(np.random.default_rng(SEED).permutation(len(windows)), FOLDS)
        for part in parts:
            yield Split(np.setdiff1d(np.arange(len(windows)), part), np.sort(part), np.sort(part))


PROTOCOLS = (
    Protocol("trial start", mixed=True),
    Protocol("trial start", mixed=False),
    Protocol("stimulus", mixed=True),
    Protocol("stimulus", mixed=False),
    Protocol("stimulus", mixed=True, shuffled=True),
)


def at_stimulus(data: Path) -> WindowSet:
    """Return windows from 0.5 to 2.5 s after the stimulus, with the target measured from the stimulus."""
    return read_bids(data, n_jobs=1)


def at_trial_start(data: Path) -> WindowSet:
    """Return the first two seconds of each trial, with its first press, 0.1 to 5.0 s after its start."""
    trials, _ = read_trials(data)
    for file, rows in trials.groupby("file").groups.items():
        trials.loc[rows, "trial"] = np.arange(len(rows))
        trials.loc[rows, "press"] = claims.first_presses(read_tsv(data / str(file)))[: len(rows)]
    trials["delay"] = trials["stimulus_onset"] - trials["trial_start"]
    before = float(np.ceil(trials["delay"].max()))
    windows = read_bids(data, task=replace(TASKS[RESPONSE_TIME], tmin=-before, tmax=0.0), n_jobs=1)
    keys = ["subject", "run", "trial"]
    found = trials[[*keys, "delay", "press"]]
    table = windows.table.merge(found, on=keys, how="left", validate="one_to_one")
    shift = ((before - table["delay"]) * windows.sfreq).round().astype(int)
    table = table.assign(start=table["start"] + shift, target=table["press"])
    task = replace(windows.task, target="first press")
    windows = replace(windows, table=table, n_times=200, tmin=0.0, task=task)
    return windows.select(table["press"].between(*LIMITS).to_numpy())


def few(windows: WindowSet) -> WindowSet:
    """Return as many windows as the specification has: the first trials of the first training subjects."""
    table = windows.table[windows.table["release"] == "R1"].sort_values("subject", kind="stable")
    return windows.select(table.groupby("subject").head(TRIALS_EACH).index[:TRIALS].to_numpy())


def augment(x: Tensor) -> Tensor:
    """Shift each window of x (batch, channel, time) circularly by up to 5 samples, and add noise."""
    shift = torch.randint(-MAX_SHIFT, MAX_SHIFT + 1, (len(x), 1, 1))
    samples = (torch.arange(x.shape[-1]) - shift) % x.shape[-1]
    return x.gather(-1, samples.expand_as(x)) + NOISE * x.std((1, 2), keepdim=True) * torch.randn_like(x)


def augmented_predictions(network: nn.Module, windows: WindowSet, indices: np.ndarray) -> np.ndarray:
    """Return predictions for windows with the augmentation of the training."""
    network.eval()
    with torch.inference_mode():
        parts = [network(augment(x)).numpy()[:, 0] for x, *_ in loader(windows, indices, 256)]
    return np.concatenate(parts).astype(np.float64)


def fit(
    windows: WindowSet, split: Split, target: np.ndarray, model: str, augment_valid: bool, seed: int
) -> tuple[nn.Module, np.ndarray, int]:
    """Train with the settings of the specification.

    Returns
    -------
    The network at the best epoch on `split.valid`, its predictions for this part, and the epoch.
    """
    torch.manual_seed(seed)
    network = models.build(model, windows.n_chans, windows.n_times, sfreq=windows.sfreq)
    mean, std = target[split.train].mean(), target[split.train].std()
    network.final_layer.set_target(mean, std)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=PLATEAU)
    batches = loader(windows, split.train, BATCH, targets=target, shuffle=True, seed=seed)
    best, kept, epoch = (np.inf, np.empty(0), 0), network.state_dict(), 0
    while epoch < EPOCHS and epoch - best[2] < PATIENCE:
        epoch += 1
        network.train()
        for x, y, _ in batches:
            optimizer.zero_grad()
            (nn.functional.mse_loss(network(augment(x)), y) / std**2).backward()
            optimizer.step()
        if augment_valid:
            answer = augmented_predictions(network, windows, split.valid)
        else:
            answer = predict(network, windows, split.valid).mean
        error = metrics.rmse(target[split.valid], answer)
        schedule.step(error)
        if error < best[0]:
            best, kept = (error, answer, epoch), copy.deepcopy(network.state_dict())
    network.load_state_dict(kept)
    return network, best[1], best[2]


def predictions(windows: WindowSet, protocol: Protocol, model: str, n_folds: int) -> pd.DataFrame:
    """Return predictions for the part that selected the epoch (`valid`) and for the test part (`test`)."""
    target = windows.targets
    if protocol.shuffled:
        target = np.random.default_rng(SEED).permutation(target)
    found = []
    for number, split in zip(range(n_folds), protocol.folds(windows), strict=False):
        network, chosen, epoch = fit(windows, split, target, model, protocol.mixed, SEED + number)
        parts = {"valid": (split.valid, chosen)}
        if not protocol.mixed:
            parts["test"] = (split.test, predict(network, windows, split.test).mean)
        mean = float(target[split.train].mean())
        own = pd.Series(target[split.train]).groupby(windows.subjects[split.train]).mean()
        for part, (indices, answer) in parts.items():
            columns = {"subject": windows.subjects[indices], "target": target[indices], "prediction": answer}
            table = pd.DataFrame(columns).assign(part=part, fold=number + 1, epoch=epoch, train_mean=mean)
            found.append(table.assign(subject_mean=table["subject"].map(own).fillna(mean)))
        print(f"{protocol.name}, {model}, fold {number + 1}: epoch {epoch}", flush=True)
    return pd.concat(found, ignore_index=True)


def stored(windows: WindowSet, protocol: Protocol, model: str, folds: int, out: Path) -> pd.DataFrame:
    """Return the stored predictions; train and store them first if they are missing."""
    path = out / f"{protocol.name}-{model}.tsv"
    if not path.exists():
        out.mkdir(parents=True, exist_ok=True)
        predictions(windows, protocol, model, folds).to_csv(path, sep="\t", index=False)
    return pd.read_csv(path, sep="\t")


def row(protocol: Protocol, part: str, name: str, table: pd.DataFrame, column: str) -> dict[str, object]:
    """Return one line of the table: a predictor under a protocol, with all normalisers."""
    target, answer = table["target"].to_numpy(), table[column].to_numpy()
    scores = metrics.summarize(target, answer, table["subject"])
    folds = [metrics.nrmse(fold["target"], fold[column]) for _, fold in table.groupby("fold")]
    epochs = table.groupby("fold")["epoch"].first().median()
    divided = "mixed trials" if protocol.mixed else "by subject"
    return {
        "windows from": protocol.locked_to,
        "split": divided + (", targets shuffled" if protocol.shuffled else ""),
        "best epoch chosen on": "the part reported" if part == "valid" else "other subjects",
        "predictor": name,
        "trials": len(table),
        "subjects": scores["n_subjects"],
        "RMSE / SD": f"{scores['nrmse']:.4f}",
        "95 % interval": "{:.3f} - {:.3f}".format(*scores["nrmse_ci95"]),
        "RMSE / SD, mean of folds": f"{np.mean(folds):.4f}",
        "RMSE / range": f"{metrics.nrmse(target, answer, 'range'):.4f}",
        "RMSE / mean": f"{metrics.nrmse(target, answer, 'mean'):.4f}",
        "RMSE (s)": f"{scores['rmse']:.4f}",
        "Pearson": scores["pearson_r"],
        "epoch (median)": f"{epochs:.0f}" if column == "prediction" else "",
    }


def rows(protocol: Protocol, found: dict[str, pd.DataFrame]) -> Iterator[dict[str, object]]:
    """Yield the lines of a protocol: networks, then constants."""
    first = next(iter(found.values()))
    for part in ("valid",) if protocol.mixed else ("valid", "test"):
        for name, table in found.items():
            yield row(protocol, part, name, table[table["part"] == part], "prediction")
        yield row(protocol, part, "training mean", first[first["part"] == part], "train_mean")
        if protocol.mixed:
            yield row(protocol, part, "subject's mean in the training part", first, "subject_mean")


def describe(windows: WindowSet, label: str) -> str:
    """Return a description of the targets: mean, SD and range."""
    target = windows.targets
    return (
        f"{label}: {len(windows)} trials of {len(np.unique(windows.subjects))} subjects; target mean "
        f"{target.mean():.3f} s, SD {target.std():.3f} s, {target.min():.3f} to {target.max():.3f} s"
    )


def main() -> None:
    """Train what is missing, score everything, and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--whole", action="store_true", help="all trials instead of 420")
    parser.add_argument("--folds", type=int, default=FOLDS, help="number of folds to run, of five")
    names = [protocol.name for protocol in PROTOCOLS]
    parser.add_argument("--protocols", nargs="+", choices=names, default=names)
    parser.add_argument("--runs", type=Path, default=Path("runs/specification-protocol"))
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    machine.commit()
    torch.set_num_threads(1)
    name = "specification-protocol" + ("-whole" if options.whole else "")
    sets = {"trial start": at_trial_start(options.data), "stimulus": at_stimulus(options.data)}
    if not options.whole:
        sets = {lock: few(windows) for lock, windows in sets.items()}
    lines: list[dict[str, object]] = []
    for protocol in (protocol for protocol in PROTOCOLS if protocol.name in options.protocols):
        folder = options.runs / f"{name}-{options.folds}"
        windows = sets[protocol.locked_to]
        found = {model: stored(windows, protocol, model, options.folds, folder) for model in NETWORKS}
        lines += rows(protocol, found)
    path = tables.write(
        pd.DataFrame(lines),
        options.out,
        name,
        title="SIMULATED reference set: the specification's protocol, and protocols without its leaks",
        command=" ".join(["python", *sys.argv]),
        packages=("torch", "numpy"),
        notes=(
            *(describe(windows, f"windows from the {lock}") for lock, windows in sets.items()),
            f"{options.folds} of {FOLDS} folds, one seed ({SEED}); scores are pooled over the trials of all "
            "folds, intervals are a bootstrap over subjects",
            *NOTES,
        ),
    )
    print(path.read_text())


if __name__ == "__main__":
    main()
