"""The command `sparseeg bench`: benchmarks, with tables for benchmarks/results."""

import typer

from sparseeg.cli.bench.attention import bench_attention, bench_attention_quality
from sparseeg.cli.bench.loading import bench_loading
from sparseeg.cli.bench.training import bench_training

app = typer.Typer(help="Benchmarks; their tables go to benchmarks/results.", no_args_is_help=True)
app.command("training")(bench_training)
app.command("loading")(bench_loading)
app.command("attention")(bench_attention)
app.command("attention-quality")(bench_attention_quality)
