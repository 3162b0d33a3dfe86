"""Time and peak memory of attention layers on the same input, compared with their matrix products alone."""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from sparseeg.bench.contenders import FLOOR, Contender, ProjectedAttention, contenders, random_weights
from sparseeg.bench.probe import BACKWARD, FORWARD, Case, PassLimits, ProbeResult, make_pass, probe
from sparseeg.bench.slices import choose_queries, slice_pass
from sparseeg.engines import Report, ignore
from sparseeg.errors import SparseEEGError

SIZES = (
    (32, 50),
    (8, 200),
    (8, 1024),
    (2, 4096),
    (1, 16384),
    (1, 65536),
    (1, 262144),
    (1, 1048576),
)
TOKENS_PER_HEAD = (2, 8, 16)

_FEWEST_REPEATS = 3
_INTERRUPTED = "interrupted at this size"
_WARM_UP_BELOW = 5.0  # seconds; the set-up in the first pass is negligible for longer passes

Stopped = dict[tuple[str, int, str], tuple[int, str]]


@dataclass(frozen=True)
class BenchmarkOptions:
    """Options of the benchmark.

    Parameters
    ----------
    dim : width d of the tokens.
    tokens_per_head : of our layer.
    repeats : largest number of repeats.
    budget : seconds of timing for each size, which limit the number of repeats.
    backward : also measure forward+backward.
    limits : limits of each pass.
    """

    dim: int = 256
    tokens_per_head: tuple[int, ...] = TOKENS_PER_HEAD
    repeats: int = 40
    budget: float = 240.0
    backward: bool = True
    limits: PassLimits = field(default_factory=PassLimits)


@dataclass
class Measurement:
    """One layer at one size: the results of the probe, and the seconds of each repeat."""

    contender: Contender
    case: Case
    outcomes: dict[str, ProbeResult] = field(default_factory=dict)
    passes: dict[str, Callable[[], float]] = field(default_factory=dict)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def label(self) -> str:
        """Name of the layer, with the tokens per head if they differ between rows."""
        heads = f" ({self.case.tokens_per_head} tokens per head)" if self.case.tokens_per_head else ""
        return f"{self.contender.name}{heads}"


def select(prefixes: Sequence[str]) -> tuple[Contender, ...]:
    """Return the floor and the layers whose names begin with one of the prefixes; all without prefixes.

    Raises
    ------
    SparseEEGError : no name begins with a prefix.
    """
    found = contenders()
    for prefix in prefixes:
        if not any(contender.name.startswith(prefix) for contender in found):
            known = ", ".join(contender.name for contender in found)
            raise SparseEEGError(f"no layer is called {prefix!r}; choose from {known}")
    if not prefixes:
        return found
    return tuple(contender for contender in found if contender.name.startswith((FLOOR, *prefixes)))


def parse_sizes(text: str) -> tuple[tuple[int, int], ...]:
    """Return sizes like `32x50,8x200` as (batch, N), sorted by N.

    Raises
    ------
    SparseEEGError : a size has another form.
    """
    sizes = []
    for part in text.split(","):
        numbers = part.strip().lower().split("x")
        if len(numbers) != 2 or not all(number.isdigit() and int(number) > 0 for number in numbers):
            raise SparseEEGError(f"a size is BATCHxN, as 32x50; got {part.strip()!r}")
        sizes.append((int(numbers[0]), int(numbers[1])))
    return tuple(sorted(sizes, key=lambda size: size[1]))


def parse_numbers(text: str) -> tuple[int, ...]:
    """Return positive integers like `2,8,16`.

    Raises
    ------
    SparseEEGError : a part is not a positive integer; the message names it.
    """
    for part in text.split(","):
        if not part.strip().isdigit() or int(part) < 1:
            raise SparseEEGError(f"expected positive integers separated by commas, got {part.strip()!r}")
    return tuple(int(part) for part in text.split(","))


