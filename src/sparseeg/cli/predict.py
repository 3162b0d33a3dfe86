"""The command `sparseeg predict`: predictions for new recordings."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from sparseeg.cli.given import check_grid, command_line, given_options
from sparseeg.cli.options import EVENTS, NETWORK, OUTPUT, SIGNALS, Overwrite, flag, name_list, option
from sparseeg.cli.outputs import check_file, run_files
from sparseeg.cli.screen import interruptible, progress_bar, say
from sparseeg.errors import SparseEEGError, counted


def predict(
    ctx: typer.Context,
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder of `sparseeg train`.")],
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE", help="Recordings, or MNE epochs."),
    ],
    stimulus: Annotated[
        list[str] | None,
        option(EVENTS, "Events to predict for. Default: those of the training.", metavar="NAME,..."),
    ] = None,
    every: Annotated[
        float | None,
        option(EVENTS, "Predict at this interval instead of at events.", metavar="SECONDS"),
    ] = None,
    events: Annotated[
        Path | None,
        option(EVENTS, "events.tsv of the recording. Default: the one beside it.", metavar="FILE"),
    ] = None,
    events_column: Annotated[
        str | None,
        option(EVENTS, "Column of events.tsv with their names. Default: as in training.", metavar="COLUMN"),
    ] = None,
    bad: Annotated[
        list[str] | None,
        option(SIGNALS, "Channels to interpolate besides those marked bad.", metavar="NAME,..."),
    ] = None,
    keep_bad: Annotated[
        bool, flag(SIGNALS, "Also predict in stretches that are marked as bad.", "--keep-bad")
    ] = False,
    low_cut: Annotated[
        float | None, option(SIGNALS, "High-pass edge. Default: as in training.", metavar="HZ")
    ] = None,
    high_cut: Annotated[
        float | None, option(SIGNALS, "Low-pass edge. Default: as in training.", metavar="HZ")
    ] = None,
    reference: Annotated[
        list[str] | None,
        option(SIGNALS, "average, or channels. Default: as in training.", metavar="NAME,..."),
    ] = None,
    device: Annotated[Literal["cpu", "cuda"], option(NETWORK, "Where the networks run.")] = "cpu",
    out: Annotated[
        Path | None,
        option(
            OUTPUT,
            "Table to write, with a page beside it. Default: standard output.",
            "--out",
            metavar="FILE",
        ),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Predict for new recordings, with intervals: one row per stimulus, or one every few seconds.

    Files of MNE epochs get one row per epoch.

    Channels are matched by name in any order; missing and bad channels are
    interpolated, other sampling rates are resampled. What was done to a
    recording is printed to standard error.
    """
    from sparseeg.data.bids.layout import bids_file
    from sparseeg.data.event_names import names_with_commas
    from sparseeg.data.signals.new_recording import files_of
    from sparseeg.prediction import Predictor
    from sparseeg.prediction.epochs import check_request, is_epochs, predict_epochs
    from sparseeg.prediction.recordings import PredictionRequest, predict_recording, write_table
    from sparseeg.prediction.seen import seen_before
    from sparseeg.training.lineage import seen_by

    if events is not None and len(files) > 1:
        raise SparseEEGError(f"--events describes one recording, not {len(files)}; give only that one")
    if out is not None:
        inputs = [path for file in files for path in files_of(file)]
        page = out.with_suffix(".html")
        if out == page:
            raise SparseEEGError(
                f"--out {out} names the table, and a page is written beside it; call it .tsv"
            )
        for file in (out, page):
            check_file(file, overwrite, [*inputs, *([events] if events else []), *run_files(run)])
    elif overwrite:
        raise SparseEEGError("--overwrite has no effect without --out; name the table to replace")
    predictor = Predictor(run, device)
    if not any(map(os.path.lexists, files)):  # a link to content that is missing is explained below
        raise SparseEEGError(f"{files[0]} does not exist; name a recording, or a file of MNE epochs")
    channels = {channel["ch_name"] for channel in predictor.channels}
    known = names_with_commas(stimulus or (), map(bids_file, files), events)
    request = PredictionRequest(
        every=every,
        stimulus=name_list(stimulus, "--stimulus", known | set(predictor.inputs.stimulus)),
        events=events,
        events_column=events_column,
        bad=name_list(bad, "--bad", channels),
        low_cut=low_cut,
        high_cut=high_cut,
        reference=name_list(reference, "--reference", channels) or None,
        keep_bad=keep_bad,
    )
    recordings = [file for file in files if not is_epochs(file)]
    for file in set(files) - set(recordings):
        check_request(request, file)
    if recordings:
        request.check(predictor.inputs)
        say(f"recordings are read {request.describe(predictor.inputs, predictor.spec.sfreq)}")
    if recordings and (every is not None or not predictor.inputs.task.locked):
        check_grid(given_options(ctx))
    seen = seen_by(predictor.run)
    tables: list[Any] = []
    all_notes: list[tuple[Path, str]] = []
    failed: list[SparseEEGError] = []
    with interruptible("interrupted; nothing was written"), progress_bar("predicting") as progress:
        for number, file in enumerate(files):
            progress(number, len(files))
            try:
                predicted = predict_epochs if is_epochs(file) else predict_recording
                table, notes = predicted(predictor, file, request)
            except SparseEEGError as error:
                if len(files) == 1:
                    raise
                failed.append(error)
                say(f"error: {error}")
                all_notes.append((file, f"could not be predicted: {error}"))
                continue
            for note in [*seen_before(seen, file), *notes]:
                say(f"{file}: {note}")
                all_notes.append((file, note))
            tables.append(table)
    if not tables:
        raise SparseEEGError(f"none of the {len(files)} recordings could be predicted, see above")
    write_table(tables, out)
    if out is not None:
        import pandas as pd

        from sparseeg.report.prediction_page import write_prediction_page

        write_prediction_page(page, pd.concat(tables, ignore_index=True), run, all_notes, command_line())
        found = f"{counted(sum(map(len, tables)), 'prediction')} for {counted(len(tables), 'recording')}"
        say(f"{out}: {found}; {page} shows them")
    if failed:
        raise SparseEEGError(f"{len(failed)} of {len(files)} recordings could not be predicted, see above")
