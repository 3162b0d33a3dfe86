"""The challenge's local scoring of a zip, and what it doesn't show."""

import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sparseeg.data import tasks
from sparseeg.data.bids import hbn
from sparseeg.data.load import load, recognise
from sparseeg.data.provenance import Processing
from sparseeg.data.store.prepare import Options, prepare
from sparseeg.data.store.store import options_of
from sparseeg.data.windows import WindowSet
from sparseeg.errors import SparseEEGError
from sparseeg.evaluation.metrics import nrmse, spearman_of_subjects, summarize
from sparseeg.files.lock import only_writer
from sparseeg.prediction.windows_to_try import noise
from sparseeg.submission.archive import unpack
from sparseeg.submission.challenge import N_TIMES, SHARES, TASKS, TOLERANCE, VOLTS, check_windows
from sparseeg.submission.sandbox import NORMAL, Answers, Limits, ask

ORDER_SEED = 0

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class ChallengeScore:
    """What a submission scores in one challenge.

    Parameters
    ----------
    challenge : 1 (response time) or 2 (externalizing).
    scores : keys as in `evaluation.metrics.summarize`; `nrmse` is the challenge's own.
    kept : the same without the subjects that the start kit leaves out; None where there are none of them.
    shuffled_nrmse, moved : the score where the windows come in another order, and by how much the farthest
        answer moved; None where that wasn't asked.
    seconds_per_window, peak_bytes : in its process, batch size 1.
    predictions : one row per window, in the order of the scoring.
    """

    challenge: int
    scores: dict[str, Any]
    kept: dict[str, Any] | None
    shuffled_nrmse: float | None
    moved: float | None
    seconds_per_window: float
    peak_bytes: int
    predictions: pd.DataFrame

    @property
    def depends_on_order(self) -> bool:
        """Whether the same windows in another order got other answers."""
        return self.moved is not None and self.moved > TOLERANCE

    def by_subject(self) -> pd.DataFrame:
        """Return the scores of each subject: windows, means, RMSE, and the rank correlation of its trials."""
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
    data : a BIDS folder, as of release R5, or a store that was prepared with its excluded subjects.
    cache : folder of the store that is made of a BIDS folder.
    releases : HBN releases to score; None for all there is.

    Raises
    ------
    SparseEEGError : nothing to read, or windows that are not the challenge's.
    """
    kind = recognise(data)
    task = tasks.find_task(TASKS[challenge], tasks.TaskFile(bids_tasks=(hbn.CONTRAST_TASK,)))
    options = Options(releases=None if releases is None else tuple(releases), keep_excluded=True)
    if kind == "store":
        windows = load(data, task=task.name, releases=releases)
        _check_official(data, windows, task, options.processing)
    elif kind == "bids":
        cached = cache / "-".join((task.name, *(releases or ())))
        with only_writer(cached):
            windows = prepare(data.resolve(), cached, task, options, n_jobs=n_jobs, progress=progress)
    else:
        raise SparseEEGError(f"{data} holds MNE epochs; the scoring takes a BIDS folder or a store")
    check_windows(f"{data}: windows of", windows.n_chans, windows.n_times, windows.sfreq)
    return windows


def _check_official(path: Path, windows: WindowSet, task: tasks.Task, processing: Processing) -> None:
    """Raise SparseEEGError for a store whose windows were made in another way than the official ones."""
    own = {**asdict(windows.task), **asdict(windows.processing), "keep_excluded": False, **options_of(path)}
    official = {
        **asdict(task),
        **asdict(replace(processing, channels=own["channels"])),
        "keep_excluded": True,
    }
    for name, value in official.items():
        if own[name] != value:
            raise SparseEEGError(
                f"{path}: prepared with {name} {own[name]}, the official windows with {value}; score the "
                "BIDS folder that it was made of (--cache keeps its windows for the next time)"
            )


def score(
    archive: Path,
    windows: dict[int, WindowSet],
    *,
    device: str = "cpu",
    limits: Limits = NORMAL,
    python: str = sys.executable,
    check_order: bool = True,
    progress: Callable[[int], Progress] = lambda challenge: lambda done, total: None,
) -> list[ChallengeScore]:
    """Score a submission as the challenge does: windows in volts, one by one, in order.

    Parameters
    ----------
    archive : the zip, of anybody.
    windows : by challenge; those that aren't there aren't scored.
    device : "cpu" or "cuda".
    limits : of each pass over a challenge's windows.
    python : the interpreter, of this environment or of one like the challenge's image.
    check_order : ask again in another order.
    progress : called with a challenge; what it returns is called as `progress(done, total)`.

    Raises
    ------
    SparseEEGError : what is wrong with the zip or what its code does, in one line.
    """
    with tempfile.TemporaryDirectory(prefix="sparseeg-") as place:
        folder = Path(place)
        unpack(archive, folder)
        options: dict[str, Any] = {"name": archive.name, "device": device, "limits": limits, "python": python}
        passes = partial(_passes, partial(ask, folder, **options), check_order)
        return [
            _score(challenge, chosen, *passes(challenge, chosen, progress(challenge)))
            for challenge, chosen in windows.items()
        ]


def try_out(
    archive: Path,
    challenges: Sequence[int],
    *,
    device: str = "cpu",
    limits: Limits = NORMAL,
    python: str = sys.executable,
) -> None:
    """Ask a submission one made-up window of each challenge, before there is much to read.

    Raises SparseEEGError as `score` does.
    """
    window = noise(len(hbn.CH_NAMES), N_TIMES, 1) * np.float32(VOLTS)
    with tempfile.TemporaryDirectory(prefix="sparseeg-") as place:
        unpack(archive, Path(place))
        for challenge in challenges:
            ask(
                Path(place),
                challenge,
                [window],
                name=archive.name,
                device=device,
                limits=limits,
                python=python,
            )


def overall(scores: Sequence[ChallengeScore]) -> float | None:
    """Return the final score of a submission, where both challenges were scored."""
    found = {one.challenge: one.scores["nrmse"] for one in scores}
    if set(found) != set(SHARES):
        return None
    return sum(share * found[challenge] for challenge, share in SHARES.items())


def _passes(
    ask: Callable[..., Answers],
    check_order: bool,
    challenge: int,
    windows: WindowSet,
    progress: Progress,
) -> tuple[np.ndarray, np.ndarray | None, float, int]:
    """Return the answers in order, those in another order, and what the first pass took."""
    n = len(windows)
    total = n * (1 + check_order)
    first = ask(challenge, _one_by_one(windows, np.arange(n)), progress=lambda done: progress(done, total))
    again = None
    if check_order:
        order = np.random.default_rng(ORDER_SEED).permutation(n)
        answers = ask(challenge, _one_by_one(windows, order), progress=lambda done: progress(n + done, total))
        again = answers.values[np.argsort(order)]
    return first.values, again, first.seconds / max(1, n), first.peak_bytes


def _one_by_one(windows: WindowSet, order: np.ndarray) -> Iterator[np.ndarray]:
    """Give the windows in volts, float32 (1, channel, time), as MNE returns them."""
    for index in order:
        microvolts = windows.gather([index]).astype(np.float64)
        yield (microvolts * VOLTS).astype(np.float32)


def _score(
    challenge: int,
    windows: WindowSet,
    answers: np.ndarray,
    again: np.ndarray | None,
    seconds_per_window: float,
    peak_bytes: int,
) -> ChallengeScore:
    if not np.isfinite(answers).all():
        count = int((~np.isfinite(answers)).sum())
        raise SparseEEGError(
            f"challenge {challenge}: {count} of {len(answers)} answers are no finite numbers: no score"
        )
    target, subjects = windows.targets, windows.subjects
    kept = ~np.isin(subjects, sorted(hbn.EXCLUDED_SUBJECTS))
    known = [
        name for name in ("release", "subject", "task", "run", "onset", "target") if name in windows.table
    ]
    return ChallengeScore(
        challenge=challenge,
        scores=summarize(target, answers, subjects),
        kept=None if kept.all() or not kept.any() else summarize(target[kept], answers[kept], subjects[kept]),
        shuffled_nrmse=None if again is None else nrmse(target, again),
        moved=None if again is None else float(np.abs(again - answers).max()),
        seconds_per_window=seconds_per_window,
        peak_bytes=peak_bytes,
        predictions=windows.table[known].assign(prediction=answers),
    )
