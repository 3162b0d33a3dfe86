"""The command `sparseeg stream`: predictions for a running recording."""

import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from sparseeg.cli.given import check_grid, given_options
from sparseeg.cli.options import EVENTS, OUTPUT, SIGNALS, STREAM, flag, name_list, option
from sparseeg.cli.screen import say
from sparseeg.errors import SparseEEGError, not_installed

# in the words of a window that is lost: `replay` plays them as NaN
_BREAKS = "it holds a cut or a bad stretch of the recording, or NaN or infinite samples"


def stream(
    ctx: typer.Context,
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder of `sparseeg train`.")],
    name: Annotated[
        str | None,
        option(STREAM, "EEG stream. Default: the only one of type EEG.", metavar="NAME"),
    ] = None,
    source_id: Annotated[
        str | None, option(STREAM, "Its LSL source id, where several have its name.", metavar="ID")
    ] = None,
    markers: Annotated[
        str | None, option(STREAM, "Marker stream. Default: the only one.", metavar="NAME")
    ] = None,
    replay: Annotated[
        Path | None, option(STREAM, "Play this recording and its events as streams.", metavar="FILE")
    ] = None,
    seconds: Annotated[
        float | None, option(STREAM, "Stop after this time. Default: Ctrl-C.", metavar="SECONDS", min=0)
    ] = None,
    stimulus: Annotated[
        list[str] | None,
        option(EVENTS, "Markers to predict for. Default: those of the training.", metavar="NAME,..."),
    ] = None,
    every: Annotated[
        float | None,
        option(EVENTS, "Predict at this interval instead of at markers.", metavar="SECONDS"),
    ] = None,
    events_column: Annotated[
        str | None,
        option(
            EVENTS,
            "Column of the events.tsv of --replay. Default: as in training.",
            metavar="COLUMN",
        ),
    ] = None,
    bad: Annotated[list[str] | None, option(SIGNALS, "Channels to interpolate.", metavar="NAME,...")] = None,
    keep_bad: Annotated[
        bool,
        flag(SIGNALS, "Also predict in stretches of --replay that are marked as bad.", "--keep-bad"),
    ] = False,
    outlet: Annotated[str, option(OUTPUT, "LSL stream of predictions.", metavar="NAME")] = "sparseeg",
    out: Annotated[
        Path | None,
        option(OUTPUT, "Table to write. Default: stream-DATE-TIME.tsv in RUN.", "--out", metavar="FILE"),
    ] = None,
) -> None:
    """Predict on a live LSL stream: for every stimulus marker, as soon as its window is complete.

    Predictions go to an LSL stream, to a table and to the screen. If a stream
    ends, the command waits until it is back, with the same or with other
    channels and sampling rate.
    """
    if replay is None and events_column is not None:
        raise SparseEEGError("--events-column is for the recording of --replay; leave it out")
    if replay is None and keep_bad:
        raise SparseEEGError("--keep-bad is for the recording of --replay; leave it out")
    if replay is not None and source_id is not None:
        raise SparseEEGError(
            "--source-id is for a stream of others, but --replay plays its own; leave it out"
        )
    if every is not None:
        check_grid(given_options(ctx))
    try:
        from mne_lsl import lsl
    except (ImportError, OSError, RuntimeError) as error:  # RuntimeError: liblsl itself is missing
        raise not_installed("mne-lsl", "sparseeg[stream]", error) from error
    if hasattr(lsl, "set_config_content"):
        lsl.set_config_content("[log]\nlevel = -3\n")  # liblsl prints its own lines otherwise
    from sparseeg.data.bids.layout import bids_file
    from sparseeg.data.event_names import names_with_commas
    from sparseeg.prediction import Predictor
    from sparseeg.prediction.recordings import PredictionRequest
    from sparseeg.stream.live import LiveRequest, Log, live, new_table
    from sparseeg.stream.lsl import PredictionStream, StreamName
    from sparseeg.stream.replay import replay as play

    predictor = Predictor(run)
    inputs = predictor.inputs
    known = names_with_commas(stimulus or (), [] if replay is None else [bids_file(replay)])
    stimuli = name_list(stimulus, "--stimulus", known | set(inputs.stimulus))
    PredictionRequest(every=every, stimulus=stimuli).check(inputs)
    if not inputs.task.locked and every is None:
        check_grid(given_options(ctx))
        every = inputs.task.stride
    path = out or run / f"stream-{datetime.now():%Y%m%d-%H%M%S}.tsv"
    played = None
    with ExitStack() as stack:
        if replay is not None:
            name = name or f"replay-{path.stem}"
            markers = markers or f"{name}-annotations"
            column = None if every is not None else events_column or inputs.events_column
            played = stack.enter_context(
                play(
                    replay,
                    name,
                    column,
                    wanted=[channel["ch_name"] for channel in predictor.channels],
                    own=stimuli or inputs.stimulus,
                    keep_bad=keep_bad,
                )
            )
            for note in played.notes:
                say(f"{replay}: {note}")
        table = stack.enter_context(new_table(path))
        wanted = LiveRequest(
            StreamName(name, source_id),
            StreamName(markers),
            stimuli or inputs.stimulus,
            every,
            (
                *name_list(bad, "--bad", {channel["ch_name"] for channel in predictor.channels}),
                *(played.bad if played is not None else ()),
            ),
            **({} if replay is None else {"not_finite": _BREAKS}),
        )
        until = None if seconds is None else time.monotonic() + seconds
        ended = _ended(until, (lambda: not played.player.running) if played is not None else lambda: False)
        log = Log()
        with suppress(KeyboardInterrupt):  # Ctrl-C is how a user ends it
            live(predictor, wanted, PredictionStream(outlet, inputs.task.unit), table, log, say, ended)
    say(f"{path}: {log.summary}")


def _ended(until: float | None, gone: Callable[[], bool]) -> Callable[[], bool]:
    """Return a function that says whether to stop; after a replay, its last windows get a second."""
    since: list[float] = []

    def ended() -> bool:
        if until is not None and time.monotonic() >= until:
            return True
        if gone() and not since:
            since.append(time.monotonic())
        return bool(since) and time.monotonic() - since[0] > 1.0

    return ended
