"""Random attention evaluated by other partitions: several, or all tokens at once; nothing else changes."""

import pytest
import torch

from sparseeg import models
from sparseeg.models.partitions import draw, full_attention, random_layers, ways


def network(partition: str = "random", **options: object) -> torch.nn.Module:
    torch.manual_seed(0)
    options = {"partition": partition, **options}
    return models.build("light-sparse-attention-cnn", 7, 80, attention_options=options).eval()


@torch.no_grad()
def test_draws_differ_and_the_stored_partition_comes_back() -> None:
    net, x = network(), torch.randn(2, 7, 80)
    stored = net(x)
    answers = []
    for way in ways(net, 3):
        with way:
            answers.append(net(x))
    assert torch.equal(answers[0], stored)
    assert not torch.equal(answers[1], stored)
    assert not torch.equal(answers[1], answers[2])
    assert torch.equal(net(x), stored)


@torch.no_grad()
def test_full_attention_is_one_head() -> None:
    net, x = network(), torch.randn(2, 7, 80)
    with full_attention(net):
        found = net(x)
    one_head = network(tokens_per_head=80)
    torch.testing.assert_close(found, one_head(x))
    assert net.block.attention.tokens_per_head is None


@torch.no_grad()
def test_many_draws_with_correction_come_close_to_full_attention() -> None:
    net, x = network(correction=True, tokens_per_head=10), torch.randn(4, 7, 80)
    with full_attention(net):
        full = net(x)
    errors = []
    for count in (1, 64):
        answers = []
        for number in range(count):
            with draw(net, number):
                answers.append(net(x))
        errors.append((torch.stack(answers).mean(0) - full).square().mean())
    assert errors[1] < 0.3 * errors[0]


@pytest.mark.parametrize("partition", ["local", "strided"])
def test_partitions_that_training_kept_stay(partition: str) -> None:
    net = network(partition)
    assert not random_layers(net)
    assert len(ways(net, 8)) == len(ways(net, "full")) == 1
