"""The commands `sparseeg bench attention` and `attention-quality`: attention layers beside each other."""

from pathlib import Path
from typing import Annotated, Any

import typer

from sparseeg.cli.bench.options import command, set_threads
from sparseeg.cli.options import ResultsPath, Threads, comma_list
from sparseeg.cli.screen import interruptible, output, say
from sparseeg.errors import SparseEEGError


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

    set_threads(threads)
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
    layers = attention.select(comma_list(only))
    shapes = attention.parse_sizes(sizes) if sizes else attention.SIZES
    line = command()

    def save(table: Any, complete: bool) -> None:
        write_attention(table, complete, options, out, line)

    measured = read_attention(out) if resume else None
    kept = f"interrupted; what was measured is in {out / 'attention.md'}; go on with --resume"
    with interruptible(kept):
        attention.run(layers, shapes, options, report=say, save=save, measured=measured)
    for name in ("attention", "attention-summary", "attention-scaling"):
        output.print((out / f"{name}.md").read_text(), markup=False, soft_wrap=True)


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

    set_threads(threads)
    table = quality.run(parse_numbers(sizes), dim=dim, seeds=seeds, report=say)
    path = write_quality(table, seeds, out, command())
    output.print(path.read_text(), markup=False, soft_wrap=True)
