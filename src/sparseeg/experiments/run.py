"""A run folder: train in it, evaluate its networks.

With one split, networks are saved in the folder itself; cross-validation has one folder per split below
`folds/`. Controls (the same network on shuffled targets) are in `controls/` beside the network they control.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sparseeg import __version__, models
from sparseeg.data import load
from sparseeg.data.bids.hbn import missing_releases, release
from sparseeg.data.bids.layout import without_version
from sparseeg.data.copies import check_no_copies, without_copies
from sparseeg.data.load import recognise
from sparseeg.data.match import concatenate, match
from sparseeg.data.people import tell_apart
from sparseeg.data.problems import write_problems
from sparseeg.data.splits import Split
from sparseeg.data.windows import WindowSet
from sparseeg.engines import Progress, Report, ignore
from sparseeg.errors import SparseEEGError
from sparseeg.evaluation.controls import shuffled
from sparseeg.evaluation.evaluate import add_constant_baselines, evaluate
from sparseeg.experiments import predictions as scoring
from sparseeg.experiments.splits import SplitFolder, make_splits, stored_rows, stored_split
from sparseeg.files.atomic import write_json, write_whole
from sparseeg.files.tsv import exact
from sparseeg.models.partitions import Partitions
from sparseeg.training.calibrate import Calibration
from sparseeg.training.config import DataConfig, TrainConfig
from sparseeg.training.ensemble import fit_members, network_files
from sparseeg.training.fingerprints import check_same_windows
from sparseeg.training.fit import network_spec
from sparseeg.training.inputs import Inputs, as_started
from sparseeg.training.lineage import seen_by
from sparseeg.training.people import other_people, own_people, started_people
from sparseeg.training.run_folder import start_run
from sparseeg.training.subjects import SplitSubjects, read_subjects, split_folders

_SHUFFLED = {
    "shuffled_trials": "on targets shuffled among all trials",
    "shuffled_within_subject": "on targets shuffled within each subject",
    "shuffled_between_subjects": "on targets shuffled between subjects",
}


def load_windows(
    data: DataConfig,
    margin: float = 0.0,
    n_jobs: int = 1,
    progress: Progress | None = None,
    report: Report = ignore,
) -> WindowSet:
    """Read the windows that a configuration names, with `margin` seconds around them.

    Several folders become one set, made like the first; `report` is told what was done to the others. Where
    some hold the test subjects, the column `test_data` says which. Raises SparseEEGError where two folders
    share a recording, or can't be made alike.
    """
    paths = (*data.path, *(data.test_path or ()))
    epochs = {path for path in paths if recognise(Path(path)) == "epochs"} or set(paths)
    sets = [
        load(
            Path(path),
            task=data.task,
            target=data.target,
            target_unit=data.target_unit,
            max_rt=data.max_rt,
            subject_pattern=data.subject_pattern if path in epochs else None,
            proc=data.proc if path in epochs else None,
            tmin=data.tmin,
            tmax=data.tmax,
            sfreq=data.sfreq,
            releases=data.releases if path in data.path else None,
            every_release=len(data.path) == 1,
            keep_bad=data.keep_bad,
            channels=data.channels,
            margin=margin,
            n_jobs=n_jobs,
            progress=progress,
        )
        for path in paths
    ]
    _check_releases(data, sets[: len(data.path)])
    _check_different(paths, sets)
    if data.test_path is not None:
        sets = [
            replace(part, table=part.table.assign(test_data=number >= len(data.path)))
            for number, part in enumerate(sets)
        ]
    roots = [Path(part.source) for part in sets for _ in part.signals]
    windows, notes = concatenate(sets, paths)
    if len(sets) > 1:
        windows = without_copies(windows, roots)
    for note in notes:
        report(note)
    return windows


def _check_releases(data: DataConfig, sets: Sequence[WindowSet]) -> None:
    """Raise SparseEEGError if no set has a window of a release that was named."""
    found = {name for windows in sets for name in windows.table.get("release", ())}
    missing = missing_releases({release(name) for name in data.releases or ()}, found)
    if missing:
        raise SparseEEGError(f"no window of release {', '.join(missing)} in {', '.join(data.path)}")


def _check_different(paths: Sequence[str], sets: Sequence[WindowSet]) -> None:
    """Raise SparseEEGError where two sets have a recording in common: it would count twice."""
    seen: dict[tuple[str, str], str] = {}
    sets, _ = tell_apart(sets)
    for path, windows in zip(paths, sets, strict=True):
        if "file" not in windows.table:
            continue
        files = windows.table["file"].astype(str)
        # BIDS names tell subject, session, task and run; copies and derivatives of a data set differ in
        # folders, endings and what says how they were processed.
        recordings = {
            (subject, without_version(Path(file).stem))
            for subject, file in zip(windows.subjects, files, strict=True)
        }
        for subject, name in sorted(recordings & seen.keys()):
            raise SparseEEGError(
                f"{seen[subject, name]} and {path} both hold {name} of {subject}; give each recording once"
            )
        seen |= dict.fromkeys(recordings, path)


def train(config: TrainConfig, windows: WindowSet, out: Path, report: Report) -> dict[str, Any]:
    """Train, evaluate and fill the run folder `out`; return the content of `metrics.json`.

    Networks that are complete in the folder are kept, and an interrupted fit goes on from its last epoch.
    Raises SparseEEGError for input that doesn't fit, and TrainingInterrupted on Ctrl-C.
    """
    windows = started_people(out, config.init, windows, report)
    splits = make_splits(out, windows, config.split)
    start_run(out, config, windows, [split.rows for split in splits])
    windows = as_started(out, windows, network_spec(windows, config), report)
    write_problems(windows.problems, out)
    for number, split in enumerate(splits, start=1):
        title = f"split {number} of {len(splits)}: " if len(splits) > 1 else ""
        fit_split(windows, split, config, partial(_titled, report, title))
    return _score(config, windows, splits, out, report)


def reevaluate(
    run: Path,
    own: WindowSet | None,
    other: WindowSet | None,
    out: Path,
    report: Report,
    partitions: Partitions | None = None,
    paths: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Score the networks of a run again; write `metrics.json` and `predictions.tsv` to `out`.

    Parameters
    ----------
    own : the data the run was trained on; None where they are gone. Scores on other recordings then lack the
        learned baselines, as they do where these data have changed since.
    other : recordings to test on instead of the run's own test part; none of their subjects may have trained
        or validated the network.
    partitions : what layers of random attention attend to, in place of what the run's configuration says.
    paths : where `other` was read from; `metrics.json` keeps it.
    """
    config = TrainConfig.read(run)
    if paths is not None:
        config = config.model_copy(update={"data": config.data.model_copy(update={"path": tuple(paths)})})
    if partitions is not None:
        config = config.model_copy(update={"partitions": partitions})
    stored = read_subjects(run)
    folders = split_folders(run, len(stored))
    if own is not None:
        try:
            own = own_windows(run, own, report)
        except SparseEEGError as error:
            if other is None:
                raise
            own = None
            report(without_own(error))
    if other is None:
        if own is None:
            raise SparseEEGError(f"{run}: neither the run's own data nor others to evaluate it on")
        splits = [
            stored_split(folder, subjects, own, report)
            for folder, subjects in zip(folders, stored, strict=True)
        ]
        for folder, subjects in zip(folders, stored, strict=True):
            valid = [] if subjects.test else subjects.valid
            _check_unseen(folder, subjects.test, valid, "evaluate on other subjects", report)
        return _score(config, own, splits, out, report)
    if len(folders) > 1:
        raise SparseEEGError(f"{run} is a cross-validation: it has no single network to try on other data")
    name = other.source if paths is None else ", ".join(paths)
    other = other_windows(run, other, report, name)
    advice = "evaluate on other subjects, or leave these out with --leave-out-seen"
    _check_unseen(run, set(other.subjects.tolist()), (), advice, report)
    rows = None if own is None else stored_rows(stored[0], own, report)
    if own is None or rows is None or not (len(rows.train) and len(rows.valid)):
        nobody = np.empty(0, dtype=np.intp)
        split = SplitFolder(run, Split(nobody, nobody, np.arange(len(other))))
        return _score(config, other, [split], out, report)
    together = replace(concatenate([own, other])[0], source=other.source)
    split = SplitFolder(run, Split(rows.train, rows.valid, np.arange(len(own), len(together))))
    split.rows.check(together.subjects)
    check_no_copies(together, str(run))
    return _score(config, together, [split], out, report)


