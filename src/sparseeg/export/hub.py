"""Hugging Face's format: weights, configuration, and a model card that carries the honest table."""

import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from huggingface_hub import ModelCard, ModelCardData, PyTorchModelHubMixin
from torch import Tensor, nn

from sparseeg import __version__
from sparseeg.errors import SparseEEGError, one_line
from sparseeg.export.graph import check
from sparseeg.models.ensemble import Ensemble
from sparseeg.models.partitions import Partitions
from sparseeg.models.spec import NetworkSpec
from sparseeg.prediction import Predictor
from sparseeg.report.score_table import CAPTION, cells, rows, scored
from sparseeg.report.tables import markdown

LIBRARY = "sparseeg"


class PretrainedDecoder(nn.Module, PyTorchModelHubMixin, library_name=LIBRARY):
    """Networks of a run that `from_pretrained` loads from a folder or from the Hugging Face Hub.

    Parameters
    ----------
    networks : of each the fields of `NetworkSpec`.
    partitions : see `sparseeg.models.partitions.ways`.
    inputs : what windows must be, as `sparseeg.training.inputs.Inputs.to_dict` gives it.
    version : of the package that trained them.

    It maps windows (batch, channel, time) of any unit to (batch, 1) in the target's unit.
    """

    def __init__(
        self,
        networks: list[dict[str, Any]],
        partitions: Partitions = 1,
        inputs: dict[str, Any] | None = None,
        version: str = __version__,
    ) -> None:
        super().__init__()
        # The name `together` is part of the files of weights.
        self.together = Ensemble([NetworkSpec(**spec).build() for spec in networks], partitions)
        self.inputs = inputs or {}

    def forward(self, x: Tensor) -> Tensor:
        return self.together(x)


def export_hub(predictor: Predictor, out: Path, windows: Any) -> float:
    """Write a run in Hugging Face's format; return how far what was loaded again is from the networks.

    out : a folder, new or empty. Arguments, result and errors otherwise as for `graph.export_onnx`.
    """
    specs = [asdict(predictor.spec)] * len(predictor.networks)
    model = PretrainedDecoder(specs, predictor.config.partitions, predictor.inputs.to_dict())
    for own, trained in zip(model.together.networks, predictor.networks, strict=True):
        own.load_state_dict(trained.state_dict())
    described = card(predictor.run)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as place:
        model.eval().save_pretrained(place)
        described.save(Path(place) / "README.md")
        loaded = PretrainedDecoder.from_pretrained(place).eval()
        with torch.inference_mode():
            difference = check(
                predictor, windows, lambda x: loaded(torch.from_numpy(x)).numpy(), "what was loaded"
            )
        out.mkdir(exist_ok=True)
        for file in Path(place).iterdir():
            file.replace(out / file.name)
    return difference


def card(run: Path) -> ModelCard:
    """Return the model card of a run: what it predicts, and its honest table."""
    try:
        metrics = json.loads((run / "metrics.json").read_text())
    except (OSError, ValueError) as error:
        raise SparseEEGError(
            f"{run / 'metrics.json'} can't be read ({one_line(error)}); `sparseeg evaluate {run}` writes it"
        ) from error
    simulated = metrics["data"]["simulated"]
    data = ModelCardData(
        library_name=LIBRARY,
        license="bsd-3-clause",
        tags=[
            "eeg",
            "brain-computer-interface",
            "sparse-attention",
            *(["simulated-data"] if simulated else []),
        ],
    )
    table = pd.DataFrame(
        {"predictor": label, **cells(scores, metrics["unit"])} for label, scores in rows(metrics)
    )
    warning = "**Trained and tested on SIMULATED recordings: of no use on people.**\n\n" if simulated else ""
    text = f"""# {metrics["model"]}: {metrics["task"]}

{warning}Predicts {metrics["target"]} ({metrics["unit"]}) from windows of EEG; made by sparseeg {__version__}.

```python
from sparseeg.export.hub import PretrainedDecoder

model = PretrainedDecoder.from_pretrained("FOLDER OR REPOSITORY").eval()
model(windows)  # (batch, channel, time) in any unit, channels and rate as in config.json
```

## {scored(metrics)[:1].upper()}{scored(metrics)[1:]}

{chr(10).join(markdown(table))}

{CAPTION}
"""
    return ModelCard(f"---\n{data.to_yaml()}\n---\n\n{text}")
