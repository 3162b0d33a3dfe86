"""The `sparseeg` command: reads options, calls the package, says what came out."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from sparseeg import __version__
from sparseeg.errors import SparseEEGError

app = typer.Typer(
    name="sparseeg",
    help="Decode behaviour from EEG with attention whose cost grows linearly.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
bench = typer.Typer(help="Benchmarks; tables go to benchmarks/results.", no_args_is_help=True)
app.add_typer(bench, name="bench")
# Read by torch when it first allocates: large arrays in large pages, a tenth of a training step saved.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")

console = Console(stderr=True, highlight=False)
output = Console(highlight=False)

BAD_INPUT = 2
INTERRUPTED = 130


def main() -> None:
    """Run the command line; errors a user can mend are one line and exit code 2."""
    try:
        app()
    except SparseEEGError as error:
        console.print(f"error: {error}", style="red", markup=False, soft_wrap=True)
        sys.exit(BAD_INPUT)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EDQUOT, errno.ENOTDIR):
            raise
        where = f" ({error.filename})" if error.filename else ""
        console.print(
            f"error: can't write{where}: {error.strerror}; what is complete stays, "
            "free some space or choose another folder and run the command again",
            style="red",
            markup=False,
            soft_wrap=True,
        )
        sys.exit(1)


def _version(asked: bool) -> None:
    if asked:
        output.print(f"sparseeg {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Decode behaviour from EEG with attention whose cost grows linearly."""


def say(line: str) -> None:
    """Print one line of progress to standard error."""
    console.print(line, markup=False, soft_wrap=True)


@contextmanager
def progress_bar(title: str) -> Iterator[Any]:
    """Give a function (done, total) that moves a progress bar on standard error."""
    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(title, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def read(data: Any, n_jobs: int) -> Any:
    """Read the windows a configuration names, with a progress bar and a summary of what was wrong."""
    from sparseeg.runs import load_windows

    with progress_bar("reading") as progress:
        windows = load_windows(data, n_jobs=n_jobs, progress=progress)
    _say_problems(windows)
    say(f"{windows.source}: {windows.summary(examples=0)}")
    return windows


def _say_problems(windows: Any) -> None:
    for problem in windows.problems[:20]:
        say(f"  {problem}")
    if len(windows.problems) > 20:
        say(f"  and {len(windows.problems) - 20} more; problems.tsv of the store or run lists all")


def show(metrics: dict[str, Any]) -> None:
    """Print the honest table."""
    from sparseeg.evaluation.evaluate import CAPTION, cells, rows

    simulated = ", SIMULATED data" if metrics["data"]["simulated"] else ""
    table = Table(
        title=f"{metrics['model']} on {metrics['n_trials']} test trials of {metrics['n_subjects']} subjects"
        f"{simulated}",
        caption=CAPTION,
    )
    table.add_column("predictor", no_wrap=True)
    shown = [(label, cells(scores, metrics["unit"])) for label, scores in rows(metrics)]
    titles = [title for title in shown[0][1] if not title.startswith("MAE")]  # 80 columns hold no more.
    for title in titles:
        table.add_column(title, justify="right")
    for label, row in shown:
        table.add_row(label, *(row[title] for title in titles))
    output.print(table)
    if "by_subject" in metrics:
        from sparseeg.evaluation.evaluate import LABELS, number

        parts = [
            f"{LABELS[name]} {number(scores['nrmse'], 4)}" for name, scores in metrics["by_subject"].items()
        ]
        output.print(f"NRMSE of each subject's mean prediction: {', '.join(parts)}", soft_wrap=True)


Jobs = Annotated[int, typer.Option("--jobs", min=1, help="Processes that read or write recordings.")]
DataPath = Annotated[Path, typer.Option("--data", help="BIDS folder, store, or folder of MNE epochs.")]


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for the data set and the run.")] = Path("demo"),
    seed: Annotated[int, typer.Option(help="Of the data set and of the training.")] = 0,
    jobs: Jobs = 2,
) -> None:
    """Simulate a small data set, train the recommended network on it, and print its honest table.

    What an earlier or interrupted demo has finished in the folder is kept.
    """
    from sparseeg.training.config import DataConfig, SplitConfig, TrainConfig

    data, run = out / "data", out / "run"
    simulate(data, subjects=84, trials=24, seed=seed, jobs=jobs)
    config = TrainConfig(
        data=DataConfig(path=str(data.resolve())),
        split=SplitConfig(kind="release", valid=("R4",), test=("R5",)),
        epochs=15,
        patience=5,
        seed=seed,
    )
    _train(config, run, jobs, resume=(run / "config.yaml").exists())
    say(f"open {run / 'report.html'} in a browser")


