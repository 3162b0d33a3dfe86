"""The command `sparseeg predict`: new recordings to predictions."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from sparseeg.cli.options import check_file, comma_list
from sparseeg.cli.screen import interruptible, progress_bar, say
from sparseeg.errors import SparseEEGError


def predict(
    run: Annotated[Path, typer.Argument(help="Run folder of `sparseeg train`.")],
    files: Annotated[list[Path], typer.Argument(help="Recordings of any format that MNE reads.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Table to write; without it, it goes to standard output.")
    ] = None,
    every: Annotated[
        float | None, typer.Option(help="A window every so many seconds, in place of one per stimulus.")
    ] = None,
    stimulus: Annotated[
        str | None,
        typer.Option(help="Events to predict for, separated by commas; default: those of the training."),
    ] = None,
    events: Annotated[
        Path | None, typer.Option(help="events.tsv of the recording, where it doesn't lie beside it.")
    ] = None,
    events_column: Annotated[
        str | None, typer.Option(help="Column of events.tsv with their names; default: as in training.")
    ] = None,
    bad: Annotated[
        str | None,
        typer.Option(help="Channels to interpolate, separated by commas, besides those marked bad."),
    ] = None,
    low_cut: Annotated[
        float | None,
        typer.Option(help="High-pass edge in Hz; default: as when the training data were prepared."),
    ] = None,
    high_cut: Annotated[float | None, typer.Option(help="Low-pass edge in Hz; default as --low-cut.")] = None,
    reference: Annotated[
        str | None,
        typer.Option(help="average, or channels; default: as the training data, or the file's own."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a table that is there.")] = False,
    device: Annotated[Literal["cpu", "cuda"], typer.Option(help="Where the networks run.")] = "cpu",
) -> None:
    """Predict for new recordings, with intervals: a row per stimulus, or one every few seconds.

    Channels are found by their names in any order, missing and bad ones are interpolated, other rates are
    resampled. What was done to a recording is said on standard error.
    """
    from sparseeg.prediction import Predictor
    from sparseeg.prediction.recordings import PredictionRequest, predict_recording, write_table

    if events is not None and len(files) > 1:
        raise SparseEEGError("--events is of one recording; name that one alone")
    if out is not None:
        check_file(out, overwrite, files)
    predictor = Predictor(run, device)
    request = PredictionRequest(
        every=every,
        stimulus=comma_list(stimulus),
        events=events,
        events_column=events_column,
        bad=comma_list(bad),
        low_cut=low_cut,
        high_cut=high_cut,
        reference=comma_list(reference) or None,
    )
    request.check(predictor.inputs)
    tables: list[Any] = []
    failed: list[SparseEEGError] = []
    with interruptible("interrupted; nothing was written"), progress_bar("predicting") as progress:
        for number, file in enumerate(files):
            progress(number, len(files))
            try:
                table, notes = predict_recording(predictor, file, request)
            except SparseEEGError as error:
                if len(files) == 1:
                    raise
                failed.append(error)
                say(f"error: {error}")
                continue
            for note in notes:
                say(f"{file}: {note}")
            tables.append(table)
    if not tables:
        raise SparseEEGError(f"none of the {len(files)} recordings could be predicted")
    write_table(tables, out)
    if out is not None:
        say(f"{out}: {sum(map(len, tables))} predictions of {len(tables)} recordings")
    if failed:
        raise SparseEEGError(f"{len(failed)} of {len(files)} recordings could not be predicted, see above")
