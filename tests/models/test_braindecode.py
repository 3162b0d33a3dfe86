"""Without braindecode, its models are refused in one sentence; with it, they follow our protocol."""

import importlib.util

import pytest
import torch

from sparseeg import models
from sparseeg.errors import SparseEEGError

HAS_BRAINDECODE = importlib.util.find_spec("braindecode") is not None


@pytest.mark.skipif(HAS_BRAINDECODE, reason="braindecode is installed here")
def test_missing_package_says_what_to_install() -> None:
    with pytest.raises(SparseEEGError, match=r"pip install sparseeg\[braindecode\]"):
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
