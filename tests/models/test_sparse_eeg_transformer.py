"""The transformer on single channels' patches: any montage, any length, linear cost."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from sparseeg import models
from sparseeg.attention.backend import plain_path
from sparseeg.data.bids import hbn
from sparseeg.data.signals.positions import chs_info
from sparseeg.errors import SparseEEGError
from sparseeg.models.sparse_eeg_transformer import SparseEEGTransformer

NAME = "sparse-eeg-transformer"
TEN_TWENTY = (
    *("Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8", "T7", "C3", "Cz"),
    *("C4", "T8", "P7", "P3", "Pz", "P4", "P8", "O1", "O2"),
)


def make(names: tuple[str, ...], n_times: int, **options: object) -> Any:
    torch.manual_seed(0)
    return models.build(NAME, len(names), n_times, chs_info=chs_info(names), **options)


def test_it_is_small_and_has_a_token_for_every_patch() -> None:
    network = make(hbn.CH_NAMES, 200)
    assert sum(parameter.numel() for parameter in network.parameters()) < 200_000
    assert network.patches(torch.zeros(1, 129, 200)).shape == (1, 129, 25, 8)


@pytest.mark.parametrize("output", ["scalar", "latency"])
def test_weights_load_for_another_montage_and_length(output: str) -> None:
    network, other = make(hbn.CH_NAMES, 200, output=output), make(TEN_TWENTY, 333, output=output)
    weights = {name: value for name, value in network.state_dict().items() if not name.endswith("prior")}
    missing, unexpected = other.load_state_dict(weights, strict=False)
    assert missing == (["final_layer.prior"] if output == "latency" else [])
    assert not unexpected
    assert other.eval()(torch.randn(2, 19, 333)).isfinite().all()


def test_a_channel_is_known_by_its_place_not_by_its_number() -> None:
    torch.manual_seed(1)
    x, order = torch.randn(2, 19, 48), torch.randperm(19)
    # All tokens in one head: otherwise the numbers decide who meets whom.
    network = make(TEN_TWENTY, 48, tokens_per_head=200).eval()
    shuffled = make(tuple(TEN_TWENTY[index] for index in order), 48, tokens_per_head=200).eval()
    torch.testing.assert_close(shuffled(x[:, order]), network(x), atol=1e-5, rtol=0)
    assert not torch.allclose(network(x[:, order]), network(x), atol=1e-5)


def test_every_token_hears_every_other() -> None:
    network = make(hbn.CH_NAMES, 200).eval().double()
    tokens = torch.randn(1, 129, 25, 64, dtype=torch.float64)
    changed = tokens.clone()
    changed[0, 40, 12] += 1
    network.electrode_features, network.place, network.time = (
        network.electrode_features.double(),
        Zero(),
        Zero(),
    )
    difference = network.attend(tokens) != network.attend(changed)
    assert difference.any(dim=3).all()


class Zero(torch.nn.Module):
    """A position that changes nothing."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.zeros(x.shape[0], 64, dtype=torch.float64)


def multiply_adds(network: torch.nn.Module, x: torch.Tensor) -> int:
    with FlopCounterMode(display=False) as counter, torch.no_grad(), plain_path():
        network(x)
    return counter.get_total_flops()


def test_four_times_the_tokens_cost_four_times_as_much() -> None:
    one, four_times = (
        multiply_adds(make(hbn.CH_NAMES, n_times).eval(), torch.randn(1, 129, n_times))
        for n_times in (512, 2048)
    )
    assert 3.8 < four_times / one < 4.05


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_a_hundred_thousand_tokens_fit_into_two_gigabytes() -> None:
    # Not getrusage: its peak begins with what the process that started this one holds.
    code = """
import torch
from sparseeg import models
network = models.build("sparse-eeg-transformer", 129, 6208).eval()
with torch.no_grad():
    assert network(torch.randn(1, 129, 6208)).isfinite().all()
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 2_000_000  # kB, with torch itself


def test_the_last_part_of_a_window_counts_even_if_it_is_no_whole_patch() -> None:
    network = make(TEN_TWENTY, 51).eval()
    x = torch.randn(2, 19, 51)
    changed = x.clone()
    changed[:, :, 49] += 3
    assert not torch.equal(network(x), network(changed))
    assert network.encode(x).shape == (2, 64, 51)
    assert make(TEN_TWENTY, 48).encode(x[:, :, :48]).shape == (2, 64, 6)


def test_positions_that_are_not_known_are_named() -> None:
    with pytest.raises(SparseEEGError, match="positions of EEG 7, ECG are not known; rename"):
        make(("Cz", "EEG 7", "ECG"), 200)
    assert (
        make(("Cz", "EEG 7", "ECG"), 200, positions="index").eval()(torch.randn(1, 3, 200)).isfinite().all()
    )
    with pytest.raises(SparseEEGError, match="electrodes or index"):
        make(("Cz", "Pz"), 200, positions="sphere")


def test_layers_hold_every_parameter_once_from_input_to_output() -> None:
    network = SparseEEGTransformer(19, 200)
    layers = network.layers()
    assert len(layers) == 6
    assert layers[0][0] is network.tokens.weight
    assert any(parameter is network.final_layer.prior for parameter in layers[-1])
    held = [id(parameter) for layer in layers for parameter in layer]
    assert sorted(held) == sorted(id(parameter) for parameter in network.parameters())
