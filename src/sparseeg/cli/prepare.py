"""The command `sparseeg prepare`: from a BIDS folder to a store."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from sparseeg.cli.options import Jobs, comma_list
from sparseeg.cli.screen import GOES_ON, interruptible, progress_bar, say, say_problems, writing
from sparseeg.errors import SparseEEGError


def prepare(
    dataset: Annotated[Path, typer.Argument(help="BIDS folder, or a folder of BIDS folders.")],
    out: Annotated[Path, typer.Option("--out", help="The store: new, or to be brought up to date.")],
    task: Annotated[
        str,
        typer.Option(
            help="response-time, a column of numbers in participants.tsv, as externalizing or age, "
            "or pretraining: whole recordings, without a target."
        ),
    ] = "response-time",
    task_file: Annotated[
        Path | None, typer.Option(help="YAML file with your own task; options below go before it.")
    ] = None,
    bids_tasks: Annotated[
        str | None, typer.Option("--bids-task", help="Recordings of these BIDS tasks only, as rest,oddball.")
    ] = None,
    stimulus: Annotated[str | None, typer.Option(help="Events shown, as target_left,target_right.")] = None,
    response: Annotated[str | None, typer.Option(help="Events that answer.")] = None,
    trial_start: Annotated[str | None, typer.Option(help="Events that begin a trial.")] = None,
    events_column: Annotated[
        str | None, typer.Option(help="Column of events.tsv with their names, as trial_type.")
    ] = None,
    unit: Annotated[str | None, typer.Option(help="Unit of a target from participants.tsv.")] = None,
    tmin: Annotated[float | None, typer.Option(help="Start of the window in s after the stimulus.")] = None,
    tmax: Annotated[float | None, typer.Option(help="End of the window in s after the stimulus.")] = None,
    window: Annotated[float | None, typer.Option(help="Seconds of a window of a subject-level task.")] = None,
    stride: Annotated[float | None, typer.Option(help="Seconds from one such window to the next.")] = None,
    crop: Annotated[float | None, typer.Option(help="Seconds of it that a network sees.")] = None,
    sfreq: Annotated[float, typer.Option(help="Sampling rate of the store, in Hz.")] = 100.0,
    low_cut: Annotated[float | None, typer.Option(help="Lower edge of a filter, in Hz.")] = None,
    high_cut: Annotated[float | None, typer.Option(help="Upper edge of a filter, in Hz.")] = None,
    reference: Annotated[
        str | None, typer.Option(help="average, or channels whose mean is subtracted.")
    ] = None,
    margin: Annotated[float, typer.Option(min=0, help="Seconds kept around a window, for jitter.")] = 0.5,
    dtype: Annotated[Literal["float32", "float16"], typer.Option(help="Of the stored signals.")] = "float32",
    releases: Annotated[str | None, typer.Option(help="Only these HBN releases, as R2,R3,R5.")] = None,
    keep_excluded: Annotated[
        bool, typer.Option("--keep-excluded", help="Keep the nine subjects the challenge leaves out.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a store that was prepared with other options.")
    ] = False,
    jobs: Jobs = 2,
    backend: Annotated[str, typer.Option(help="joblib's engine: loky, threading, dask or ray.")] = "loky",
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a dask scheduler, as tcp://host:8786.")
    ] = None,
) -> None:
    """Write the labelled windows of a BIDS data set to a store, which trains without reading files again.

    Run again, it reads only what is new or has changed; interrupted, it goes on.
    """
    from sparseeg.data import tasks
    from sparseeg.data.load import recognise
    from sparseeg.data.provenance import Processing
    from sparseeg.data.store.prepare import Options
    from sparseeg.data.store.prepare import prepare as prepare_store
    from sparseeg.data.store.store import check_folder
    from sparseeg.engines import engine

    if recognise(dataset) != "bids":
        raise SparseEEGError(f"{dataset} is no BIDS folder; only one can be prepared")
    given = {
        "bids_tasks": comma_list(bids_tasks) or None,
        "stimulus": comma_list(stimulus) or None,
        "response": comma_list(response) or None,
        "trial_start": comma_list(trial_start) or None,
        "events_column": events_column,
        "unit": unit,
        "tmin": tmin,
        "tmax": tmax,
        "window": window,
        "stride": stride,
        "crop": crop,
    }
    changes = tasks.TaskFile.read(task_file) if task_file else tasks.TaskFile()
    changes = changes.with_options(given)
    processing = Processing(sfreq, low_cut, high_cut, comma_list(reference) or None, dtype)
    options = Options(processing, margin, comma_list(releases) or None, keep_excluded)
    check_folder(out)
    with (
        interruptible(GOES_ON),
        progress_bar("preparing") as progress,
        engine(backend, scheduler),
        writing(out),
    ):
        windows = prepare_store(
            dataset.resolve(),
            out,
            tasks.find_task(changes.name or task, changes),
            options,
            overwrite=overwrite,
            n_jobs=jobs,
            backend=backend,
            progress=progress,
        )
    say_problems(windows)
    say(f"{out}: {windows.summary(examples=0)}")
    command = "pretrain" if windows.task.name == tasks.PRETRAINING else f"train --task {windows.task.name}"
    say(f"next: sparseeg {command} --data {out} --out RUN")
