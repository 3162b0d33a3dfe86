"""The layer compiles into one graph, and exports, with onnxruntime too, for any batch and any length."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch._dynamo.testing import CompileCounterWithBackend

from sparseeg.attention import SparseAttentionBlock

OPTIONS = (
    {},
    {"partition": "strided", "rounds": 2, "correction": True, "layer_index": 1},
    {"partition": "local", "tokens_per_head": 7, "layer_index": 1},
)
SIZES = ((1, 51), (3, 40), (2, 2), (5, 97), (2, 300))


def block_of(options: dict[str, Any], dropout: float = 0.1) -> SparseAttentionBlock:
    torch.manual_seed(0)
    return SparseAttentionBlock(8, 16, 0.3, dropout=dropout, **options).eval()


def inputs_of(batch: int, length: int, masked: bool) -> tuple[torch.Tensor, ...]:
    mask = torch.rand(batch, length) < 0.3
    return (torch.randn(batch, length, 8), *((mask,) if masked else ()))


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("options", OPTIONS)
def test_inductor_compiles_few_graphs_for_any_length(options: dict, masked: bool) -> None:
    torch.compiler.reset()
    block, counter = block_of(options), CompileCounterWithBackend("inductor")
    compiled = torch.compile(block, fullgraph=True, backend=counter)
    with torch.no_grad():
        for length in (51, 40, 2, 97, 3, 64, 5, 200, 33, 81, 7):
            inputs = inputs_of(3, length, masked)
            torch.testing.assert_close(compiled(*inputs), block(*inputs))
    assert counter.frame_count <= 2


@pytest.mark.parametrize("options", OPTIONS)
def test_one_graph_with_gradients_and_masks(options: dict) -> None:
    torch.compiler.reset()
    block = block_of(options, dropout=0.0)
    compiled = torch.compile(block, fullgraph=True, backend="aot_eager")
    for length in (51, 40):
        x, mask = inputs_of(3, length, True)
        x.requires_grad_()
        found = [torch.autograd.grad(module(x, mask).square().sum(), x)[0] for module in (block, compiled)]
        torch.testing.assert_close(*found)
    block.train()
    compiled(x, mask).sum().backward()
    assert all(parameter.grad is not None for parameter in block.parameters())


def shapes(masked: bool, *dims: Any) -> tuple[dict[int, Any], ...]:
    return (dict(enumerate(dims)),) * (2 if masked else 1)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("options", OPTIONS)
def test_export_with_dynamic_batch_and_length(options: dict, masked: bool) -> None:
    block = block_of(options)
    dims = (torch.export.Dim("batch"), torch.export.Dim("length", min=2, max=2**20))
    exported = torch.export.export(
        block, inputs_of(4, 51, masked), dynamic_shapes=shapes(masked, *dims)
    ).module()
    for size in SIZES:
        inputs = inputs_of(*size, masked)
        torch.testing.assert_close(exported(*inputs), block(*inputs))


# Converting takes long. All six programs are exported above; these three hold the operators of all of them.
@pytest.mark.parametrize(("options", "masked"), [(OPTIONS[0], False), (OPTIONS[1], True), (OPTIONS[2], True)])
def test_onnx_runs_any_batch_and_length(options: dict, masked: bool, tmp_path: Path) -> None:
    runtime = pytest.importorskip("onnxruntime")
    block = block_of(options)
    names = ["x", "mask"][: 2 if masked else 1]
    dims = (torch.export.Dim("batch"), torch.export.Dim("length", min=2, max=2**20))
    torch.onnx.export(
        block,
        inputs_of(4, 51, masked),
        tmp_path / "block.onnx",
        input_names=names,
        dynamic_shapes=shapes(masked, *dims),
        dynamo=True,
        verbose=False,
    )
    session = runtime.InferenceSession(tmp_path / "block.onnx")
    for size in SIZES:
        inputs = inputs_of(*size, masked)
        feed = {name: tensor.numpy() for name, tensor in zip(names, inputs, strict=True)}
        (found,) = session.run(None, feed)
        torch.testing.assert_close(torch.from_numpy(found), block(*inputs).detach(), rtol=1e-4, atol=1e-5)


def test_an_export_of_one_length_needs_nothing_of_the_package() -> None:
    block, dims = block_of({}), (torch.export.Dim("batch"),)
    program = torch.export.export(block, inputs_of(4, 51, False), dynamic_shapes=shapes(False, *dims))
    operators = {str(node.target) for node in program.graph.nodes if node.op == "call_function"}
    assert any(name.startswith("aten.") for name in operators)
    assert not any("sparseeg" in name for name in operators)
    x = torch.randn(9, 51, 8)
    torch.testing.assert_close(program.module()(x), block(x))
