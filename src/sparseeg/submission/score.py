"""Score a submission as the challenge's local scoring does, with intervals and checks beyond it."""

import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sparseeg.data import tasks
from sparseeg.data.bids import hbn
from sparseeg.data.load import load, recognise
from sparseeg.data.store.prepare import Options, prepare
from sparseeg.data.store.store import options_of
from sparseeg.data.windows import WindowSet
from sparseeg.engines import Progress
from sparseeg.errors import SparseEEGError
from sparseeg.evaluation.metrics import nrmse, spearman_of_subjects, summarize
from sparseeg.files.lock import only_writer
from sparseeg.prediction.example_windows import noise_windows
from sparseeg.submission.archive import unpack
from sparseeg.submission.challenge import N_TIMES, SHARES, TASKS, TOLERANCE, VOLTS, check_windows
from sparseeg.submission.sandbox import NORMAL, Limits, SandboxResult, run_submission

ORDER_SEED = 0
REPEATED = 64  # windows that are asked again, to tell order from chance


@dataclass(frozen=True)
class ChallengeScore:
    """The score of a submission in one challenge.

    Parameters
    ----------
    challenge : 1 (response time) or 2 (externalizing).
    scores : keys as in `evaluation.metrics.summarize`; `nrmse` is the challenge's score.
    kept : the same without the subjects that the start kit excludes; None if there are no such subjects.
    shuffled_nrmse, moved : NRMSE with the windows in another order, and the largest change of a prediction;
        None if this was not checked.
    repeats : whether the first windows, in the same order again, get the same predictions; None if the
        order makes no difference.
    seconds_per_window, peak_bytes : time and memory at batch size 1; on Windows, the memory is None.
    not_enforced : one sentence for each limit that was not enforced.
    predictions : one row per window, in the order of the scoring.
    """

    challenge: int
    scores: dict[str, Any]
    kept: dict[str, Any] | None
    shuffled_nrmse: float | None
    moved: float | None
    repeats: bool | None
    seconds_per_window: float
    peak_bytes: int | None
    not_enforced: tuple[str, ...]
    predictions: pd.DataFrame

    @property
    def depends_on_order(self) -> bool:
        """Whether predictions change with the order of the windows."""
        return self.moved is not None and self.moved > TOLERANCE

    def by_subject(self) -> pd.DataFrame:
        """Return the scores of each subject: windows, means, RMSE, and rank correlation over trials."""
        found = self.predictions
        error = (found["prediction"] - found["target"]) ** 2
        groups = found.assign(error=error).groupby("subject", sort=True)
        table = groups.agg(
            windows=("target", "size"),
            target=("target", "mean"),
            prediction=("prediction", "mean"),
            rmse=("error", lambda values: float(np.sqrt(values.mean()))),
        )
        if self.challenge == 1:
            table["spearman"] = spearman_of_subjects(found["target"], found["prediction"], found["subject"])
        return table.reset_index()


def challenge_windows(
    challenge: int,
    data: Path,
    cache: Path,
    releases: Sequence[str] | None = (hbn.VALIDATION_RELEASE,),
    n_jobs: int = 1,
    progress: Progress | None = None,
) -> WindowSet:
    """Return the windows of the official scoring, in its order, with all subjects.

    Parameters
    ----------
    challenge : 1 or 2.
    data : a BIDS folder, for example of release R5, or a store that was prepared with excluded subjects.
    cache : folder for the store that is made of a BIDS folder.
    releases : HBN releases to score; None for all.
    n_jobs, progress : as in `read_bids`.

    Raises
    ------
    SparseEEGError : there is nothing to read, or the windows are not those of the challenge.
    """
    kind = recognise(data)
    task = tasks.find_task(TASKS[challenge], tasks.TaskFile(bids_tasks=(hbn.CONTRAST_TASK,)))
    options = Options(
        releases=None if releases is None else tuple(releases), keep_excluded=True, keep_bad=True
    )
    if kind == "store":
        windows = load(data, task=task.name, releases=releases)
        _check_prepared(data, windows, task, options)
    elif kind == "bids":
        cached = cache / "-".join((task.name, *(releases or ())))
        with only_writer(cached):
            windows = prepare(data.resolve(), cached, task, options, n_jobs=n_jobs, progress=progress)
    else:
        raise SparseEEGError(f"{data} holds MNE epochs; the scoring takes a BIDS folder or a store")
    check_windows(challenge, windows.provenance, str(data))
    return windows


def _check_prepared(path: Path, windows: WindowSet, task: tasks.Task, options: Options) -> None:
    """Raise SparseEEGError unless a store was prepared with the options of the official windows.

    This is stricter than `check_windows`: windows at other times, or of other subjects, are refused, too.
    """
    own = asdict(windows.task) | asdict(windows.processing)
    own["keep_excluded"] = options_of(path).get("keep_excluded", False)
    official = asdict(task) | asdict(options.processing)
    official["keep_excluded"] = options.keep_excluded
    if own["channels"] != "interpolate":  # check_windows compares the channels
        del official["channels"]
    for name, value in official.items():
        if own[name] != value:
            raise SparseEEGError(
                f"{path}: prepared with {name} {own[name]}, the official windows with {value}; score the "
                "BIDS folder that the store was made of (--cache keeps its windows for the next call)"
            )