@app.command()
def simulate(
    out: Annotated[Path, typer.Argument(help="Folder of the new BIDS data set.")],
    subjects: Annotated[
        int, typer.Option(min=3, help="Subjects, dealt to R1 : R4 : R5 as 60 : 12 : 40.")
    ] = 112,
    trials: Annotated[int, typer.Option(min=1, help="Trials per subject, 24 to a run.")] = 48,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 0,
    jobs: Jobs = 2,
) -> None:
    """Write an HBN-like BIDS data set with real BDF files; no figure from it is a figure about people."""
    from sparseeg.data.simulate import simulate_dataset

    with progress_bar("simulating") as progress:
        simulate_dataset(out, subjects, trials, seed, n_jobs=jobs, progress=progress)
    say(f"{subjects} simulated subjects in {out}; next: sparseeg train --data {out} --out RUN")


@app.command()
def prepare(
    dataset: Annotated[Path, typer.Argument(help="BIDS folder, or a folder of BIDS folders.")],
    out: Annotated[Path, typer.Option("--out", help="The store: new, or to be brought up to date.")],
    task: Annotated[
        str,
        typer.Option(
            help="response-time, or a column of numbers in participants.tsv, as externalizing or age."
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
    from sparseeg.data.engines import engine
    from sparseeg.data.load import recognise
    from sparseeg.data.prepare import Options
    from sparseeg.data.prepare import prepare as prepare_store

    if recognise(dataset) != "bids":
        raise SparseEEGError(f"{dataset} is no BIDS folder; only one can be prepared")
    given = {
        "bids_tasks": _names(bids_tasks) or None,
        "stimulus": _names(stimulus) or None,
        "response": _names(response) or None,
        "trial_start": _names(trial_start) or None,
        "events_column": events_column,
        "unit": unit,
        "tmin": tmin,
        "tmax": tmax,
        "window": window,
        "stride": stride,
        "crop": crop,
    }
    changes = tasks.TaskFile.read(task_file) if task_file else tasks.TaskFile()
    changes = changes.model_copy(update={name: value for name, value in given.items() if value is not None})
    options = Options(
        sfreq,
        margin,
        low_cut,
        high_cut,
        _names(reference) or None,
        dtype,
        _names(releases) or None,
        keep_excluded,
    )
    try:
        with progress_bar("preparing") as progress, engine(backend, scheduler):
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
    except KeyboardInterrupt as interruption:
        say("interrupted; the same command goes on where this one stopped")
        raise typer.Exit(INTERRUPTED) from interruption
    _say_problems(windows)
    say(f"{out}: {windows.summary(examples=0)}")
    say(f"next: sparseeg train --data {out} --task {windows.task} --out RUN")


@app.command()
def train(
    ctx: typer.Context,
    out: Annotated[Path, typer.Option("--out", help="Run folder; must be new unless --resume is given.")],
    data: Annotated[
        Path | None, typer.Option("--data", help="BIDS folder, store, or folder of MNE epochs.")
    ] = None,
    model: Annotated[
        str, typer.Option("--model", help="Name of a network, or braindecode:NAME.")
    ] = "light-sparse-attention-cnn",
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in --out, as it was set up.")
    ] = False,
    task: Annotated[str, typer.Option(help="What to predict.")] = "response-time",
    target: Annotated[
        str | None, typer.Option(help="Metadata column of the epochs that is the target.")
    ] = None,
    target_unit: Annotated[str | None, typer.Option(help="Unit of that column: s, ms or any other.")] = None,
    tmin: Annotated[float | None, typer.Option(help="Start of the window in s after the event.")] = None,
    tmax: Annotated[float | None, typer.Option(help="End of the window in s after the event.")] = None,
    sfreq: Annotated[float | None, typer.Option(help="Resample to this rate, in Hz.")] = None,
    releases: Annotated[str | None, typer.Option(help="Read only these HBN releases, as R1,R4,R5.")] = None,
    split: Annotated[
        Literal["subjects", "release", "loso", "kfold"],
        typer.Option(help="By random subjects, by release, leave one subject out, or k folds of subjects."),
    ] = "subjects",
    valid: Annotated[
        str | None, typer.Option(help="Releases that validate, as R4 (with --split release).")
    ] = None,
    test: Annotated[
        str | None, typer.Option(help="Releases that test, as R5 (with --split release).")
    ] = None,
    folds: Annotated[int, typer.Option(min=3, help="Folds of --split kfold.")] = 5,
    epochs: Annotated[int, typer.Option(min=1, help="Most epochs to train.")] = 40,
    patience: Annotated[int, typer.Option(min=1, help="Epochs without a better validation score.")] = 10,
    batch_size: Annotated[int, typer.Option(min=2, help="Windows per step.")] = 64,
    learning_rate: Annotated[float, typer.Option(help="Of AdamW.")] = 1e-3,
    weight_decay: Annotated[float, typer.Option(help="Of AdamW.")] = 1e-4,
    seed: Annotated[int, typer.Option(help="Of weights, batches, splits and partitions.")] = 0,
    device: Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="Where to train.")] = "auto",
    precision: Annotated[Literal["32", "bf16"], typer.Option(help="bf16 trains in mixed precision.")] = "32",
    control: Annotated[bool, typer.Option(help="Also train on targets shuffled within subject.")] = True,
    boosting: Annotated[bool, typer.Option(help="Also fit gradient boosting as a baseline.")] = True,
    jobs: Jobs = 2,
) -> None:
    """Train a network, choose its epoch on validation subjects, score it on test subjects."""
    from sparseeg.training.config import TrainConfig

    if resume:
        config = TrainConfig.read(out / "config.yaml")
        own = {"out", "resume", "jobs", "data"}
        given = [name for name in ctx.params if name not in own and _is_given(ctx, name)]
        if given:
            option = given[0].replace("_", "-")
            raise SparseEEGError(f"--resume goes on as {out / 'config.yaml'} says; leave --{option} out")
        if data is not None and str(data.resolve()) != config.data.path:
            raise SparseEEGError(f"{out} was trained on {config.data.path}, not on {data}; leave --data out")
    else:
        config = _configuration(ctx.params)
    _train(config, out, jobs, resume)


