"""Without braindecode, its models are refused in one sentence; with it, they follow our protocol."""

import importlib.util
import sys
import types

import pytest
import torch
from torch import nn

from sparseeg import models
from sparseeg.errors import SparseEEGError
from sparseeg.models.registry import check_options

HAS_BRAINDECODE = importlib.util.find_spec("braindecode") is not None


@pytest.mark.skipif(HAS_BRAINDECODE, reason="braindecode is installed here")
def test_missing_package_says_what_to_install() -> None:
    with pytest.raises(SparseEEGError, match=r"pip install 'sparseeg\[braindecode\]'"):
        models.build("braindecode:EEGNeX", 19, 200)


@pytest.mark.skipif(not HAS_BRAINDECODE, reason="needs braindecode")
@pytest.mark.parametrize("name", ["EEGNeX", "ShallowFBCSPNet"])
def test_models_answer_in_the_unit_of_the_target(name: str) -> None:
    network = models.build(f"braindecode:{name}", 19, 200).eval()
    network.final_layer.set_target(1.6, 0.4)
    x = torch.randn(3, 19, 200)
    assert network(x).shape == (3, 1)
    torch.testing.assert_close(network(x * 1e-6), network(x), atol=1e-5, rtol=0)


@pytest.mark.skipif(not HAS_BRAINDECODE, reason="needs braindecode")
def test_unknown_model_suggests_the_nearest() -> None:
    with pytest.raises(SparseEEGError, match="Did you mean 'ShallowFBCSPNet'"):
        models.build("braindecode:ShallowFBCSPNt", 19, 200)


class NeedsPositions(nn.Module):
    """Stands for a braindecode model that can't be built without positions."""

    def __init__(self, n_chans: int, n_times: int, n_outputs: int, sfreq: float, chs_info: list | None):
        super().__init__()
        if chs_info is None:
            raise ValueError("chs_info not specified")
        self.lengths = [len(channel["loc"]) for channel in chs_info]


def test_a_model_gets_positions_as_long_as_mne_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("braindecode.models")
    module.NeedsPositions = NeedsPositions
    monkeypatch.setitem(sys.modules, "braindecode.models", module)
    channels = [{"ch_name": name, "loc": [0.0, 0.0, 0.1]} for name in ("Cz", "EEG 7")]
    network = models.build("braindecode:NeedsPositions", 2, 10, chs_info=channels)
    assert network.backbone.lengths == [12, 12]
    channels[1]["loc"] = None
    with pytest.raises(SparseEEGError, match="positions not known: EEG 7"):
        models.build("braindecode:NeedsPositions", 2, 10, chs_info=channels)


def test_an_unknown_option_is_told_before_there_are_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    class Takes(nn.Module):
        def __init__(self, n_chans: int, n_times: int, n_outputs: int, drop_prob: float = 0.5) -> None:
            super().__init__()

    class TakesAny(nn.Module):
        def __init__(self, **options: float) -> None:
            super().__init__()

    module = types.ModuleType("braindecode.models")
    module.Takes, module.TakesAny = Takes, TakesAny
    monkeypatch.setitem(sys.modules, "braindecode.models", module)
    check_options("braindecode:Takes", {"drop_prob": 0.1, "output": "scalar"})
    check_options("braindecode:TakesAny", {"anything": 1})
    with pytest.raises(SparseEEGError, match=r"no option 'drop'; it has .*, drop_prob. Did you"):
        check_options("braindecode:Takes", {"drop": 0.1})
