"""The command `sparseeg score`: a zip scored as the challenge does."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.filesize import decimal
from rich.table import Table

from sparseeg.cli.options import Jobs, comma_list
from sparseeg.cli.screen import interruptible, output, progress_bar, say, writing
from sparseeg.errors import SparseEEGError

MOST = 1_000_000  # minutes, GiB


def score(
    archive: Annotated[Path, typer.Argument(metavar="ZIP", help="A submission, of anybody.")],
    data: Annotated[
        Path, typer.Option("--data", help="BIDS folder of release R5, or a store made as --cache keeps it.")
    ],
    releases: Annotated[
        str, typer.Option(help="HBN releases to score, separated by commas; all: whatever is there.")
    ] = "R5",
    challenge: Annotated[
        Literal["1", "2", "both"], typer.Option(help="1: response time, 2: externalizing.")
    ] = "both",
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of score.json and of tables by window and subject.")
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(
            "--cache", help="Folder that keeps the windows for the next call; default: none is kept."
        ),
    ] = None,
    order_check: Annotated[bool, typer.Option(help="Ask again in another order.")] = True,
    device: Annotated[Literal["cpu", "cuda"], typer.Option(help="Where the submission runs.")] = "cpu",
    time_limit: Annotated[float, typer.Option(help="Minutes for one pass of a challenge.")] = 60.0,
    memory_limit: Annotated[float, typer.Option(help="GiB, on CPUs.")] = 16.0,
    python: Annotated[
        str | None,
        typer.Option(help="Interpreter that runs the submission, as of an environment like the challenge's."),
    ] = None,
    jobs: Jobs = 2,
) -> None:
    """Score a submission as the challenge's own script does, and show what that doesn't.

    The zip is unpacked with care, but its code is run: score only what you would run yourself.
    """
    if not (0 < time_limit <= MOST and 0 < memory_limit <= MOST):
        raise SparseEEGError(f"--time-limit and --memory-limit take numbers above zero, up to {MOST:,}")
    from sparseeg.submission.sandbox import Limits
    from sparseeg.submission.score import challenge_windows, try_out
    from sparseeg.submission.score import score as score_archive

    wanted = None if releases == "all" else comma_list(releases)
    chosen = [1, 2] if challenge == "both" else [int(challenge)]
    with ExitStack() as stack:
        stack.enter_context(interruptible("interrupted; nothing was scored"))
        limits = Limits(60 * time_limit, round(memory_limit * 2**30))
        try_out(archive, chosen, device=device, limits=limits, python=python or sys.executable)
        if out is not None:
            stack.enter_context(writing(out))
        place = cache or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sparseeg-")))
        windows = {}
        for number in chosen:
            with progress_bar(f"reading the windows of challenge {number}") as progress:
                windows[number] = challenge_windows(number, data, place, wanted, jobs, progress)
            say(f"challenge {number}: {windows[number].summary()}")
        with _bars() as bars:
            scores = score_archive(
                archive,
                windows,
                device=device,
                limits=limits,
                python=python or sys.executable,
                check_order=order_check,
                progress=bars,
            )
    _show(archive.name, scores, simulated=any(part.simulated for part in windows.values()))
    if out is not None:
        _write(out, scores)
        say(f"tables in {out}")


@contextmanager
def _bars() -> Iterator[Any]:
    """Give a function that makes a bar for each challenge."""
    with ExitStack() as stack:
        yield lambda challenge: stack.enter_context(progress_bar(f"scoring challenge {challenge}"))


def _show(name: str, scores: list[Any], simulated: bool) -> None:
    from sparseeg.submission.score import overall

    total = overall(scores)
    words = "" if total is None else f"; overall {total:.5f} (0.3 and 0.7 of the two)"
    table = Table(title=f"{name}{', SIMULATED data' if simulated else ''}{words}")
    table.add_column("", no_wrap=True)
    for one in scores:
        table.add_column(f"challenge {one.challenge}", justify="right")
    for label, cell in _ROWS.items():
        table.add_row(label, *(cell(one) for one in scores))
    output.print(table)
    for one in scores:
        if one.depends_on_order:
            output.print(
                f"challenge {one.challenge}: the answers depend on the order of the windows, or on chance: "
                f"asked again in another order, they move by up to {one.moved:.3g}",
                soft_wrap=True,
            )


_ROWS = {
    "NRMSE (/ SD), the score": lambda one: f"{one.scores['nrmse']:.5f}",
    "95 % interval": lambda one: " - ".join(f"{bound:.3f}" for bound in one.scores["nrmse_ci95"]),
    "RMSE": lambda one: f"{one.scores['rmse']:.4f}",
    "Pearson": lambda one: f"{one.scores['pearson_r']:.3f}",
    "NRMSE, other order": lambda one: (
        "not asked" if one.shuffled_nrmse is None else f"{one.shuffled_nrmse:.5f}"
    ),
    "NRMSE without the excluded subjects": lambda one: (
        "the same" if one.kept is None else f"{one.kept['nrmse']:.5f}"
    ),
    "windows, subjects": lambda one: f"{one.scores['n_trials']}, {one.scores['n_subjects']}",
    "ms per window": lambda one: f"{1000 * one.seconds_per_window:.1f}",
    "memory at most": lambda one: decimal(one.peak_bytes),
}


def _write(out: Path, scores: list[Any]) -> None:
    from sparseeg.files.atomic import write_json, write_whole
    from sparseeg.submission.score import overall

    content: dict[str, Any] = {"overall": overall(scores)}
    for one in scores:
        name = f"challenge_{one.challenge}"
        content[name] = {
            **one.scores,
            "normalizer": "std",
            "without_excluded": one.kept,
            "other_order_nrmse": one.shuffled_nrmse,
            "depends_on_order": one.depends_on_order,
            "seconds_per_window": one.seconds_per_window,
            "peak_bytes": one.peak_bytes,
        }
        for part, table in (("predictions", one.predictions), ("subjects", one.by_subject())):
            text = table.to_csv(sep="\t", index=False, float_format="%.7g")
            write_whole(out / f"{name}_{part}.tsv", text)
    write_json(out / "score.json", content)
