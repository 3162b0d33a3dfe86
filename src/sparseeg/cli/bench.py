"""The command `sparseeg bench`: benchmarks, with tables for benchmarks/results."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from sparseeg.cli.options import Jobs, ResultsPath, Threads, comma_list
from sparseeg.cli.screen import interruptible, output, say
from sparseeg.errors import SparseEEGError

app = typer.Typer(help="Benchmarks; tables go to benchmarks/results.", no_args_is_help=True)


def _command() -> str:
    return " ".join(["sparseeg", *sys.argv[1:]])


def _set_threads(threads: int | None) -> None:
    import torch

    if threads is not None:
        torch.set_num_threads(threads)


@app.command("training")
def bench_training(
    names: Annotated[str | None, typer.Option("--models", help="Networks, separated by commas.")] = None,
    batch_size: Annotated[int, typer.Option(min=2, help="Windows per step.")] = 64,
    repeats: Annotated[int, typer.Option(min=1, help="Interleaved repeats; medians are shown.")] = 10,
    threads: Threads = None,
    out: ResultsPath = Path("benchmarks/results"),
) -> None:
    """Windows per second of whole networks, training and inference, beside the floor of their products."""
    from sparseeg.bench import training
    from sparseeg.report import tables

    _set_threads(threads)
    table = training.measure_training(
        comma_list(names) or training.MODELS, batch_size=batch_size, repeats=repeats, report=say
    )
    path = tables.write(
        table,
        out,
        "training",
        title="Windows per second, 129 channels x 200 samples, float32",
        command=_command(),
        packages=("torch", "braindecode"),
        notes=(
            f"batch {batch_size}, {repeats} interleaved repeats: medians, lowest and highest",
            "a training step is forward, loss, backward, AdamW; inference is one forward pass",
            "floor: the convolutions and matrix products that the network runs, alone, on the same shapes",
            "plain floor: those that PyTorch's own layers would run in their place",
        ),
    )
    output.print(path.read_text(), markup=False, soft_wrap=True)


@app.command("loading")
def bench_loading(
    subjects: Annotated[
        str, typer.Option(help="Sizes of the simulated sets, separated by commas.")
    ] = "20,40,80",
    folder: Annotated[Path, typer.Option(help="Where the sets and their stores are kept.")] = Path(
        "build/loading"
    ),
    batch_size: Annotated[int, typer.Option(min=2, help="Windows per batch.")] = 128,
    repeats: Annotated[int, typer.Option(min=1, help="Interleaved turns; medians are shown.")] = 7,
    threads: Threads = None,
    jobs: Jobs = 2,
    out: ResultsPath = Path("benchmarks/results"),
) -> None:
    """Shuffled windows per second and memory, beside braindecode's; the loader's share of a training step."""
    import pandas as pd

    from sparseeg import machine
    from sparseeg.bench import loading
    from sparseeg.bench.attention import parse_numbers
    from sparseeg.report import tables

    _set_threads(threads)
    sizes = parse_numbers(subjects)
    machine.commit()
    table = loading.measure_loading(
        sizes, folder, batch_size=batch_size, repeats=repeats, n_jobs=jobs, report=say
    )
    notes = (
        f"batches of {batch_size} windows of 129 channels x 200 samples, {repeats} interleaved turns of a "
        "second: medians, lowest and highest",
        f"{loading.BASE} / this: median of the ratios within a turn",
        "resident MB: by which the process has grown since its libraries were loaded, at its largest",
        "files and stores lie in the system's cache; SIMULATED recordings",
    )
    paths = [
        tables.write(
            table,
            out,
            "loading",
            title="Loading shuffled windows, from a store and by braindecode",
            command=_command(),
            packages=("torch", "braindecode", "mne"),
            notes=notes,
        )
    ]
    say(f"training {loading.NETWORK} from the store of {sizes[-1]} subjects")
    shares = pd.DataFrame([loading.share_of_step(folder / f"{sizes[-1]}-subjects")])
    paths.append(
        tables.write(
            shares,
            out,
            "loading-step",
            title=f"What of a training step of {loading.NETWORK} is waiting for data",
            command=_command(),
            notes=(
                "batches of 64 from a store, medians; nothing is loaded ahead, so that its cost is whole",
            ),
        )
    )
    for path in paths:
        output.print(path.read_text(), markup=False, soft_wrap=True)


@app.command("attention")
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
    from sparseeg.bench.probe import PassLimits, default_memory_limit

    _set_threads(threads)
    if dim % 8:
        raise SparseEEGError(f"--dim must be a multiple of 8, for layers of 8 heads; got {dim}")
    bytes_allowed = default_memory_limit() if memory is None else int(memory * 1e9)
    options = attention.BenchmarkOptions(
        dim=dim,
        tokens_per_head=attention.parse_numbers(tokens_per_head),
        repeats=repeats,
        budget=budget,
        backward=backward,
        limits=PassLimits(limit, bytes_allowed),
    )
    layers = attention.select(comma_list(only))
    shapes = attention.parse_sizes(sizes) if sizes else attention.SIZES
    command = _command()

    def save(table: Any, complete: bool) -> None:
        write_attention(table, complete, options, out, command)

    measured = read_attention(out) if resume else None
    kept = f"interrupted; what was measured is in {out / 'attention.md'}; go on with --resume"
    with interruptible(kept):
        attention.measure_attention(layers, shapes, options, report=say, save=save, measured=measured)
    for name in ("attention", "attention-summary", "attention-scaling"):
        output.print((out / f"{name}.md").read_text(), markup=False, soft_wrap=True)


@app.command("attention-quality")
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
    table = quality.measure_quality(parse_numbers(sizes), dim=dim, seeds=seeds, report=say)
    path = write_quality(table, seeds, out, _command())
    output.print(path.read_text(), markup=False, soft_wrap=True)
