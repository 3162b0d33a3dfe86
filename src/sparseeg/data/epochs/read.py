"""Read folders of MNE epochs: each epoch is a window, and a metadata column is the target."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from sparseeg.arguments import Length, checked
from sparseeg.data.copies import noting_same_targets, without_copies
from sparseeg.data.epochs.choose import PATTERNS, choose_files, epochs_files
from sparseeg.data.epochs.file import Crop, EpochsFile, MissingColumn, read_epochs_file
from sparseeg.data.epochs.people import find_people
from sparseeg.data.epochs.targets import believable, in_seconds
from sparseeg.data.epochs.versions import check_versions
from sparseeg.data.people import dataset_name
from sparseeg.data.problems import LEFT_OUT, Problem, summarise
from sparseeg.data.provenance import ChannelChoice, Processing
from sparseeg.data.signals.channels import ChannelPlan, plan_channels
from sparseeg.data.tasks import NO_UNIT, Task, check_numbers
from sparseeg.data.windows import WindowSet
from sparseeg.engines import Progress, read_each
from sparseeg.errors import SparseEEGError, nearest


@checked
def read_epochs(
    path: Path | str,
    *,
    target: str | None,
    target_unit: str | None = None,
    max_rt: float | None = None,
    subject_pattern: str | None = None,
    proc: str | None = None,
    tmin: float | None = None,
    tmax: float | None = None,
    sfreq: float | None = None,
    margin: Length = 0.0,
    channels: ChannelChoice | None = None,
    n_jobs: int = 1,
    progress: Progress | None = None,
) -> WindowSet:
    """Return the epochs of a folder as windows, with a metadata column as their target.

    In a folder without files of MNE, the epochs of EEGLAB (`.set`) are read; their metadata are what the file
    says of the events of an epoch, see `read_eeglab_epochs`.

    Only EEG channels are read. Bad channels are kept, with a note among the problems, unless `channels` says
    that they are interpolated. Files whose info has another band, reference or baseline than that of most
    files are left out, with a problem.

    Parameters
    ----------
    path : folder with `*_epo.fif` or `*-epo.fif`, also in subfolders; files of one subject are joined.
    target : column of numbers in `epochs.metadata`; epochs without a number are dropped and counted.
    target_unit : "s", "ms" and "us" are converted to seconds; any other unit is kept. Files whose targets
        have another unit than those of most files are left out, with a problem.
    max_rt : longest time in seconds, for a target that is a time; by default 10 s, or the end of the window
        if that is more. Epochs with a longer time, or one of 0 s or less, are dropped and counted.
    subject_pattern : regular expression that finds the subject in the path of a file below the folder; see
        `find_people`. By default `sub-XX` in the names of folders and files, else the name of the file.
    proc : which files to read where names have `_proc-NAME` or `_desc-NAME`; "none" for those without.
    tmin, tmax : half-open crop in seconds from the event: round((tmax - tmin) * sfreq) samples from the first
        sample at or after tmin. The whole epoch by default.
    sfreq : sampling rate in Hz; epochs are resampled before they are cropped.
    margin : seconds around the crop by which windows may be moved, as far as the epochs reach.
    channels : how files with different channels are made alike, as in `Processing`.
    n_jobs, progress : as in `read_bids`.

    Raises
    ------
    SparseEEGError : there are no such files, no such column, or no usable epoch, or it is not clear whose
        epochs the files hold, or which version of them to read.
    """
    path = Path(path)
    check_numbers(sfreq, margin, max_rt)
    crop = _crop(tmin, tmax, sfreq, margin)
    if not epochs_files(path):
        raise SparseEEGError(
            f"{path}: no MNE epochs ({', '.join(PATTERNS[:2])}) in this folder or its subfolders"
        )
    files, problems = choose_files(path, proc)
    people = find_people(path, files, subject_pattern)
    read = read_each(partial(read_epochs_file, target=target, crop=crop), files, n_jobs, progress)
    _check_column(path, target, read)
    unit = (target_unit or NO_UNIT).strip()
    read = believable(path, read, str(target), unit, max_rt, problems)
    good = [result for result in read if isinstance(result, EpochsFile)]
    check_versions(path, good, people.of)
    plan = plan_channels([result.found for result in good], channels)
    if plan.note is not None:
        problems.append(Problem(path, *plan.note, "nothing"))
    kept = _alike(files, read, plan, crop, problems)
    if not kept:
        raise SparseEEGError(f"{path}: no usable epoch in {len(files)} files; {summarise(problems)}")
    rows = [_rows(number, *pair, people.of[pair[0]], path) for number, pair in enumerate(kept)]
    table = pd.concat(rows, ignore_index=True).assign(dataset=dataset_name(path))
    first = kept[0][1]
    windows = WindowSet(
        signals=[result.signal.reshape(-1, len(result.ch_names)) for _, result in kept],
        table=table,
        n_times=first.n_times,
        ch_names=first.ch_names,
        task=_task(str(target), "s" if in_seconds(unit) else unit, first, max_rt),
        processing=Processing(first.sfreq, channels=plan.choice),
        source=str(path),
        tmin=first.tmin,
        problems=tuple(problems),
        file_info=first.info,
        people=people.how,
    )
    return noting_same_targets(without_copies(windows)).noting_outside()


def _task(target: str, unit: str, epochs: EpochsFile, max_rt: float | None) -> Task:
    """Return the task of decoding a metadata column, whose name is the task's."""
    length = epochs.n_times / epochs.sfreq
    return Task(
        target,
        target,
        unit,
        locked=unit == "s",
        tmin=epochs.tmin,
        tmax=epochs.tmin + length,
        window=length,
        stride=length,
        crop=length,
        max_rt=max_rt,
    )


