"""The training step of a recipe, validated by the pooled NRMSE, or by the RMSE of a constant target."""

import lightning
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor

from sparseeg.models.latency import LatencyHead
from sparseeg.models.network import HasAuxiliary, HasLayers, Network
from sparseeg.training.augment import augment, mixup
from sparseeg.training.batches import Batch
from sparseeg.training.config import TrainConfig
from sparseeg.training.losses import cross_entropy, label_loss, squared_error
from sparseeg.training.optimizer import adamw, warm_up_and_cosine


class DecodingModule(lightning.LightningModule):
    """Train a network that answers in the target's unit.

    Parameters
    ----------
    network : as from `sparseeg.models.build`, with its target statistics set.
    target_std : standard deviation of the training targets; squared errors are divided by its square.
    config : loss, augmentation, optimiser and schedule.
    valid_std : standard deviation of the validation targets. Where it is 0, the RMSE in the target's unit is
        logged as `valid_rmse`; else the NRMSE as `valid_nrmse`.
    """

    def __init__(
        self, network: Network, target_std: float, config: TrainConfig, valid_std: float = 1.0
    ) -> None:
        super().__init__()
        self.score = "valid_nrmse" if valid_std else "valid_rmse"
        self.network = network
        self.target_std = target_std
        self.target_width = config.target_width or target_std / 4
        self.config = config
        self._valid: list[tuple[Tensor, Tensor]] = []

    def forward(self, x: Tensor) -> Tensor:
        return self.network(x)

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        x = augment(batch.x, self.config.augment)
        if self.config.augment.mixup:
            # Standardised first: otherwise the louder window would have the larger share.
            x, partner, share = mixup(self.network.standardize(x), self.config.augment.mixup)
            encoded = self.network.encode(x)
            own, other = (self._losses(encoded, target) for target in (batch.target, batch.target[partner]))
            loss = (share * own + (1 - share) * other).mean()
            labels, weights = torch.cat([batch.labels, batch.labels[partner]]), torch.cat([share, 1 - share])
        else:
            encoded = self.network.encode(x)
            loss = self._losses(encoded, batch.target).mean()
            labels, weights = batch.labels, None
        self.log("train_loss", loss, on_step=False, on_epoch=True, prog_bar=True, batch_size=len(x))
        if self.config.auxiliary:
            assert isinstance(self.network, HasAuxiliary)  # `fit` refuses others
            logits = self.network.auxiliary(encoded)
            logits = logits if weights is None else logits.repeat(2, 1)  # for the window and for its partner
            loss = loss + self.config.auxiliary * label_loss(logits, labels, weights)
        return loss

    def _losses(self, encoded: Tensor, target: Tensor) -> Tensor:
        """Return the loss of each window, (batch,)."""
        layer, losses = self.network.final_layer, []
        if self.config.loss != "squared" and isinstance(layer, LatencyHead):
            losses.append(cross_entropy(layer, encoded, target, self.target_width))
        if self.config.loss != "kl" or not losses:
            losses.append(squared_error(layer(encoded), target, self.target_std))
        return torch.stack(losses).sum(dim=0)

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        self._valid.append((self.network(batch.x).float(), batch.target))

    def on_validation_epoch_end(self) -> None:
        # Pooled over all samples, never averaged over batches: batches have different variances.
        prediction, target = (torch.cat(part).double() for part in zip(*self._valid, strict=True))
        self._valid.clear()
        error = (prediction - target).square().mean().sqrt()
        scale = target.std(correction=0).clamp_min(1e-12) if self.score == "valid_nrmse" else 1.0
        self.log(self.score, error / scale, prog_bar=True)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        layers = self.network.layers() if isinstance(self.network, HasLayers) else ()
        optimizer = adamw(
            self,
            self.config.learning_rate,
            self.config.weight_decay,
            self.config.betas,
            layers,
            self.config.layer_decay,
        )
        if self.config.schedule == "plateau":
            plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=3)
            return {
                "optimizer": optimizer,
                "lr_scheduler": {"scheduler": plateau, "monitor": self.score, "interval": "epoch"},
            }
        n_steps = int(self.trainer.estimated_stepping_batches)
        cycle = warm_up_and_cosine(optimizer, n_steps, self.config.warmup)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": cycle, "interval": "step"}}
