"""The layer compiles into one graph and exports with a dynamic batch."""

import pytest
import torch

from sparseeg.attention import SparseAttentionBlock

OPTIONS = ({}, {"partition": "strided", "rounds": 2, "correction": True}, {"partition": "local"})


def test_inductor_compiles_one_graph_for_each_length() -> None:
    block = SparseAttentionBlock(8, 16, 0.3).eval()
    compiled = torch.compile(block, fullgraph=True)
    with torch.no_grad():
        for length in (51, 40):
            x = torch.randn(3, length, 8)
            torch.testing.assert_close(compiled(x), block(x))


@pytest.mark.parametrize("options", OPTIONS)
def test_one_graph_with_gradients_and_masks(options: dict) -> None:
    block = SparseAttentionBlock(8, 16, 0.3, dropout=0.0, **options).eval()
    compiled = torch.compile(block, fullgraph=True, backend="aot_eager")
    mask = torch.rand(3, 51) < 0.3
    x = torch.randn(3, 51, 8, requires_grad=True)
    found = [torch.autograd.grad(module(x, mask).square().sum(), x)[0] for module in (block, compiled)]
    torch.testing.assert_close(*found)
    block.train()
    compiled(x, mask).sum().backward()
    assert all(parameter.grad is not None for parameter in block.parameters())


@pytest.mark.parametrize("options", OPTIONS)
def test_export_with_dynamic_batch(options: dict) -> None:
    block = SparseAttentionBlock(8, 16, 0.3, **options).eval()
    batch = torch.export.Dim("batch")
    inputs = (torch.randn(4, 51, 8), torch.rand(4, 51) < 0.3)
    shapes = {"x": {0: batch}, "key_padding_mask": {0: batch}}
    exported = torch.export.export(block, inputs, dynamic_shapes=shapes).module()
    for size in (1, 2, 9):
        x, mask = torch.randn(size, 51, 8), torch.rand(size, 51) < 0.3
        torch.testing.assert_close(exported(x, mask), block(x, mask))