def _is_given(ctx: typer.Context, name: str) -> bool:
    source = ctx.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _configuration(options: dict[str, Any]) -> Any:
    """Return the TrainConfig of the options of `train`; what doesn't fit is one readable line."""
    from sparseeg.training.config import DataConfig, SplitConfig, TrainConfig, describe

    if options["data"] is None:
        raise SparseEEGError("--data is missing: a BIDS folder, a store, or a folder of MNE epochs")
    lists = {name: _names(options[name]) for name in ("releases", "valid", "test")}
    kind = (
        "release"
        if (lists["valid"] or lists["test"]) and options["split"] == "subjects"
        else options["split"]
    )
    values = {**options, **lists, "releases": lists["releases"] or None, "kind": kind}
    values["path"] = str(options["data"].resolve())

    def fields(section: Any) -> dict[str, Any]:
        return {name: values[name] for name in section.model_fields if name in values}

    try:
        return TrainConfig.model_validate(
            {**fields(TrainConfig), "data": fields(DataConfig), "split": fields(SplitConfig)}
        )
    except ValidationError as error:
        raise SparseEEGError(describe(error)) from error


def _train(config: Any, out: Path, jobs: int, resume: bool = False) -> None:
    """Read, train, score and show; Ctrl-C and a full disk say how to go on."""
    from sparseeg import runs
    from sparseeg.models.registry import check_name
    from sparseeg.training.fit import TrainingInterrupted

    check_name(config.model)
    if not resume and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise SparseEEGError(f"{out} isn't empty; choose another --out, or go on with it by --resume")
    windows = read(config.data, jobs)
    try:
        metrics = runs.train(config, windows, out, say)
    except TrainingInterrupted as interruption:
        say(f"interrupted; go on with: sparseeg train --out {out} --resume")
        raise typer.Exit(INTERRUPTED) from interruption
    except OSError as error:
        if error.errno == errno.ENOSPC:  # Its own file name may be that of a temporary file elsewhere.
            raise OSError(error.errno, error.strerror, str(out)) from error
        raise
    show(metrics)
    say(f"run folder: {out}")