def measure_attention(
    layers: Sequence[Contender],
    sizes: Sequence[tuple[int, int]] = SIZES,
    options: BenchmarkOptions = BenchmarkOptions(),
    *,
    report: Report = ignore,
    save: Callable[[pd.DataFrame, bool], object] | None = None,
    measured: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Measure layers at several sizes, and return one row per layer and size.

    A layer that can't be built or run keeps its row, with the reason.

    Parameters
    ----------
    layers : the layers, the floor first.
    sizes : sizes (batch, N).
    options : how to measure.
    report : called with a line about the progress.
    save : called with the table so far and whether it is complete, after each size and after Ctrl-C.
    measured : table of an interrupted run, whose finished sizes are kept.
    """
    rows = [] if measured is None else _finished(measured)
    stopped = _stopped(rows)
    done = {(row["batch"], row["N"]) for row in rows}
    entries: list[Measurement] = []
    try:
        for batch, num_tokens in sizes:
            if (batch, num_tokens) in done:
                continue
            entries = _entries(layers, batch, num_tokens, options)
            _probe_all(entries, stopped, options, report)
            _time_all(entries, options, report)
            rows += _rows(entries)
            entries = []
            if save is not None:
                save(_frame(rows), False)
    except KeyboardInterrupt:
        for entry in entries:
            entry.notes.append(_INTERRUPTED)
        if save is not None:
            save(_frame(rows + _rows(entries)), False)
        raise
    table = _frame(rows)
    if save is not None:
        save(table, True)
    return table


def _finished(table: pd.DataFrame) -> list[dict[str, object]]:
    """Return the rows of the sizes that an interrupted run has finished."""
    table = table.assign(note=table["note"].fillna(""), settings=table["settings"].fillna(""))
    cut = table[table["note"].str.contains(_INTERRUPTED)]
    unfinished = set(zip(cut["batch"], cut["N"], strict=True))
    kept = [(batch, size) not in unfinished for batch, size in zip(table["batch"], table["N"], strict=True)]
    return [{str(name): value for name, value in row.items()} for row in table[kept].to_dict("records")]


def _stopped(rows: list[dict[str, object]]) -> Stopped:
    """Return the passes that exceeded a limit in these rows, with the smallest N and the reason."""
    stopped: Stopped = {}
    for row in rows:
        tokens = str(row["tokens per head"])
        for name, reason in re.findall(r"(\S+): (over [\d.]+ s|out of memory)", str(row["note"])):
            key = (str(row["layer"]), int(tokens) if tokens.isdigit() else 0, name)
            stopped.setdefault(key, (int(str(row["N"])), reason))
    return stopped


def _entries(
    layers: Sequence[Contender], batch: int, num_tokens: int, options: BenchmarkOptions
) -> list[Measurement]:
    return [
        Measurement(contender, Case(batch, num_tokens, options.dim, tokens))
        for contender in layers
        for tokens in (options.tokens_per_head if contender.by_tokens_per_head else (0,))
    ]


def _probe_all(
    entries: list[Measurement], stopped: Stopped, options: BenchmarkOptions, report: Report
) -> None:
    """Run each layer once in its own process; note those that exceed a limit, for this and larger sizes."""
    for entry in entries:
        contender, case = entry.contender, entry.case
        names = (FORWARD, BACKWARD) if options.backward and contender.backward else (FORWARD,)
        keys = {name: (contender.name, case.tokens_per_head, name) for name in names}
        possible = []
        for name in names:
            if keys[name] in stopped:
                where, reason = stopped[keys[name]]
                entry.outcomes[name] = ProbeResult(problem=f"stopped at N = {where} ({reason})", grows=True)
                break
            possible.append(name)
        if possible:
            report(f"{case.batch}x{case.num_tokens}: probing {entry.label}")
            found = probe(contender, case, options.limits, torch.get_num_threads(), tuple(possible))
            entry.outcomes = found | entry.outcomes  # different names
        for name, outcome in entry.outcomes.items():
            if outcome.grows:
                stopped.setdefault(keys[name], (case.num_tokens, outcome.problem))
            if outcome.problem:
                entry.notes.append(f"{name}: {outcome.problem}")


def _time_all(entries: list[Measurement], options: BenchmarkOptions, report: Report) -> None:
    """Time all passes in turn, so that a slow moment of the machine affects all layers alike."""
    case = entries[0].case
    size, x = f"{case.batch}x{case.num_tokens}", case.tokens()
    estimate = 0.0
    for entry in entries:
        report(f"{size}: preparing {entry.label}")
        estimate += _prepare(entry, x, options)
    repeats = int(np.clip(options.budget / max(estimate, 1e-9), _FEWEST_REPEATS, options.repeats))
    started = time.perf_counter()
    for repeat in range(repeats):
        report(f"{size}: repeat {repeat + 1} of {repeats}, {time.perf_counter() - started:.0f} s")
        for entry, name, one_pass in _passes(entries):
            try:
                entry.seconds.setdefault(name, []).append(one_pass())
            except (RuntimeError, MemoryError) as error:
                entry.notes.append(f"{name}: {_first_line(error)}")
                del entry.passes[name]


def _passes(entries: list[Measurement]) -> Iterator[tuple[Measurement, str, Callable[[], float]]]:
    for entry in entries:
        for name, one_pass in list(entry.passes.items()):
            yield entry, name, one_pass


def _prepare(entry: Measurement, x: Tensor, options: BenchmarkOptions) -> float:
    """Build and warm up a layer that passed the probe, and return the seconds that one repeat will take."""
    contender, case = entry.contender, entry.case
    good = {name: outcome.seconds for name, outcome in entry.outcomes.items() if outcome.seconds is not None}
    slow = contender.sliceable and any(outcome.grows for outcome in entry.outcomes.values())
    if not good and not slow:
        return 0.0
    total = 0.0
    try:
        layer = contender.build(case.num_tokens, random_weights(case.dim), case.tokens_per_head)
        for name, expected in good.items():
            one_pass = make_pass(layer, x, name)
            seconds = one_pass() if expected < _WARM_UP_BELOW or contender.compiled else expected
            entry.passes[name] = one_pass
            total += min(seconds, expected)
        if slow and isinstance(layer, ProjectedAttention):
            total += sum(_prepare_slice(entry, layer, x, name) for name in _sliced(entry, options))
    except (RuntimeError, MemoryError, ImportError) as error:
        entry.notes.append(_first_line(error))
        entry.passes.clear()
    return total


def _sliced(entry: Measurement, options: BenchmarkOptions) -> list[str]:
    """Return the names of the passes that are too large to run as a whole."""
    wanted = (FORWARD, BACKWARD) if options.backward and entry.contender.backward else (FORWARD,)
    return [name for name in wanted if name not in entry.passes]


def _prepare_slice(entry: Measurement, layer: ProjectedAttention, x: Tensor, name: str) -> float:
    """Choose the number of queries whose pass takes some seconds, and note it."""
    num_tokens = x.shape[1]
    queries = choose_queries(layer, x, name)
    entry.notes.append(f"{name}: slice {queries} of {num_tokens}")

    def one_pass() -> float:
        products, attention = slice_pass(layer, x, queries, name)
        return products + attention * num_tokens / queries

    entry.passes[name] = one_pass
    return sum(slice_pass(layer, x, queries, name))


def _rows(entries: list[Measurement]) -> list[dict[str, object]]:
    floor = entries[0].seconds if entries else {}
    return [_row(entry, floor) for entry in entries]


def _row(entry: Measurement, floor: dict[str, list[float]]) -> dict[str, object]:
    case, contender = entry.case, entry.contender
    row: dict[str, object] = {
        "batch": case.batch,
        "N": case.num_tokens,
        "d": case.dim,
        "tokens per head": case.tokens_per_head or None,
        "layer": contender.name,
    }
    for name in (FORWARD, BACKWARD):
        times = np.array(entry.seconds.get(name, []))
        if len(times):
            row[f"{name} ms"] = float(np.median(times)) * 1e3
            row[f"{name} min-max"] = f"{times.min() * 1e3:.4g}-{times.max() * 1e3:.4g}"
            # Paired ratios: a slow moment of the machine affects both.
            pairs = list(zip(times, floor.get(name, []), strict=False))
            ratios = [time / base for time, base in pairs]
            row[f"{name} / floor"] = float(np.median(ratios)) if ratios else None
    for name in (FORWARD, BACKWARD):
        outcome = entry.outcomes.get(name, ProbeResult())
        row[f"{name} peak MB"] = None if outcome.peak is None else outcome.peak / 1e6
    row["settings"] = contender.settings
    row["note"] = "; ".join(entry.notes)
    return row


def _frame(rows: list[dict[str, object]]) -> pd.DataFrame:
    """Return a table with ordered columns and nullable integers."""
    measured = [f"{name} {part}" for name in (FORWARD, BACKWARD) for part in ("ms", "min-max", "/ floor")]
    peaks = [f"{name} peak MB" for name in (FORWARD, BACKWARD)]
    columns = ["batch", "N", "d", "tokens per head", "layer", *measured, *peaks, "settings", "note"]
    table = pd.DataFrame(rows, columns=columns).astype({"tokens per head": "Int64"})
    numbers = [column for column in columns if column.endswith(("ms", "/ floor", "peak MB"))]
    return table.astype(dict.fromkeys(numbers, float))


def _first_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:120]}"