def _titled(report: Report, title: str, line: str) -> None:
    report(title + line)


def _check_unseen(
    folder: Path, test: Collection[str], valid: Collection[str], advice: str, report: Report
) -> None:
    """Raise SparseEEGError where the networks in a folder know targets of subjects that are scored."""
    seen = seen_by(folder)
    seen.check(test, valid, f"; {advice}")
    seen.describe(test or valid, report)


def inputs_of(run: Path) -> Inputs:
    """Return what the networks of a finished run take; SparseEEGError where that can't be read."""
    first = split_folders(run, len(read_subjects(run)))[0]
    return Inputs.read(run, models.files.read_spec(network_files(first)[0]))


def without_own(error: SparseEEGError) -> str:
    """Return the line on a run's own data that can't be used for its scores on other recordings."""
    return f"the run's own data can't be used ({error}): no ridge and no gradient boosting in the table"


def own_windows(run: Path, windows: WindowSet, report: Report = ignore) -> WindowSet:
    """Return the data that a run was trained on as its networks take them, with the run's names of people.

    Raises SparseEEGError where the windows don't fit, or the data have changed since.
    """
    fitting = own_people(run, _fitting(windows, run, report))
    check_same_windows(run, fitting, report)
    return fitting


def other_windows(
    run: Path, windows: WindowSet, report: Report = ignore, name: str | None = None
) -> WindowSet:
    """Return other data as the networks of a run take them; `name` as in `match`.

    Raises SparseEEGError where they don't fit.
    """
    return other_people(run, _fitting(windows, run, report, name), report)


