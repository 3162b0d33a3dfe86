"""What every trainer writes: CSV logs always, logs for TensorBoard where it is installed."""

import sys
from pathlib import Path

import pytest
from lightning.pytorch.callbacks import Timer
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger

from sparseeg.training.config import DataConfig, TrainConfig
from sparseeg.training.trainer import make_trainer


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        pytest.param((), [CSVLogger, TensorBoardLogger], id="with TensorBoard"),
        # `import` raises ImportError for a module that is None there.
        pytest.param(("tensorboard", "torch.utils.tensorboard"), [CSVLogger], id="without TensorBoard"),
    ],
)
def test_tensorboard_is_optional(
    missing: tuple[str, ...], expected: list[type], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in missing:
        monkeypatch.setitem(sys.modules, name, None)
    config = TrainConfig(data=DataConfig(path="toy"), model="response-time-cnn", device="cpu")
    trainer = make_trainer(config, tmp_path, print, Timer(), ("valid_nrmse", "NRMSE"))
    assert [type(logger) for logger in trainer.loggers] == expected