def _crop(tmin: float | None, tmax: float | None, sfreq: float | None, margin: float) -> Crop:
    for name, value in (("tmin", tmin), ("tmax", tmax)):
        if value is not None and not np.isfinite(value):
            raise SparseEEGError(f"{name} is {value}; give a finite number of seconds, or leave it out")
    if tmin is not None and tmax is not None and not tmax > tmin:
        raise SparseEEGError(f"no window from {tmin:g} to {tmax:g} s: tmax must be greater than tmin")
    return Crop(tmin, tmax, sfreq, margin)


def _check_column(path: Path, target: str | None, read: Sequence[EpochsFile | Problem]) -> None:
    """Raise SparseEEGError for a target that no file has, as a misspelt one, or that is text in all."""
    lacking = [result for result in read if isinstance(result, MissingColumn)]
    if not lacking or any(isinstance(result, EpochsFile) for result in read):
        return
    numeric = sorted({name for result in lacking for name in result.numeric})
    text = next((result for result in lacking if result.is_text), None)
    if text is not None:
        columns = f"decode a column of numbers ({', '.join(numeric)}), or " if numeric else ""
        raise SparseEEGError(
            f"{text.path}: {text.reason}; {columns}write numbers into {target}, as 0 and 1 for two categories"
        )
    if not numeric:
        raise SparseEEGError(f"{path}: no epochs have metadata with a column of numbers to decode")
    columns = f"columns of numbers: {', '.join(numeric)}"
    if target is None:
        raise SparseEEGError(
            f"{path} holds MNE epochs: name the metadata column to decode as target; {columns}"
        )
    raise SparseEEGError(f"{path}: no metadata column {target!r}; {columns}.{nearest(target, numeric)}")


def _alike(
    files: Sequence[Path],
    read: Sequence[EpochsFile | Problem],
    plan: ChannelPlan,
    crop: Crop,
    problems: list[Problem],
) -> list[tuple[Path, EpochsFile]]:
    """Return the files, made alike, with the most frequent shape and info; note the others as problems."""
    fitted = [_fitted(result, plan) for result in read]
    fitting = [result for result in fitted if isinstance(result, EpochsFile)]
    shapes = [_shape(result) for result in fitting]
    shape = max(shapes, key=shapes.count, default=None)
    infos = [str(result.info) for result in fitting if _shape(result) == shape]
    info = max(infos, key=infos.count, default=None)
    kept = []
    for file, result in zip(files, fitted, strict=True):
        if isinstance(result, Problem):
            problems.append(result)
        elif _shape(result) != shape:
            reason = f"{_shape(result)}, but most files have {shape}; {_remedy(crop)}"
            problems.append(Problem(file, reason, LEFT_OUT))
        elif str(result.info) != info:
            reason = f"its info says {result.info}, but most files say {info}; process all files alike"
            problems.append(Problem(file, reason, LEFT_OUT))
        else:
            problems += result.problems
            kept.append((file, result))
    return kept


def _fitted(result: EpochsFile | Problem, plan: ChannelPlan) -> EpochsFile | Problem:
    if isinstance(result, Problem):
        return result
    fit = plan.fit(result.found, result.path, None)
    return fit if isinstance(fit, Problem) else result.fitted(fit)


def _shape(result: EpochsFile) -> str:
    return f"{result.n_times} samples at {result.sfreq:g} Hz from {result.tmin:.3f} s"


def _remedy(crop: Crop) -> str:
    """Return what makes the samples of files alike: options that were not given, if there are any."""
    missing = [name for name in ("sfreq", "tmin", "tmax") if getattr(crop, name) is None]
    if not missing:
        return "cut all epochs at the same times in MNE"
    return f"give {' and '.join(filter(None, (', '.join(missing[:-1]), missing[-1])))} for all"


def _rows(number: int, file: Path, result: EpochsFile, subject: str, path: Path) -> pd.DataFrame:
    length = result.signal.shape[1]
    earliest = np.arange(len(result.target)) * length
    return pd.DataFrame(
        {
            "recording": number,
            "start": earliest + result.before,
            "target": result.target,
            "subject": subject,
            "trial": result.trial,
            "file": file.relative_to(path).as_posix(),
            "earliest": earliest,
            "latest": earliest + length - result.n_times,
        }
    )
