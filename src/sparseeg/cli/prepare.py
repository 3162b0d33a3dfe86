"""The command `sparseeg prepare`: from a BIDS folder to a store."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sparseeg.cli.given import given_options, spelled
from sparseeg.cli.options import (
    COMPUTING,
    DATA,
    EVENTS,
    OUTPUT,
    SIGNALS,
    WINDOWS,
    Channels,
    KeepBad,
    flag,
    name_list,
    option,
)
from sparseeg.cli.screen import (
    CONTINUES,
    interruptible,
    progress_bar,
    say,
    say_list_of_problems,
    say_problems,
    writing,
)
from sparseeg.errors import SparseEEGError, command

if TYPE_CHECKING:
    from sparseeg.data.tasks import Task


def prepare(
    ctx: typer.Context,
    dataset: Annotated[
        Path, typer.Argument(metavar="DATASET", help="BIDS folder, or a folder of BIDS folders.")
    ],
    *,
    releases: Annotated[
        list[str] | None, option(DATA, "HBN releases to prepare. Default: all.", metavar="R1,...")
    ] = None,
    bids_tasks: Annotated[
        list[str] | None,
        option(
            DATA,
            "BIDS tasks to prepare, such as rest,oddball. Default: those of --task.",
            "--bids-task",
            metavar="NAME,...",
        ),
    ] = None,
    keep_excluded: Annotated[
        bool, flag(DATA, "Keep the nine subjects that the challenge excludes.", "--keep-excluded")
    ] = False,
    keep_bad: KeepBad = False,
    channels: Channels = None,
    task: Annotated[
        str,
        option(
            WINDOWS,
            "response-time, a column of numbers in participants.tsv, or pretraining.",
            metavar="NAME",
        ),
    ] = "response-time",
    task_file: Annotated[
        Path | None,
        option(WINDOWS, "YAML file of your own task; options replace its values.", metavar="FILE"),
    ] = None,
    unit: Annotated[
        str | None, option(WINDOWS, "Unit of a target from participants.tsv.", metavar="UNIT")
    ] = None,
    tmin: Annotated[
        float | None,
        option(WINDOWS, "Response times: start of the window, after the stimulus.", metavar="SECONDS"),
    ] = None,
    tmax: Annotated[
        float | None,
        option(WINDOWS, "Response times: end of the window, after the stimulus.", metavar="SECONDS"),
    ] = None,
    margin: Annotated[
        float,
        option(WINDOWS, "Response times: signal kept around windows, for jitter.", metavar="SECONDS", min=0),
    ] = 0.5,
    window: Annotated[
        float | None, option(WINDOWS, "Other tasks: length of a window.", metavar="SECONDS")
    ] = None,
    stride: Annotated[
        float | None, option(WINDOWS, "Other tasks: time from window to window.", metavar="SECONDS")
    ] = None,
    crop: Annotated[
        float | None,
        option(WINDOWS, "Other tasks: length of the crop that a network sees.", metavar="SECONDS"),
    ] = None,
    stimulus: Annotated[
        list[str] | None,
        option(EVENTS, "Events of a stimulus, such as target_left,target_right.", metavar="NAME,..."),
    ] = None,
    response: Annotated[list[str] | None, option(EVENTS, "Events of a response.", metavar="NAME,...")] = None,
    trial_start: Annotated[
        list[str] | None,
        option(EVENTS, "Events that start a trial. Default: the stimulus.", metavar="NAME,..."),
    ] = None,
    events_column: Annotated[
        str | None, option(EVENTS, "Column of events.tsv with these names.", metavar="COLUMN")
    ] = None,
    max_rt: Annotated[
        float | None,
        option(EVENTS, "Longest response time. Default: 10, or --tmax if more.", metavar="SECONDS"),
    ] = None,
    sfreq: Annotated[float, option(SIGNALS, "Sampling rate.", metavar="HZ")] = 100.0,
    low_cut: Annotated[float | None, option(SIGNALS, "High-pass edge. Default: none.", metavar="HZ")] = None,
    high_cut: Annotated[float | None, option(SIGNALS, "Low-pass edge. Default: none.", metavar="HZ")] = None,
    reference: Annotated[
        list[str] | None,
        option(SIGNALS, "average, or channels. Default: the recordings' own.", metavar="NAME,..."),
    ] = None,
    dtype: Annotated[
        Literal["float32", "float16"], option(SIGNALS, "Precision of the stored signals.")
    ] = "float32",
    jobs: Annotated[int, option(COMPUTING, "Processes that read recordings.", metavar="N", min=1)] = 2,
    backend: Annotated[
        str, option(COMPUTING, "Engine of joblib: loky, threading, dask or ray.", metavar="NAME")
    ] = "loky",
    scheduler: Annotated[
        str | None,
        option(COMPUTING, "Address of a dask scheduler, such as tcp://host:8786.", metavar="ADDRESS"),
    ] = None,
    out: Annotated[Path, option(OUTPUT, "Store to write or to bring up to date.", "--out", metavar="FOLDER")],
    overwrite: Annotated[
        bool, flag(OUTPUT, "Replace a store that was prepared with other options.", "--overwrite")
    ] = False,
) -> None:
    """Write the labelled windows of a BIDS data set to a store, for training without reading files again.

    The same command again reads only recordings that are new or have changed.
    """
    from sparseeg.data import tasks
    from sparseeg.data.load import recognise
    from sparseeg.data.provenance import Processing
    from sparseeg.data.store.prepare import Options
    from sparseeg.data.store.prepare import prepare as prepare_store
    from sparseeg.data.store.store import JOURNAL, check_folder
    from sparseeg.data.summary import describe_kept
    from sparseeg.engines import engine

    if recognise(dataset) != "bids":
        raise SparseEEGError(f"{dataset} is not a BIDS folder; prepare takes no other data")
    wanted = _task(ctx, task, task_file, dataset)
    if "margin" in given_options(ctx) and not wanted.locked:
        raise SparseEEGError(f"--margin has no effect: windows of the task {wanted.name} have no event")
    referenced = name_list(reference, "--reference") or None
    processing = Processing(sfreq, low_cut, high_cut, referenced, dtype, channels)
    chosen = name_list(releases, "--releases") or None
    options = Options(processing, margin, chosen, keep_excluded, keep_bad)
    check_folder(out)
    with (
        interruptible(CONTINUES),
        progress_bar("preparing") as progress,
        engine(backend, scheduler),
        writing(out, (JOURNAL,)),
    ):
        windows = prepare_store(
            dataset.resolve(),
            out,
            wanted,
            options,
            overwrite=overwrite,
            n_jobs=jobs,
            backend=backend,
            progress=progress,
        )
    _say_inside(dataset.resolve(), out.resolve())
    say_problems(windows)
    say_list_of_problems(windows, out)
    say(f"{out}: {windows.summary(examples=0)}")
    for line in describe_kept(windows):
        say(f"  {line}")
    unlabelled = windows.task.name == tasks.PRETRAINING
    words = ("pretrain",) if unlabelled else ("train", "--task", windows.task.name)
    say(f"next: {command(*words, '--data', out, '--out', 'RUN')}")


def _say_inside(dataset: Path, out: Path) -> None:
    """Say that a store lies in the data set that it was made of, elsewhere than in `derivatives`."""
    if out.is_relative_to(dataset) and out.relative_to(dataset).parts[:1] != ("derivatives",):
        say(
            f"{out} lies inside the data set {dataset}, where other programs may take it for recordings: "
            "keep stores in another folder, or in its derivatives"
        )


def _task(ctx: typer.Context, name: str, file: Path | None, dataset: Path) -> "Task":
    """Return the task of a name or a file, with the options that were given in place of its values."""
    from sparseeg.data import tasks
    from sparseeg.data.event_names import names_with_commas, recordings_in

    given = given_options(ctx)
    changes = tasks.TaskFile() if file is None else tasks.TaskFile.read(file)
    if "task" in given and changes.name not in (None, name):
        raise SparseEEGError(f"{file} names its task {changes.name}, not {name}; leave --task out")
    values: dict[str, Any] = {key: given[key] for key in tasks.TaskFile.model_fields if key in given}
    events = [key for key in ("stimulus", "response", "trial_start") if key in values]
    known = names_with_commas([name for key in events for name in values[key]], recordings_in(dataset))
    for key in (*events, *({"bids_tasks"} & values.keys())):
        values[key] = name_list(values[key], spelled(ctx, key), known)
    return tasks.find_task(changes.name or name, changes.with_options(values))
