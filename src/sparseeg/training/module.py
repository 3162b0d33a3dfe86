"""The training step: squared error of standardised targets, validated by the pooled NRMSE."""

import lightning
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor, nn


class RegressionModule(lightning.LightningModule):
    """Train a network that answers in the target's unit.

    Parameters
    ----------
    network : as from `sparseeg.models.build`, with its target statistics set.
    target_std : standard deviation of the training targets; the loss is divided by its square.
    learning_rate, weight_decay : of AdamW; the rate is halved when the validation score stalls.
    """

    def __init__(
        self, network: nn.Module, target_std: float, learning_rate: float, weight_decay: float
    ) -> None:
        super().__init__()
        self.network = network
        self.target_std = target_std
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self._valid: list[tuple[Tensor, Tensor]] = []

    def forward(self, x: Tensor) -> Tensor:
        return self.network(x)

    def training_step(self, batch: tuple[Tensor, Tensor], batch_index: int) -> Tensor:
        x, target = batch
        loss = nn.functional.mse_loss(self.network(x).float(), target) / self.target_std**2
        self.log("train_loss", loss, on_step=False, on_epoch=True, prog_bar=True, batch_size=len(x))
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_index: int) -> None:
        x, target = batch
        self._valid.append((self.network(x).float(), target))

    def on_validation_epoch_end(self) -> None:
        # Pooled over all samples, never averaged over batches: batches have different variances.
        prediction, target = (torch.cat(part).double() for part in zip(*self._valid, strict=True))
        self._valid.clear()
        spread = target.std(correction=0)
        error = (prediction - target).square().mean().sqrt()
        self.log("valid_nrmse", error / spread.clamp_min(1e-12), prog_bar=True)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        optimizer = torch.optim.AdamW(
            self.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay
        )
        schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=3)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "monitor": "valid_nrmse", "interval": "epoch"},
        }
