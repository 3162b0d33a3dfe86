"""The command `sparseeg score`: a zip scored as the challenge does."""

import hashlib
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.filesize import decimal
from rich.table import Table

from sparseeg.cli.given import given_options
from sparseeg.cli.options import COMPUTING, DATA, OUTPUT, SCORES, Jobs, flag, name_list, option
from sparseeg.cli.outputs import check_own
from sparseeg.cli.screen import interruptible, output, progress_bar, say, writing
from sparseeg.errors import SparseEEGError

MOST = 1_000_000  # minutes, GiB
CHALLENGES = (1, 2)
RECORD = "score.json"  # written last


def score(
    ctx: typer.Context,
    archive: Annotated[Path, typer.Argument(metavar="ZIP", help="Submission to score, yours or another's.")],
    *,
    data: Annotated[
        Path,
        option(DATA, "BIDS folder of release R5, or a store from --cache.", "--data", metavar="PATH"),
    ],
    releases: Annotated[
        list[str] | None, option(DATA, "HBN releases to score, or all. Default: R5.", metavar="R5,...")
    ] = None,
    cache: Annotated[
        Path | None,
        option(
            DATA, "Keep the windows here for the next call. Default: not kept.", "--cache", metavar="FOLDER"
        ),
    ] = None,
    jobs: Jobs = 2,
    challenge: Annotated[
        Literal["1", "2", "both"], option(SCORES, "1: response time, 2: externalizing.")
    ] = "both",
    order_check: Annotated[
        bool, flag(SCORES, "Predict again, windows in another order.", "--order-check/--no-order-check")
    ] = True,
    device: Annotated[Literal["cpu", "cuda"], option(COMPUTING, "Where the submission runs.")] = "cpu",
    time_limit: Annotated[
        float, option(COMPUTING, "Time for one pass of a challenge.", metavar="MINUTES")
    ] = 60.0,
    memory_limit: Annotated[
        float, option(COMPUTING, "Memory of the submission; on CPUs only.", metavar="GIB")
    ] = 16.0,
    python: Annotated[
        str | None,
        option(COMPUTING, "Python that runs the submission. Default: this one.", metavar="COMMAND"),
    ] = None,
    out: Annotated[
        Path | None,
        option(
            OUTPUT,
            "Folder for score.json and tables by window and by subject. Default: none.",
            "--out",
            metavar="FOLDER",
        ),
    ] = None,
) -> None:
    """Score a submission as the challenge's own script does, with intervals and checks beside it.

    The zip is unpacked with care, but its code runs on this machine: score
    only what you trust.
    """
    if not (0 < time_limit <= MOST and 0 < memory_limit <= MOST):
        raise SparseEEGError(f"--time-limit and --memory-limit take numbers above zero, up to {MOST:,}")
    from sparseeg.data.load import recognise
    from sparseeg.submission.sandbox import Limits
    from sparseeg.submission.score import challenge_windows, try_out
    from sparseeg.submission.score import score as score_archive

    if device != "cpu" and "memory_limit" in given_options(ctx):
        raise SparseEEGError(f"--memory-limit has no effect on --device {device}; leave it out")
    if cache is not None and recognise(data) == "store":
        raise SparseEEGError(
            f"{data} is a store already: --cache keeps the windows of a BIDS folder; leave it out"
        )
    named = name_list(releases, "--releases") or ("R5",)
    wanted = None if named == ("all",) else named
    challenges = [1, 2] if challenge == "both" else [int(challenge)]
    with ExitStack() as stack:
        stack.enter_context(interruptible("interrupted; nothing was scored"))
        limits = Limits(60 * time_limit, round(memory_limit * 2**30))
        notes = try_out(archive, challenges, device=device, limits=limits, python=python or sys.executable)
        for note in notes:
            say(f"{archive.name}: {note}")
        if out is not None:
            stack.enter_context(writing(out))
            _check_scores(out, archive, challenges)
        folder = cache or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sparseeg-")))
        windows = {}
        for number in challenges:
            with progress_bar(f"reading the windows of challenge {number}") as progress:
                windows[number] = challenge_windows(number, data, folder, wanted, jobs, progress)
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
        _write(out, archive, scores, notes)
        say(f"tables in {out}")


@contextmanager
def _bars() -> Iterator[Any]:
    """Give a function that makes the progress bar of a challenge."""
    with ExitStack() as stack:
        yield lambda challenge: stack.enter_context(progress_bar(f"scoring challenge {challenge}"))


