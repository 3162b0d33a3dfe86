"""The commands `sparseeg bench attention` and `attention-quality`: attention layers beside each other."""

from typing import Annotated, Any

from sparseeg.cli.bench.options import RESULTS, Out, Threads, set_threads
from sparseeg.cli.given import command_line
from sparseeg.cli.options import MEASUREMENT, NETWORK, OUTPUT, flag, name_list, option
from sparseeg.cli.screen import interruptible, output, say
from sparseeg.errors import SparseEEGError


def bench_attention(
    only: Annotated[
        list[str] | None,
        option(NETWORK, "Only the floor and the layers whose names start with these.", metavar="NAME,..."),
    ] = None,
    dim: Annotated[int, option(NETWORK, "Width d of the tokens, a multiple of 8.", metavar="N", min=8)] = 256,
    tokens_per_head: Annotated[
        str, option(NETWORK, "Tokens per head of the sparse layer.", metavar="N,...")
    ] = "2,8,16",
    sizes: Annotated[
        str | None,
        option(MEASUREMENT, "Sizes of the input, such as 32x50,8x200.", metavar="BATCHxN,..."),
    ] = None,
    backward: Annotated[
        bool, flag(MEASUREMENT, "Also measure forward+backward.", "--backward/--no-backward")
    ] = True,
    repeats: Annotated[
        int, option(MEASUREMENT, "Most interleaved repeats; medians are shown.", metavar="N", min=3)
    ] = 40,
    budget: Annotated[
        float, option(MEASUREMENT, "Time per size, for at least 3 repeats.", metavar="SECONDS")
    ] = 240.0,
    limit: Annotated[
        float, option(MEASUREMENT, "Time after which a pass is stopped.", metavar="SECONDS")
    ] = 60.0,
    memory: Annotated[
        float | None,
        option(MEASUREMENT, "Memory that a layer may use. Default: 75 % of the RAM.", metavar="GB"),
    ] = None,
    threads: Threads = None,
    out: Out = RESULTS,
    resume: Annotated[bool, flag(OUTPUT, "Keep the sizes that are in --out already.", "--resume")] = False,
) -> None:
    """Measure time and peak memory of attention layers, beside the floor of their products."""
    from sparseeg.bench import attention
    from sparseeg.bench.attention_tables import read_attention, write_attention
    from sparseeg.bench.probe import PassLimits, memory_limit

    set_threads(threads)
    if dim % 8:
        raise SparseEEGError(f"--dim must be a multiple of 8, for layers of 8 heads; got {dim}")
    bytes_allowed = memory_limit(None if memory is None else int(memory * 1e9))
    options = attention.BenchmarkOptions(
        dim=dim,
        tokens_per_head=attention.parse_numbers(tokens_per_head),
        repeats=repeats,
        budget=budget,
        backward=backward,
        limits=PassLimits(limit, bytes_allowed),
    )
    layers = attention.select(name_list(only, "--only"))
    shapes = attention.parse_sizes(sizes) if sizes else attention.SIZES
    line = command_line()

    def save(table: Any, complete: bool) -> None:
        write_attention(table, complete, options, out, line)

    measured = read_attention(out) if resume else None
    if resume and f"d = {dim}," not in (out / "attention.md").read_text():
        raise SparseEEGError(f"{out / 'attention.md'} is not about --dim {dim}; choose another --out")
    kept = f"interrupted; what was measured is in {out / 'attention.md'}; continue with --resume"
    with interruptible(kept):
        attention.measure_attention(layers, shapes, options, report=say, save=save, measured=measured)
    for name in ("attention", "attention-summary", "attention-scaling"):
        output.print((out / f"{name}.md").read_text(), markup=False, soft_wrap=True)


def bench_attention_quality(
    dim: Annotated[int, option(NETWORK, "Width d of the tokens.", metavar="N", min=2)] = 256,
    sizes: Annotated[str, option(MEASUREMENT, "Numbers of tokens.", metavar="N,...")] = "200,1024,4096",
    seeds: Annotated[
        int,
        option(MEASUREMENT, "Draws of signals, projections and partitions.", metavar="N", min=1),
    ] = 5,
    threads: Threads = None,
    out: Out = RESULTS,
) -> None:
    """Measure the error of sparse attention and other layers against full attention, and their time."""
    from sparseeg.bench import quality
    from sparseeg.bench.attention import parse_numbers
    from sparseeg.bench.attention_tables import write_quality

    set_threads(threads)
    table = quality.measure_quality(parse_numbers(sizes), dim=dim, seeds=seeds, report=say)
    path = write_quality(table, seeds, out, command_line())
    output.print(path.read_text(), markup=False, soft_wrap=True)
