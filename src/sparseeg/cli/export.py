"""The command `sparseeg export`: a trained run in a format of others."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from sparseeg.cli.options import check_file
from sparseeg.cli.screen import interruptible, say, writing
from sparseeg.errors import SparseEEGError
from sparseeg.files.lock import is_empty

NAMES = {"onnx": "model.onnx", "torch": "model.pt2", "huggingface": "huggingface"}
N_WINDOWS = 1_000  # that an export is checked on


def export(
    run: Annotated[Path, typer.Argument(help="Run folder of `sparseeg train`.")],
    format: Annotated[
        Literal["onnx", "torch", "huggingface"],
        typer.Option(help="ONNX, a program of torch.export (.pt2), or a folder for the Hugging Face Hub."),
    ] = "onnx",
    out: Annotated[
        Path | None,
        typer.Option("--out", help="File, or folder for huggingface; default: in the run folder."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")] = False,
) -> None:
    """Export a trained run for any number of windows at once, checked on 1,000 windows before it is kept."""
    target = out or run / NAMES[format]
    from sparseeg.export import graph
    from sparseeg.prediction import Predictor
    from sparseeg.prediction.example_windows import example_windows

    predictor = Predictor(run)
    if format != "huggingface":
        # What an earlier call has written there may be replaced, everything else in the run not.
        own = [path for path in run.rglob("*") if path.is_file() and path != run / NAMES[format]]
        check_file(target, overwrite, own)
    elif (target / "config.yaml").exists():
        raise SparseEEGError(f"{target} is a run folder; choose another --out")
    elif target.exists() and not target.is_dir():
        raise SparseEEGError(f"{target} is a file; --format {format} writes a folder")
    elif target.exists() and not is_empty(target) and not overwrite:
        raise SparseEEGError(f"{target} exists; choose another --out, or replace it by --overwrite")
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