def _names(value: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in value.split(",") if name.strip()) if value else ()


@app.command()
def evaluate(
    run: Annotated[Path, typer.Argument(help="Run folder of `sparseeg train`.")],
    data: Annotated[Path | None, typer.Option("--data", help="Other recordings to test on.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Where the table goes; default: the run folder.")
    ] = None,
    jobs: Jobs = 2,
) -> None:
    """Score a trained network again, on its own test subjects or on other recordings."""
    from sparseeg import runs
    from sparseeg.training.config import TrainConfig

    config = TrainConfig.read(run / "config.yaml")
    elsewhere = data is not None and str(data.resolve()) != config.data.path
    try:
        own = read(config.data, jobs)
    except SparseEEGError as error:
        if not elsewhere:
            raise
        own = None
        say(f"the run's own data can't be read ({error}): the table goes without ridge and boosting")
    other = None
    if data is not None and elsewhere:
        other = read(config.data.model_copy(update={"path": str(data.resolve())}), jobs)
        out = out or run / "evaluations" / data.name
    out = out or run
    out.mkdir(parents=True, exist_ok=True)
    show(runs.reevaluate(run, own, other, out, say))
    say(f"metrics.json and predictions.tsv in {out}")


@app.command()
def report(run: Annotated[Path, typer.Argument(help="Run folder with scores.")]) -> None:
    """Write a self-contained report.html from the scores in a run folder."""
    from sparseeg.report.html import write_report

    say(f"wrote {write_report(run)}")


Threads = Annotated[int | None, typer.Option(min=1, help="Threads of torch.")]
ResultsPath = Annotated[Path, typer.Option("--out", help="Folder of the tables.")]


def _set_threads(threads: int | None) -> None:
    import torch

    if threads is not None:
        torch.set_num_threads(threads)


@bench.command("training")
def bench_training(
    names: Annotated[str | None, typer.Option("--models", help="Networks, separated by commas.")] = None,
    batch_size: Annotated[int, typer.Option(min=2, help="Windows per step.")] = 64,
    repeats: Annotated[int, typer.Option(min=1, help="Interleaved repeats; medians are shown.")] = 10,
    threads: Threads = None,
    out: ResultsPath = Path("benchmarks/results"),
) -> None:
    """Windows per second of whole networks, training and inference, beside the floor of their products."""
    from sparseeg.bench import tables, training

    _set_threads(threads)
    table = training.run(_names(names) or training.MODELS, batch_size=batch_size, repeats=repeats, report=say)
    path = tables.write(
        table,
        out,
        "training",
        title="Windows per second, 129 channels x 200 samples, float32",
        command=" ".join(["sparseeg", *sys.argv[1:]]),
        packages=("torch", "braindecode"),
        notes=(
            f"batch {batch_size}, {repeats} interleaved repeats: medians, lowest and highest",
            "a training step is forward, loss, backward, AdamW; inference is one forward pass",
            "floor: the convolutions and matrix products that the network runs, alone, on the same shapes",
            "plain floor: those that PyTorch's own layers would run in their place",
        ),
    )
    output.print(path.read_text(), markup=False, soft_wrap=True)