def _no_progress(challenge: int) -> Progress:
    """Return a function that reports no progress."""

    def ignore(done: int, total: int) -> None:
        pass

    return ignore


def score(
    archive: Path,
    windows: dict[int, WindowSet],
    *,
    device: str = "cpu",
    limits: Limits = NORMAL,
    python: str = sys.executable,
    check_order: bool = True,
    progress: Callable[[int], Progress] = _no_progress,
) -> list[ChallengeScore]:
    """Score a submission as the challenge does: windows in volts, one at a time, in order.

    Parameters
    ----------
    archive : the zip.
    windows : windows of each challenge to score.
    device : "cpu" or "cuda".
    limits : limits of each pass over the windows of a challenge.
    python : interpreter to use, for example of an environment like the challenge's image.
    check_order : predict a second time with the windows in another order.
    progress : called with the challenge, returns the function to call as `progress(done, total)`.

    Raises
    ------
    SparseEEGError : the zip is not a valid submission, or its code fails.
    """
    with tempfile.TemporaryDirectory(prefix="sparseeg-") as temporary:
        folder = Path(temporary)
        unpack(archive, folder)
        predict = partial(
            run_submission, folder, name=archive.name, device=device, limits=limits, python=python
        )
        return [
            _score(challenge, chosen, predict, check_order, progress(challenge))
            for challenge, chosen in windows.items()
        ]


def try_out(
    archive: Path,
    challenges: Sequence[int],
    *,
    device: str = "cpu",
    limits: Limits = NORMAL,
    python: str = sys.executable,
) -> list[str]:
    """Predict for one window of noise in each challenge, to find errors before data are read.

    Arguments and errors as in `score`. Returns notes on what the challenge accepts, but a submission should
    not do.
    """
    window = noise_windows(len(hbn.CH_NAMES), N_TIMES, 1) * np.float32(VOLTS)
    with tempfile.TemporaryDirectory(prefix="sparseeg-") as temporary:
        folder = Path(temporary)
        notes = unpack(archive, folder)
        for challenge in challenges:
            result = run_submission(
                folder,
                challenge,
                [window],
                name=archive.name,
                device=device,
                limits=limits,
                python=python,
            )
            notes += [f"challenge {challenge}: {note}" for note in result.notes]
    return notes


def overall(scores: Sequence[ChallengeScore]) -> float | None:
    """Return the final score of a submission; None unless both challenges were scored."""
    found = {score.challenge: score.scores["nrmse"] for score in scores}
    if set(found) != set(SHARES):
        return None
    return sum(share * found[challenge] for challenge, share in SHARES.items())


def _one_by_one(windows: WindowSet, order: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the windows in volts, float32 (1, channel, time), as MNE returns them."""
    for index in order:
        microvolts = windows.gather([index]).astype(np.float64)
        yield (microvolts * VOLTS).astype(np.float32)


def _score(
    challenge: int,
    windows: WindowSet,
    predict: Callable[..., SandboxResult],
    check_order: bool,
    progress: Progress,
) -> ChallengeScore:
    """Predict for the windows of a challenge, once or twice, and score the predictions."""
    n = len(windows)
    total = n * (1 + check_order)
    order = np.arange(n)
    result = predict(challenge, _one_by_one(windows, order), progress=lambda done: progress(done, total))
    values, shuffled, moved, repeats = result.values, None, None, None
    if check_order:
        order = np.random.default_rng(ORDER_SEED).permutation(n)
        again = predict(
            challenge, _one_by_one(windows, order), progress=lambda done: progress(n + done, total)
        )
        shuffled = again.values[np.argsort(order)]
        moved = float(np.abs(shuffled - values).max())
        if moved > TOLERANCE:
            first = predict(challenge, _one_by_one(windows, np.arange(min(n, REPEATED))))
            repeats = bool(np.abs(first.values - values[: len(first.values)]).max() <= TOLERANCE)
    if not np.isfinite(values).all():
        count = int((~np.isfinite(values)).sum())
        raise SparseEEGError(
            f"challenge {challenge}: {count} of {n} predictions are NaN or infinite, so there is no score"
        )
    target, subjects = windows.targets, windows.subjects
    kept = ~np.isin(subjects, sorted(hbn.EXCLUDED_SUBJECTS))
    known = [
        name for name in ("release", "subject", "task", "run", "onset", "target") if name in windows.table
    ]
    return ChallengeScore(
        challenge=challenge,
        scores=summarize(target, values, subjects),
        kept=None if kept.all() or not kept.any() else summarize(target[kept], values[kept], subjects[kept]),
        shuffled_nrmse=None if shuffled is None else nrmse(target, shuffled),
        moved=moved,
        repeats=repeats,
        seconds_per_window=result.seconds / max(1, n),
        peak_bytes=result.peak_bytes,
        not_enforced=result.not_enforced,
        predictions=windows.table[known].assign(prediction=values),
    )
