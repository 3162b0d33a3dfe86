"""The command `sparseeg stream`: predictions on a running recording."""

import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from sparseeg.cli.options import comma_list
from sparseeg.cli.screen import say
from sparseeg.errors import not_installed


def stream(
    run: Annotated[Path, typer.Argument(help="Run folder of `sparseeg train`.")],
    name: Annotated[
        str | None, typer.Option(help="Name of the EEG stream; default: the only one of type EEG.")
    ] = None,
    source_id: Annotated[
        str | None, typer.Option(help="Its LSL source id, where names aren't enough.")
    ] = None,
    markers: Annotated[
        str | None, typer.Option(help="Name of the stream of markers; default: the only one there is.")
    ] = None,
    stimulus: Annotated[
        str | None,
        typer.Option(help="Markers to predict for, separated by commas; default: those of the training."),
    ] = None,
    every: Annotated[
        float | None, typer.Option(help="A prediction every so many seconds, in place of one per marker.")
    ] = None,
    bad: Annotated[str | None, typer.Option(help="Channels to interpolate, separated by commas.")] = None,
    outlet: Annotated[str, typer.Option(help="Name of the LSL stream of predictions.")] = "sparseeg",
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Table to write; default: stream-DATE-TIME.tsv in RUN."),
    ] = None,
    replay: Annotated[
        Path | None, typer.Option(help="Play this recording, with its events, and predict on it.")
    ] = None,
    events_column: Annotated[
        str | None,
        typer.Option(help="Column of the replayed recording's events.tsv; default: that of the training."),
    ] = None,
    seconds: Annotated[float | None, typer.Option(help="Stop after so many; default: Ctrl-C.")] = None,
) -> None:
    """Predict on a live LSL stream: for every stimulus marker, as soon as its window is complete.

    Predictions go to an LSL stream, to a table and to the screen. A stream that ends is waited for, and may
    come back with other channels or another rate.
    """
    try:
        from mne_lsl import lsl
    except (ImportError, OSError, RuntimeError) as error:  # RuntimeError: liblsl itself is missing
        raise not_installed("mne-lsl", "sparseeg[stream]", error) from error
    if hasattr(lsl, "set_config_content"):
        lsl.set_config_content("[log]\nlevel = -3\n")  # liblsl's own lines would stand between ours
    from sparseeg.prediction import Predictor
    from sparseeg.prediction.recordings import PredictionRequest
    from sparseeg.stream.live import LiveRequest, Log, live, new_table
    from sparseeg.stream.lsl import PredictionStream, StreamName
    from sparseeg.stream.replay import replay as play

    predictor = Predictor(run)
    inputs = predictor.inputs
    PredictionRequest(every=every, stimulus=comma_list(stimulus)).check(inputs)
    if not inputs.task.locked and every is None:
        every = inputs.task.stride
    path = out or run / f"stream-{datetime.now():%Y%m%d-%H%M%S}.tsv"
    with ExitStack() as stack:
        if replay is not None:
            name = name or f"replay-{path.stem}"
            markers = markers or f"{name}-annotations"
            column = None if every is not None else events_column or inputs.events_column
            player = stack.enter_context(play(replay, name, column))
        table = stack.enter_context(new_table(path))
        wanted = LiveRequest(
            StreamName(name, source_id),
            StreamName(markers),
            comma_list(stimulus) or inputs.stimulus,
            every,
            comma_list(bad),
        )
        until = None if seconds is None else time.monotonic() + seconds
        ended = _ended(until, (lambda: not player.running) if replay is not None else lambda: False)
        log = Log()
        with suppress(KeyboardInterrupt):  # the way to end it
            live(predictor, wanted, PredictionStream(outlet, inputs.task.unit), table, log, say, ended)
    say(f"{path}: {log.summary}")


def _ended(until: float | None, gone: Callable[[], bool]) -> Callable[[], bool]:
    """Return what says that it is time to stop; the last windows of a replay are still answered."""
    since: list[float] = []

    def ended() -> bool:
        if until is not None and time.monotonic() >= until:
            return True
        if gone() and not since:
            since.append(time.monotonic())
        return bool(since) and time.monotonic() - since[0] > 1.0

    return ended
