"""Masked pretraining: predict hidden patches from the visible ones (He et al. 2022)."""

import lightning
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn

from sparseeg.errors import SparseEEGError
from sparseeg.evaluation.reconstruction import other_channels, time_interpolation
from sparseeg.models.network import HasPatches, Network
from sparseeg.training.batches import Batch
from sparseeg.training.config import PretrainConfig
from sparseeg.training.masking import draw_mask
from sparseeg.training.optimizer import adamw, warm_up_and_cosine


class MaskedModule(lightning.LightningModule):
    """Replace tokens of hidden patches by one that is learned, and reconstruct the patches from the rest.

    The error is the mean square over hidden patches of the standardised signal; what is hidden takes part in
    its channel's mean and standard deviation, and in nothing else.

    Parameters
    ----------
    network : one that `HasPatches`, such as `SparseEEGTransformer`; its head is not trained.
    config : mask, optimiser and schedule.

    Raises SparseEEGError for a network without tokens of patches, and for a window of a single patch.
    """

    def __init__(self, network: Network, config: PretrainConfig) -> None:
        super().__init__()
        if not isinstance(network, HasPatches):
            raise SparseEEGError(
                f"{config.model} has no tokens of patches to mask; pretrain sparse-eeg-transformer"
            )
        self.network = network
        if network.n_chans * network.n_times <= network.patch:
            raise SparseEEGError("windows need at least two patches; take longer windows")
        self.config = config
        self.mask_token = nn.Parameter(0.02 * torch.randn(network.width))
        self.decoder = nn.Linear(network.width, network.patch)
        self._errors: list[Tensor] = []

    def patches(self, x: Tensor) -> Tensor:
        """Return the standardised patches (batch, channel, step, sample) of windows."""
        return self.network.patches(self.network.standardize(x))

    def draw(self, patches: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Draw which patches are hidden; by a generator, on the CPU, the same on every machine."""
        positions = self.network.electrode_positions
        span = max(1, round(self.config.span * self.network.sfreq / self.network.patch))
        mask = draw_mask(
            positions if generator is None else positions.cpu(),
            patches.shape[0],
            patches.shape[2],
            self.config.mask,
            span,
            generator,
        )
        return mask.to(patches.device)

    def reconstruct(self, patches: Tensor, hidden: Tensor) -> Tensor:
        """Return the hidden patches, (patch, sample), as predicted from the visible ones."""
        tokens = self.network.embed(patches)
        tokens = torch.where(hidden.unsqueeze(3), self.mask_token.to(tokens.dtype), tokens)
        return self.decoder(self.network.attend(tokens)[hidden]).float()

    def loss(self, patches: Tensor, hidden: Tensor) -> Tensor:
        """Return the mean squared error over the hidden patches."""
        return (self.reconstruct(patches, hidden) - patches[hidden]).square().mean()

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        patches = self.patches(batch.x)
        loss = self.loss(patches, self.draw(patches))
        self.log("train_loss", loss, on_step=False, on_epoch=True, prog_bar=True, batch_size=len(batch.x))
        return loss

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        patches = self.patches(batch.x)
        loss = self.loss(patches, self.draw(patches, _generator(batch_index)))
        # Every window has as many hidden patches: weighted by windows, this is the mean over all of them.
        self._errors.append(torch.stack([loss * len(patches), loss.new_tensor(len(patches))]))

    def on_validation_epoch_end(self) -> None:
        total, count = torch.stack(self._errors).double().sum(dim=0)
        self._errors.clear()
        self.log("valid_error", total / count, prog_bar=True)

    def scores(self, batch: Batch, batch_index: int) -> dict[str, float]:
        """Return the mean squared error on a batch of validation windows, and those without a network."""
        patches = self.patches(batch.x)
        hidden = self.draw(patches, _generator(batch_index))
        wanted = patches[hidden]
        answers = {
            "network": self.reconstruct(patches, hidden),
            "zeros": torch.zeros_like(wanted),
            "time_interpolation": time_interpolation(patches, hidden)[hidden],
            "other_channels": other_channels(patches, hidden)[hidden],
        }
        return {name: float((answer - wanted).square().mean()) for name, answer in answers.items()}

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        config = self.config
        optimizer = adamw(self, config.learning_rate, config.weight_decay, config.betas)
        n_steps = int(self.trainer.estimated_stepping_batches)
        cycle = warm_up_and_cosine(optimizer, n_steps, config.warmup)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": cycle, "interval": "step"}}


def _generator(batch_index: int) -> torch.Generator:
    """Validation hides the same patches every time, whatever the seed of the training."""
    return torch.Generator().manual_seed(batch_index)