@bench.command("attention")
def bench_attention(
    sizes: Annotated[str | None, typer.Option(help="BATCHxN, separated by commas, as 32x50,8x200.")] = None,
    tokens_per_head: Annotated[str, typer.Option(help="Of our layer, separated by commas.")] = "2,8,16",
    dim: Annotated[int, typer.Option(min=8, help="Width d of the tokens, a multiple of 8.")] = 256,
    threads: Threads = None,
    repeats: Annotated[int, typer.Option(min=3, help="Most interleaved repeats; medians are shown.")] = 40,
    budget: Annotated[float, typer.Option(help="Seconds of timing a size, for 3 repeats or more.")] = 240.0,
    limit: Annotated[float, typer.Option(help="Seconds after which a pass is given up.")] = 60.0,
    memory: Annotated[
        float | None, typer.Option(help="GB a layer may take; default: 75 % of the RAM.")
    ] = None,
    backward: Annotated[bool, typer.Option(help="Also measure forward+backward.")] = True,
    only: Annotated[str | None, typer.Option(help="Layers whose names begin so, besides the floor.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Keep the sizes that --out has already.")] = False,
    out: ResultsPath = Path("benchmarks/results"),
) -> None:
    """Time and peak memory of attention layers on one input, beside the floor of their products."""
    from sparseeg.bench import attention
    from sparseeg.bench.attention_tables import read_attention, write_attention
    from sparseeg.bench.probe import Limits, default_memory_limit

    _set_threads(threads)
    if dim % 8:
        raise SparseEEGError(f"--dim must be a multiple of 8, for layers of 8 heads; got {dim}")
    bytes_allowed = default_memory_limit() if memory is None else int(memory * 1e9)
    options = attention.Options(
        dim=dim,
        tokens_per_head=attention.parse_numbers(tokens_per_head),
        repeats=repeats,
        budget=budget,
        backward=backward,
        limits=Limits(limit, bytes_allowed),
    )
    layers = attention.select(_names(only))
    shapes = attention.parse_sizes(sizes) if sizes else attention.SIZES
    command = " ".join(["sparseeg", *sys.argv[1:]])

    def save(table: Any, complete: bool) -> None:
        write_attention(table, complete, options, out, command)

    measured = read_attention(out) if resume else None
    try:
        attention.run(layers, shapes, options, report=say, save=save, measured=measured)
    except KeyboardInterrupt as interruption:
        say(f"interrupted; what was measured is in {out / 'attention.md'}; go on with --resume")
        raise typer.Exit(INTERRUPTED) from interruption
    for name in ("attention", "attention-summary", "attention-scaling"):
        output.print((out / f"{name}.md").read_text(), markup=False, soft_wrap=True)


@bench.command("attention-quality")
def bench_attention_quality(
    sizes: Annotated[str, typer.Option(help="Numbers of tokens N, separated by commas.")] = "200,1024,4096",
    dim: Annotated[int, typer.Option(min=2, help="Width d of the tokens.")] = 256,
    seeds: Annotated[int, typer.Option(min=1, help="Signals, projections and partitions drawn.")] = 5,
    threads: Threads = None,
    out: ResultsPath = Path("benchmarks/results"),
) -> None:
    """Error of sparse attention and of other layers against full attention, beside their time."""
    from sparseeg.bench import quality
    from sparseeg.bench.attention import parse_numbers
    from sparseeg.bench.attention_tables import write_quality

    _set_threads(threads)
    table = quality.run(parse_numbers(sizes), dim=dim, seeds=seeds, report=say)
    path = write_quality(table, seeds, out, " ".join(["sparseeg", *sys.argv[1:]]))
    output.print(path.read_text(), markup=False, soft_wrap=True)