def _show(name: str, scores: list[Any], simulated: bool) -> None:
    from sparseeg.submission.score import overall

    total = overall(scores)
    words = "" if total is None else f"; overall {total:.5f} (0.3 and 0.7 of the two)"
    table = Table(title=f"{name}{', SIMULATED data' if simulated else ''}{words}")
    table.add_column("", no_wrap=True)
    for result in scores:
        table.add_column(f"challenge {result.challenge}", justify="right")
    for label, cell in _ROWS.items():
        table.add_row(label, *(cell(result) for result in scores))
    output.print(table)
    for result in scores:
        if result.depends_on_order:
            output.print(_effect_of_order(result), soft_wrap=True)
    for sentence in dict.fromkeys(sentence for result in scores for sentence in result.not_enforced):
        output.print(f"{sentence} on this system and device", soft_wrap=True)


def _effect_of_order(result: Any) -> str:
    """Return what the order of the windows, or chance, does to a score."""
    cause = "the order of the windows" if result.repeats else "chance: asked again, they differ"
    return (
        f"challenge {result.challenge}: the predictions depend on {cause}. In another order they differ by "
        f"up to {result.moved:.3g}, and NRMSE is {result.shuffled_nrmse:.5f} instead of "
        f"{result.scores['nrmse']:.5f}"
    )


_ROWS = {
    "NRMSE (/ SD), the score": lambda result: f"{result.scores['nrmse']:.5f}",
    "95 % interval": lambda result: " - ".join(f"{bound:.3f}" for bound in result.scores["nrmse_ci95"]),
    "RMSE": lambda result: f"{result.scores['rmse']:.4f}",
    "Pearson": lambda result: f"{result.scores['pearson_r']:.3f}",
    "NRMSE, other order": lambda result: (
        "not checked" if result.shuffled_nrmse is None else f"{result.shuffled_nrmse:.5f}"
    ),
    "NRMSE without the excluded subjects": lambda result: (
        "the same" if result.kept is None else f"{result.kept['nrmse']:.5f}"
    ),
    "windows, subjects": lambda result: f"{result.scores['n_trials']}, {result.scores['n_subjects']}",
    "ms per window": lambda result: f"{1000 * result.seconds_per_window:.1f}",
    "memory at most": lambda result: (
        "not measured" if result.peak_bytes is None else decimal(result.peak_bytes)
    ),
}


def _check_scores(out: Path, archive: Path, challenges: list[int]) -> None:
    """Raise SparseEEGError where a folder holds files of others, or scores that would be mixed with these."""
    from sparseeg.files.atomic import read_json

    tables = [_table(number, part) for number in CHALLENGES for part in ("predictions", "subjects")]
    check_own(out, RECORD, tables, "a scored zip")
    if not (out / RECORD).exists():
        return
    there = read_json(out / RECORD, dict)
    known = there.get("archive") or {"name": "a zip that it does not name", "sha256": None}
    if known["sha256"] != _sha256(archive):
        raise SparseEEGError(f"{out} holds the scores of {known['name']}, another zip; choose another --out")
    for number in CHALLENGES:
        if number not in challenges and f"challenge_{number}" in there:
            raise SparseEEGError(
                f"{out} holds scores in challenge {number} too; score both challenges, or choose another "
                "--out"
            )


def _sha256(archive: Path) -> str:
    with archive.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _table(challenge: int, part: str) -> str:
    """Return the name of a table about a challenge."""
    return f"challenge_{challenge}_{part}.tsv"


def _write(out: Path, archive: Path, scores: list[Any], notes: list[str]) -> None:
    from sparseeg.files.atomic import write_json, write_whole
    from sparseeg.submission.score import overall

    content: dict[str, Any] = {
        "archive": {"name": archive.name, "sha256": _sha256(archive)},
        "overall": overall(scores),
        "notes": notes,
    }
    for result in scores:
        content[f"challenge_{result.challenge}"] = {
            **result.scores,
            "normalizer": "std",
            "without_excluded": result.kept,
            "other_order_nrmse": result.shuffled_nrmse,
            "depends_on_order": result.depends_on_order,
            "repeats": result.repeats,
            "seconds_per_window": result.seconds_per_window,
            "peak_bytes": result.peak_bytes,
            "not_enforced": list(result.not_enforced),
        }
        for part, table in (("predictions", result.predictions), ("subjects", result.by_subject())):
            text = table.to_csv(sep="\t", index=False, float_format="%.7g")
            write_whole(out / _table(result.challenge, part), text)
    write_json(out / RECORD, content)
