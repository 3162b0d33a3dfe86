"""The sentences of a page: what was asked, what the scores mean, and how it was done."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sparseeg.data.provenance import Provenance
from sparseeg.report.score_table import LABELS, number
from sparseeg.training.config import SplitConfig, TrainConfig
from sparseeg.training.subjects import SplitSubjects

# Public leaderboard of the EEG Foundation Challenge (HBN-EEG, hidden release 12), 184 entries.
LEADERBOARD = {
    "response-time": {"challenge 1, best entry": 0.88668, "challenge 1, median entry": 1.00005},
    "externalizing": {"challenge 2, best entry": 0.97843},
}
REFERENCES = {
    "adamw": "Loshchilov and Hutter (2019), Decoupled weight decay regularization. arXiv 1711.05101.",
    "rba": "Random Batch Attention. arXiv 2511.06044.",
    "bootstrap": "Efron and Tibshirani (1993), An introduction to the bootstrap. Chapman and Hall.",
    "conformal": (
        "Angelopoulos and Bates (2023), Conformal prediction: a gentle introduction. Foundations and Trends "
        "in Machine Learning 16, 494-591."
    ),
    "mne": (
        "Gramfort et al. (2013), MEG and EEG data analysis with MNE-Python. Frontiers in Neuroscience 7, 267."
    ),
    "torch": (
        "Paszke et al. (2019), PyTorch: an imperative style, high-performance deep learning library. NeurIPS "
        "32."
    ),
    "gradients": (
        "Sundararajan, Taly and Yan (2017), Axiomatic attribution for deep networks. arXiv 1703.01365."
    ),
    "sanity": "Adebayo et al. (2018), Sanity checks for saliency maps. arXiv 1810.03292.",
    "patterns": (
        "Haufe et al. (2014), On the interpretation of weight vectors of linear models in multivariate "
        "neuroimaging. NeuroImage 87, 96-110."
    ),
}
_UNCLEAR = "the interval of its score includes 1, that of the best constant"
_BETTER = "the interval of its score lies below 1, that of the best constant"


def asked(metrics: Mapping[str, Any], splits: Sequence[SplitSubjects]) -> str:
    """Return what was asked of which data, in one sentence."""
    source = "simulated EEG" if metrics["data"]["simulated"] else "EEG"
    sentence = (
        f"The {target_of(metrics)} ({metrics['unit']}) was predicted from {source} "
        f"({_short(metrics['data']['source'])}) by {metrics['model']}, and scored on "
        f"{metrics['n_trials']:,} trials of {metrics['n_subjects']} people"
    )
    if len(splits) == 1:
        split = splits[0]
        sentence += (
            f", after training on {len(split.train)} other people and validating on "
            f"{len(split.valid)} further ones"
        )
    elif splits:
        sentence += f", each person by a network that trained without them ({len(splits)} splits)"
    return sentence + "."


def _short(source: str) -> str:
    """Return the last two parts of a path; the whole one is in the configuration."""
    return "/".join(Path(source).parts[-2:])


def target_of(metrics: Mapping[str, Any]) -> str:
    """Return the name of what was predicted; the first versions named the task only."""
    target = str(metrics.get("target", metrics["task"]))
    return {"rt": "response time"}.get(target, target)


def answered(metrics: Mapping[str, Any]) -> str:
    """Return what the scores mean, in one or two sentences."""
    low, high = (np.nan if end is None else end for end in metrics["nrmse_ci95"])
    score = f"NRMSE {number(_value(metrics['nrmse']), 3)}, 95 % interval {number(low)} to {number(high)}"
    unscored = not np.isfinite(_value(metrics["nrmse"]))
    if unscored:
        verdict = "All scored targets are the same: there is no NRMSE, and nothing that could be predicted."
    elif np.isnan(low):
        verdict = f"The score of one person says little about others ({score})."
    elif high < 1:
        verdict = f"The model predicts better than any constant would: {_BETTER} ({score})."
    elif low > 1:
        verdict = f"The model predicts worse than the best constant ({score})."
    else:
        verdict = (
            f"The scored people do not show that the model is better than a constant: {_UNCLEAR} ({score})."
        )
    others = {
        LABELS[name]: _value(scores["nrmse"])
        for name, scores in metrics["baselines"].items()
        if name not in ("train_mean", "subject_mean_oracle", "subject_mean_loo")
    }
    better = [name for name, value in others.items() if value < _value(metrics["nrmse"])]
    if unscored:
        return verdict
    if better:
        verdict += f" {_listed(better).capitalize()} scored better on the same trials."
    elif others:
        verdict += f" It scored better than {_listed(list(others))}, on the same trials."
    return verdict


def _value(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _split(config: SplitConfig) -> str:
    """Return who trained, validated and tested, for a paragraph of methods."""
    if config.kind in ("kfold", "loso"):
        how = "leave-one-subject-out" if config.kind == "loso" else f"{config.folds}-fold"
        return (
            f"In {how} cross-validation over people, every person was tested once, by a network that was "
            "trained and validated on others."
        )
    return "People were split into training, validation and test; nobody was in two parts."


def methods(
    config: TrainConfig,
    inputs: Provenance,
    metrics: Mapping[str, Any],
    n_parameters: int,
    epochs: str,
    shown: Collection[str],
) -> tuple[str, list[str]]:
    """Return a paragraph about the methods of a run, to paste into a paper, and its references.

    Parameters
    ----------
    config, inputs, metrics : of the run.
    n_parameters : of one network.
    epochs : how long it was trained, as "26 epochs".
    shown : names of the pictures of what the network looked at.
    """
    processing, task = inputs.processing, inputs.task
    end = inputs.tmin + inputs.n_times / processing.sfreq
    steps = [f"sampled at {processing.sfreq:g} Hz"]
    edges = [
        f"{word} at {edge:g} Hz"
        for word, edge in (
            ("high-pass filtered", processing.low_cut),
            ("low-pass filtered", processing.high_cut),
        )
        if edge is not None
    ]
    steps += edges or ["not filtered further"]
    if processing.reference:
        steps.append(f"referenced to {', '.join(processing.reference)}")
    event = f"{inputs.tmin:g} to {end:g} s after the event" if task.locked or task.rule else f"{end:g} s"
    sentences = [
        f"Windows of {len(inputs.ch_names)} EEG channels ({event}) were cut with MNE-Python [1] from "
        f"recordings that were {', '.join(steps)}.",
        f"{config.model} ({n_parameters:,} parameters; sparseeg {metrics['version']}, PyTorch [2]) was "
        f"trained by AdamW [3] with a learning rate of {config.learning_rate:g} in batches of "
        f"{config.batch_size} for {epochs}"
        + (
            f"; the epoch with the smallest error on the validation people was kept (patience "
            f"{config.patience})"
            if config.keep == "best"
            else "; the last epoch was kept"
        )
        + (f", as a moving average of the weights (decay {config.ema:g})" if config.ema else "")
        + (f"; {config.seeds} networks were averaged" if config.seeds > 1 else "")
        + ".",
        _split(config.split),
        "Scores are the root mean squared error divided by the population standard deviation of the scored "
        "targets, pooled over trials, with 95 % bootstrap intervals over people [4].",
    ]
    names = ["mne", "torch", "adamw", "bootstrap"]
    if "interval" in metrics:
        names.append("conformal")
        sentences.append(
            f"Prediction intervals were calibrated on the validation people [{len(names)}], for new people, "
            "without a finite-sample guarantee."
        )
    if "sparse" in config.model:
        names.append("rba")
        sentences.append(f"Its attention deals the tokens to heads, each token to one [{len(names)}].")
    if config.control:
        sentences.append("As a control, the same network was trained on shuffled targets.")
    if "attribution" in shown:
        names += ["gradients", "sanity"]
        sentences.append(
            f"Attributions are integrated gradients [{len(names) - 1}], compared with those of a network "
            f"with random weights [{len(names)}]."
        )
    if "filters" in shown:
        names.append("patterns")
        sentences.append(f"Spatial patterns are the covariance times the filters [{len(names)}].")
    return " ".join(sentences), [f"[{place}] {REFERENCES[name]}" for place, name in enumerate(names, start=1)]
