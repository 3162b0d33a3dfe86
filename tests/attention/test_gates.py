"""Channel and temporal gates against their formulas."""

import pytest
import torch

from sparseeg.attention import ChannelAttention, TemporalAttention


@pytest.mark.parametrize(("channels", "ratio", "width"), [(129, 8, 16), (129, 16, 8), (4, 8, 1)])
def test_channel_gate_is_its_formula(channels: int, ratio: int, width: int) -> None:
    gate, x = ChannelAttention(channels, ratio), torch.randn(3, channels, 20)
    assert sum(parameter.numel() for parameter in gate.parameters()) == 2 * channels * width
    squeeze, expand = gate.parameters()
    logits = sum(torch.relu(summary @ squeeze.T) @ expand.T for summary in (x.mean(2), x.max(2).values))
    torch.testing.assert_close(gate(x), x / (1 + (-logits).exp())[:, :, None])


def test_temporal_gate_is_its_formula() -> None:
    gate, x = TemporalAttention(), torch.randn(3, 6, 20)
    (kernel,) = gate.parameters()
    assert kernel.numel() == 14
    summary = torch.stack([x.mean(1), x.max(1).values], 1)
    windows = torch.nn.functional.pad(summary, (3, 3)).unfold(2, 7, 1)
    logits = torch.einsum("bctk,ck->bt", windows, kernel[0])
    torch.testing.assert_close(gate(x), x / (1 + (-logits).exp())[:, None, :])


def test_temporal_gate_sees_three_points_to_each_side() -> None:
    gate, x = TemporalAttention(), torch.randn(1, 6, 40)
    y = x.clone()
    y[:, :, 20] += 1.0
    moved = (gate.gates(y) != gate.gates(x))[0].nonzero().flatten().tolist()
    assert moved == list(range(17, 24))


@pytest.mark.parametrize("gate", [ChannelAttention(6, 2), TemporalAttention(3)])
def test_every_parameter_and_every_input_receives_a_gradient(gate: torch.nn.Module) -> None:
    torch.manual_seed(0)
    x = torch.randn(3, 6, 20, requires_grad=True)
    gate(x).square().sum().backward()
    for tensor in (x, *gate.parameters()):
        assert tensor.grad is not None
        assert tensor.grad.isfinite().all()
        assert tensor.grad.any()


def test_errors_carry_the_values() -> None:
    with pytest.raises(ValueError, match="at least 1, got 0 and 8"):
        ChannelAttention(0)
    with pytest.raises(ValueError, match="at least 1, got 4 and 0"):
        ChannelAttention(4, 0)
    with pytest.raises(ValueError, match=r"must be odd.*got 6"):
        TemporalAttention(6)
    for gate in (ChannelAttention(6), TemporalAttention()):
        with pytest.raises(ValueError, match=r"\(batch, channel, time\), got shape \(6, 20\)"):
            gate(torch.zeros(6, 20))
