"""The class that the challenge calls: `Submission`, with a network for each challenge."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sparseeg.attention.backend import plain_path
from sparseeg.models.ensemble import Ensemble
from sparseeg.models.partitions import Partitions
from sparseeg.models.spec import NetworkSpec

FOLDERS = (Path("/app/input/res"), Path("/app/input"), Path(), Path(__file__).parent)
"""Folders that may hold the files of a submission, in the order in which they are searched."""

WEIGHTS = "weights_challenge_{}.pt"


def find(name: str) -> Path:
    """Return the path of a file of the submission.

    Raises
    ------
    FileNotFoundError : no folder has the file; the message lists the folders.
    """
    for folder in FOLDERS:
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(f"{name} is in none of {', '.join(str(folder) for folder in FOLDERS)}")


class Submission:
    """The interface that the challenge defines.

    Parameters
    ----------
    SFREQ : sampling rate of the windows in Hz.
    DEVICE : device of the networks.
    """

    def __init__(self, SFREQ: float, DEVICE: torch.device | str) -> None:
        self.sfreq = SFREQ
        self.device = torch.device(DEVICE)

    def get_model_challenge_1(self) -> nn.Module:
        """Return the network that predicts response times in seconds."""
        return self._load(1)

    def get_model_challenge_2(self) -> nn.Module:
        """Return the network that predicts the externalizing factor."""
        return self._load(2)

    def _load(self, challenge: int) -> nn.Module:
        content = torch.load(find(WEIGHTS.format(challenge)), map_location="cpu", weights_only=True)
        return ChallengeNetwork(**content).to(self.device).eval()


class ChallengeNetwork(nn.Module):
    """The mean prediction of networks, (batch, 1), for windows (batch, channel, time) of any unit.

    Parameters
    ----------
    networks : for each network, the fields of its `NetworkSpec` in `spec`, and its `weights`.
    partitions : see `sparseeg.models.partitions.ways`.
    constant : prediction if there is no network, and for windows for which a network returns NaN.
    """

    def __init__(self, networks: list[dict[str, Any]], partitions: Partitions, constant: float) -> None:
        super().__init__()
        self.ensemble = Ensemble([_built(**network) for network in networks], partitions)
        self.constant = constant

    @torch.inference_mode()
    def forward(self, x: Tensor) -> Tensor:
        """Return predictions, float32 (batch, 1)."""
        if not self.ensemble.networks:
            return x.new_full((len(x), 1), self.constant, dtype=torch.float32)
        # The triton of the image is older than the versions that our kernels were tested with.
        with nullcontext() if x.device.type == "cpu" else plain_path():
            predictions = self.ensemble(x.float())
        # A single NaN would invalidate the whole score.
        return predictions.nan_to_num(self.constant, self.constant, self.constant)


def _built(spec: dict[str, Any], weights: dict[str, Tensor]) -> nn.Module:
    """Return a network with its weights."""
    network = NetworkSpec(**spec).build()
    network.load_state_dict(weights)
    return network
