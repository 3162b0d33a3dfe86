"""Export to Hugging Face's format: weights, configuration, and a model card with the table of scores."""

import io
import tempfile
from contextlib import redirect_stdout
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from huggingface_hub import ModelCard, ModelCardData, PyTorchModelHubMixin
from torch import Tensor, nn

from sparseeg import __version__
from sparseeg.export.graph import check
from sparseeg.models.ensemble import Ensemble
from sparseeg.models.partitions import Partitions
from sparseeg.models.spec import NetworkSpec
from sparseeg.prediction import Predictor
from sparseeg.report.score_table import caption, cells, describe_sample, read_metrics, rows
from sparseeg.report.tables import markdown

LIBRARY = "sparseeg"


class PretrainedDecoder(nn.Module, PyTorchModelHubMixin, library_name=LIBRARY):
    """The networks of a run, which `from_pretrained` loads from a folder or from the Hugging Face Hub.

    Maps windows (batch, channel, time) of any unit to predictions (batch, 1) in the target's unit.

    Parameters
    ----------
    networks : the fields of `NetworkSpec` for each network.
    partitions : see `sparseeg.models.partitions.ways`.
    inputs : description of the windows, as from `sparseeg.training.inputs.Inputs.to_dict`.
    version : version of the package that trained them.
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
        """Return predictions (batch, 1) for windows (batch, channel, time)."""
        return self.together(x)


def export_hub(predictor: Predictor, out: Path, windows: np.ndarray) -> float:
    """Write a run in Hugging Face's format to a folder; otherwise as `graph.export_onnx`."""
    specs = [asdict(predictor.spec)] * len(predictor.networks)
    model = PretrainedDecoder(specs, predictor.config.partitions, predictor.inputs.to_dict())
    for own, trained in zip(model.together.networks, predictor.networks, strict=True):
        own.load_state_dict(trained.state_dict())
    described = card(predictor.run)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as temporary:
        model.eval().save_pretrained(temporary)
        described.save(Path(temporary) / "README.md")
        with redirect_stdout(io.StringIO()):  # huggingface_hub prints a line of its own
            loaded = PretrainedDecoder.from_pretrained(temporary).eval()
        with torch.inference_mode():
            difference = check(
                predictor, windows, lambda x: loaded(torch.from_numpy(x)).numpy(), "the saved network"
            )
        out.mkdir(exist_ok=True)
        for file in Path(temporary).iterdir():
            file.replace(out / file.name)
    return difference


def card(run: Path) -> ModelCard:
    """Return the model card of a run: what it predicts, and its table of scores."""
    metrics = read_metrics(run)
    simulated = metrics["data"]["simulated"]
    tags = ["eeg", "brain-computer-interface", "sparse-attention"]
    if simulated:
        tags.append("simulated-data")
    # No license: whoever trained the weights chooses one.
    data = ModelCardData(library_name=LIBRARY, tags=tags)
    table = pd.DataFrame(
        {"predictor": label, **cells(scores, metrics["unit"])} for label, scores in rows(metrics)
    )
    warning = "**Trained and tested on SIMULATED recordings: not usable on people.**\n\n" if simulated else ""
    text = f"""# {metrics["model"]}: {metrics["task"]}

{warning}Predicts {metrics["target"]} ({metrics["unit"]}) from windows of EEG. Exported by
sparseeg {__version__}.

```python
from sparseeg.export.hub import PretrainedDecoder

model = PretrainedDecoder.from_pretrained("FOLDER OR REPOSITORY").eval()
model(windows)  # (batch, channel, time) in any unit, channels and rate as in config.json
```

## {describe_sample(metrics)}

{chr(10).join(markdown(table))}

{caption(metrics)}
"""
    return ModelCard(f"---\n{data.to_yaml()}\n---\n\n{text}")
