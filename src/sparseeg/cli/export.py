"""The command `sparseeg export`: a trained run in other formats."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from sparseeg.cli.options import OUTPUT, Overwrite, option
from sparseeg.cli.outputs import check_file, run_files
from sparseeg.cli.screen import interruptible, say, writing
from sparseeg.errors import SparseEEGError
from sparseeg.files.lock import is_empty

NAMES = {"onnx": "model.onnx", "torch": "model.pt2", "huggingface": "huggingface"}
N_WINDOWS = 1_000  # that an export is checked on


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder of `sparseeg train`.")],
    format: Annotated[
        Literal["onnx", "torch", "huggingface"],
        option(
            OUTPUT,
            "onnx, torch (torch.export, .pt2), or huggingface (a folder for the Hub).",
            metavar="FORMAT",
        ),
    ] = "onnx",
    out: Annotated[
        Path | None,
        option(
            OUTPUT,
            "File, or folder of --format huggingface. Default: in the run folder.",
            "--out",
            metavar="PATH",
        ),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Export a trained run, for batches of any size.

    The export is kept if it predicts the same as the run on 1,000 windows.
    """
    target = out or run / NAMES[format]
    from sparseeg.export import graph
    from sparseeg.prediction import Predictor
    from sparseeg.prediction.example_windows import example_windows

    predictor = Predictor(run)
    if format != "huggingface":
        # An earlier export may be replaced, every other file of the run not.
        check_file(target, overwrite, [path for path in run_files(run) if path != run / NAMES[format]])
    elif (target / "config.yaml").exists():
        raise SparseEEGError(f"{target} is a run folder; choose another --out")
    elif target.exists() and not target.is_dir():
        raise SparseEEGError(
            f"{target} is a file, but --format {format} writes a folder; choose another --out"
        )
    elif target.exists() and not is_empty(target) and not overwrite:
        raise SparseEEGError(f"{target} exists; choose another --out, or replace it with --overwrite")
    with interruptible("interrupted; nothing was written"), writing(run):
        windows, of = example_windows([run], predictor.spec.n_chans, predictor.spec.n_times, N_WINDOWS)
        if format == "huggingface":
            graph.needed("huggingface_hub")
            from sparseeg.export.hub import export_hub

            difference = export_hub(predictor, target, windows)
        else:
            write = graph.export_onnx if format == "onnx" else graph.export_torch
            difference = write(predictor, target, windows)
    unit = predictor.inputs.task.unit
    say(f"{target}: within {difference:.1g} {unit} of the run on {len(windows)} windows of {of}")