def _fitting(windows: WindowSet, run: Path, report: Report, name: str | None = None) -> WindowSet:
    """Return windows made like those that the networks of a run were trained on; `name` as in `match`."""
    windows, notes = match(windows, inputs_of(run).provenance, f"the run {run}", name)
    for note in notes:
        report(note)
    return windows


def fit_split(windows: WindowSet, split: SplitFolder, config: TrainConfig, report: Report) -> None:
    """Fit the networks of one split, and their controls; complete ones in its folder are kept."""
    report(str(SplitSubjects.of(windows, split.rows)))
    report(f"training {config.model} on {len(split.rows.train)} trials")
    fit_members(windows, split.rows, config, split.folder, report=report)
    # Jitter moves a window and its target alike. With shuffled targets, the network could learn by how much a
    # window was moved, and so when the brain responds: windows of the controls stay in place.
    still = config.augment.model_copy(update={"jitter": 0.0})
    alone = config.model_copy(update={"seeds": 1, "augment": still})
    for name in scoring.controls(config, windows):
        report(f"control: the same network, {_SHUFFLED[name]}")
        targets = shuffled(name, windows.targets, windows.subjects, split.rows, config.seed)
        folder = scoring.control_folder(split, name)
        fit_members(windows, split.rows, alone, folder, targets=targets, report=report)


def _score(
    config: TrainConfig, windows: WindowSet, splits: list[SplitFolder], out: Path, report: Report
) -> dict[str, Any]:
    tables = []
    for number, split in enumerate(splits, start=1):
        of = f" of split {number}" if len(splits) > 1 else ""
        report(f"scoring the {split.part} part{of}: network, baselines")
        tables.append(scoring.prediction_table(config, windows, split).assign(fold=number))
    predictions = add_constant_baselines(pd.concat(tables, ignore_index=True))
    scores = evaluate(predictions)
    calibrations = [Calibration.read(split.folder) for split in splits]
    calibrated = [calibration.n_subjects for calibration in calibrations if calibration.n_subjects]
    if calibrated:  # version 0.1.0 did not keep this number
        scores["interval"]["calibration_subjects"] = min(calibrated)
    scores["interval"]["uses_network"] = not all(calibration.use_constant for calibration in calibrations)
    metrics = {
        "task": windows.task.name,
        "model": config.model,
        "part": splits[0].part,
        "target": windows.target_name,
        "unit": windows.target_unit,
        **scores,
        "data": {
            "source": windows.source,
            "path": list(config.data.path),
            "simulated": windows.simulated,
            "n_files_with_problems": len(
                {problem.path for problem in windows.problems if not problem.is_note}
            ),
            **({"outside": windows.outside} if windows.outside else {}),
        },
        "version": __version__,
    }
    table = exact(predictions, "onset")
    write_whole(out / "predictions.tsv", table.to_csv(sep="\t", index=False, float_format="%.6f"))
    write_json(out / "metrics.json", metrics)
    return metrics
