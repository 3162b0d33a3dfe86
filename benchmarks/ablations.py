"""Ablations: change one part of a network or of its training at a time, and compare the models.

    sparseeg simulate build/simulated-reference --seed 0
    sparseeg prepare build/simulated-reference --out build/reference-store
    python benchmarks/ablations.py build/reference-store attention heads

Each line is the locator, or a network of the specification, with one change. Runs are kept in
`runs/ablations`, and those that groups share are trained once; a second call continues.
"""

import argparse
import shutil
import sys
from pathlib import Path
from typing import Any

from sparseeg import machine
from sparseeg.experiments import run as runs
from sparseeg.experiments.comparison import Comparison
from sparseeg.experiments.entry import Entry
from sparseeg.report.comparison import write_comparison
from sparseeg.training.config import DataConfig, SplitConfig

LOCATOR = "sparse-attention-locator"
EVERY_TOKEN = 200  # samples of a window: one head
RANDOM = {"partition": "random", "tokens_per_head": 10}


def locator(name: str, attention: dict[str, Any] | None = None, **given: Any) -> Entry:
    """Return the locator with a change of its attention, its other options, or its recipe."""
    options = given.pop("model_options", {})
    if attention is not None:
        options = {**options, "attention_options": attention}
    return Entry(name, LOCATOR, {**given, "model_options": options})


def network(model: str, **given: Any) -> Entry:
    """Return a network of the specification with options."""
    options = ", ".join(f"{key} {value}" for key, value in given.items())
    return Entry(f"{model}, {options}", model, {"model_options": given})


WHOLE = locator("locator")
GROUPS = {
    # All have the same number of parameters: a head with one token returns its value.
    "attention": [
        WHOLE,
        locator("none: a head per token", {"tokens_per_head": 1}),
        locator("dense: one head", {"tokens_per_head": EVERY_TOKEN}),
    ],
    "tokens-per-head": [
        locator(f"random, {tokens} per head", {"partition": "random", "tokens_per_head": tokens})
        for tokens in (2, 5, 10, 25)
    ],
    "partition": [
        WHOLE,
        *(
            locator(f"{kind}, 15 per head", {"partition": kind, "tokens_per_head": 15})
            for kind in ("random", "strided", "local")
        ),
    ],
    "correction": [
        locator("random, 10 per head", RANDOM),
        locator("corrected", {**RANDOM, "correction": True}),
        locator("corrected, 4 rounds", {**RANDOM, "correction": True, "rounds": 4}),
        locator("8 partitions in evaluation", RANDOM, partitions=8),
        locator("full attention in evaluation", RANDOM, partitions="full"),
    ],
    "gates": [
        Entry(
            f"sparse-attention-cnn, {' and '.join(gates) or 'no gate'}",
            "sparse-attention-cnn",
            {"model_options": {"output": "latency", "gates": gates}},
        )
        for gates in (("channel", "temporal"), ("channel",), ("temporal",), ())
    ],
    "heads": [
        WHOLE,
        locator("locator, scalar", model_options={"output": "scalar"}),
        *(
            network(model, output=output)
            for model in ("response-time-cnn", "light-sparse-attention-cnn")
            for output in ("latency", "scalar")
        ),
    ],
    "losses": [
        WHOLE,
        locator("squared", loss="squared"),
        locator("both", loss="both"),
        locator("kl, width 0.05 s", target_width=0.05),
        locator("kl, width 0.2 s", target_width=0.2),
        locator("no auxiliary outputs", auxiliary=0.0),
    ],
    "augmentation": [
        WHOLE,
        locator("no jitter", augment={"jitter": 0.0}),
        locator("no channel dropout", augment={"channel_dropout": 0.0}),
        locator("mixup", augment={"mixup": 0.5}),
        locator("noise", augment={"noise": 0.5}),
        # Scaling single channels has no effect on a network that z-scores its channels.
        locator("one scale per window", model_options={"standardize": "window"}),
        locator(
            "one scale per window, amplitude",
            model_options={"standardize": "window"},
            augment={"amplitude": 0.3},
        ),
        locator("no averaged weights", ema=0.0),
        locator("plateau in place of a cosine", schedule="plateau"),
    ],
}


def main() -> None:
    """Run the selected groups, and write a table for each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="the reference store")
    parser.add_argument("groups", nargs="*", metavar="group", help=f"of {', '.join(GROUPS)}; default: all")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1, help="number of runs to train in parallel")
    parser.add_argument("--runs", type=Path, default=Path("runs/ablations"))
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    unknown = sorted(set(options.groups) - set(GROUPS))
    if unknown:
        parser.error(f"no group {unknown[0]!r}; choose from {', '.join(GROUPS)}")
    machine.commit()
    data, split = DataConfig(path=str(options.data)), SplitConfig(kind="release", valid=("R4",), test=("R5",))
    windows = runs.load_windows(data, n_jobs=2)
    comparison = Comparison(options.runs, windows, data, split)
    for group in options.groups or GROUPS:
        comparison.run(GROUPS[group], options.seeds, options.workers)
        path = write_comparison(comparison, GROUPS[group], " ".join(["python", *sys.argv]))
        for name in (path, path.with_suffix(".tsv")):
            shutil.copy(name, options.out / f"ablation-{group}{name.suffix}")
        print(path.read_text())


if __name__ == "__main__":
    main()
