"""The sparse attention layer and block: counts, determinism, masks, reach, precision."""

import ast
import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from sparseeg.attention import (
    ChannelAttention,
    SparseAttentionBlock,
    SparseMultiHeadAttention,
    TemporalAttention,
    reference_attention,
    sparse,
)

LENGTHS = (1, 2, 3, 50, 51, 97, 200)
SCALES = (0.05, 0.3, 0.5, 1.0)
OPTIONS = ({}, {"partition": "strided", "rounds": 2, "correction": True}, {"partition": "local"})


def count(*modules: nn.Module) -> int:
    return sum(parameter.numel() for module in modules for parameter in module.parameters())


@pytest.mark.parametrize("size", [1, 16, 256])
def test_parameter_count(size: int) -> None:
    assert count(SparseMultiHeadAttention(size)) == 4 * (size**2 + size)
    assert count(SparseMultiHeadAttention(size, bias=False)) == 4 * size**2


def test_blocks_have_the_one_norm_that_the_specified_networks_count() -> None:
    light = [
        *(ChannelAttention(129, 16), nn.Conv1d(129, 128, 7), nn.BatchNorm1d(128)),
        *(nn.Conv1d(128, 256, 5), nn.BatchNorm1d(256), SparseAttentionBlock(256, 512)),
        *(nn.Linear(256, 128), nn.Linear(128, 32), nn.Linear(32, 1)),
    ]
    full = [
        *(ChannelAttention(129, 8), TemporalAttention(), nn.Conv1d(129, 256, 7), nn.BatchNorm1d(256)),
        *(nn.Conv1d(256, 512, 5), nn.BatchNorm1d(512), nn.Conv1d(512, 512, 3), nn.BatchNorm1d(512)),
        *(SparseAttentionBlock(512, 1024), SparseAttentionBlock(512, 1024, layer_index=1)),
        *(nn.Linear(1024, 256), nn.Linear(256, 64), nn.Linear(64, 1)),
    ]
    assert count(*light) == 846_289
    assert count(*full) == 6_163_375


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("length", LENGTHS)
def test_layer_is_projections_around_the_reference(length: int, options: dict) -> None:
    x, mask = torch.randn(2, length, 8).double(), torch.rand(2, length) < 0.3
    for scale in SCALES:
        layer = SparseMultiHeadAttention(8, scale, **options).double().eval()
        query, key, value = layer.qkv(x).chunk(3, -1)
        correction = options.get("correction", False)
        attended = reference_attention(
            *(query, key, value),
            layer.partitions(length),
            key_padding_mask=mask,
            correction=correction,
        )
        for output in (layer(x, mask), layer(x, mask, return_weights=True)[0]):
            torch.testing.assert_close(output, layer.out(attended), rtol=1e-9, atol=1e-11)


@pytest.fixture
def one_thread():
    """A BLAS may split one narrow matrix over its threads in another way than a batch of them."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("length", LENGTHS)
def test_evaluation_is_bit_equal_twice_alone_and_in_a_batch(length: int, options: dict) -> None:
    x, mask = torch.randn(9, length, 32), torch.rand(9, length) < 0.2
    for scale in SCALES:
        block = SparseAttentionBlock(32, 64, scale, **options).eval()
        for ignored in (None, mask):
            together = block(x, ignored)
            assert torch.equal(block(x, ignored), together)
            for first, last in ((0, 1), (4, 5), (2, 7)):
                alone = block(x[first:last], None if ignored is None else ignored[first:last])
                assert torch.equal(alone, together[first:last])


def test_training_draws_anew_and_the_seed_reproduces_it() -> None:
    layer, x = SparseMultiHeadAttention(8, dropout=0.0), torch.randn(2, 50, 8)
    torch.manual_seed(5)
    first, second = layer(x), layer(x)
    torch.manual_seed(5)
    assert torch.equal(layer(x), first)
    assert not torch.allclose(first, second)
    layer.eval()
    state = torch.get_rng_state()
    assert torch.equal(layer(x), layer(x))
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("garbage", [float("nan"), float("inf"), 1e30])
@pytest.mark.parametrize("options", OPTIONS)
def test_masked_content_reaches_no_output_and_no_gradient(garbage: float, options: dict) -> None:
    block = SparseAttentionBlock(8, 16, 0.3, **options).eval()
    mask = torch.rand(3, 51) < 0.4
    mask[1] = True
    content = torch.randn(3, 51, 8)
    found = []
    for filling in (0.0, garbage):
        block.zero_grad()
        x = content.masked_fill(mask[..., None], filling).requires_grad_()
        output = block(x, mask)
        output.square().sum().backward()
        found.append([output, x.grad, *(parameter.grad for parameter in block.parameters())])
    for clean, dirty in zip(*found, strict=True):
        assert dirty.isfinite().all()
        assert torch.equal(clean, dirty)
    assert not found[1][1][mask].any()
    layer = block.attention
    attended = layer(content.masked_fill(mask[..., None], garbage), mask)
    assert torch.equal(attended[mask], layer.out.bias.expand_as(attended[mask]))


def test_one_head_is_scaled_dot_product_attention() -> None:
    layer, x = SparseMultiHeadAttention(16, 0.01).double().eval(), torch.randn(2, 97, 16).double()
    expected = layer.out(F.scaled_dot_product_attention(*layer.qkv(x).chunk(3, -1)))
    torch.testing.assert_close(layer(x), expected, rtol=1e-12, atol=1e-12)


def reach(layers: list[nn.Module], length: int) -> Tensor:
    """Return (N,) booleans: the inputs on which the first output token depends."""
    x = torch.randn(1, length, 8, dtype=torch.float64, requires_grad=True)
    y = x
    for layer in layers:
        y = y + layer(y)
    y[0, 0].sum().backward()
    assert x.grad is not None
    return x.grad[0].abs().sum(-1) > 0


def test_two_strided_layers_with_root_n_tokens_per_head_reach_every_token() -> None:
    layers = [
        SparseMultiHeadAttention(8, tokens_per_head=7, partition="strided", layer_index=index).double().eval()
        for index in range(2)
    ]
    assert reach(layers[:1], 49).sum() == 7
    assert reach(layers, 49).all()


def test_layers_of_a_stack_meet_other_tokens_in_evaluation() -> None:
    first, second = (
        SparseMultiHeadAttention(8, tokens_per_head=10, layer_index=index).double().eval() for index in (0, 1)
    )
    assert reach([first, first], 50).sum() == 10
    assert reach([first, second], 50).sum() > 30


@pytest.mark.parametrize("options", OPTIONS)
def test_every_parameter_receives_a_gradient(options: dict) -> None:
    block = SparseAttentionBlock(8, 16, **options)
    block(torch.randn(2, 51, 8)).square().sum().backward()
    for name, parameter in block.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


@pytest.mark.parametrize("options", OPTIONS)
def test_gradcheck(options: dict) -> None:
    block = SparseAttentionBlock(3, 4, 0.4, **options).double().eval()
    x = torch.randn(2, 7, 3, dtype=torch.float64, requires_grad=True)
    mask = torch.rand(2, 7) < 0.3
    assert torch.autograd.gradcheck(lambda tokens: block(tokens, mask), x)


@pytest.mark.parametrize("options", OPTIONS)
def test_bfloat16_autocast_is_as_close_as_plain_attention(options: dict) -> None:
    torch.manual_seed(0)
    x, mask = torch.randn(4, 97, 32), torch.rand(4, 97) < 0.3
    layer = SparseMultiHeadAttention(32, **options).eval()
    full = SparseMultiHeadAttention(32, 0.01).eval()

    def error(module: nn.Module, *inputs: Tensor) -> Tensor:
        exact = module.double()(inputs[0].double(), *inputs[1:])
        with torch.autocast("cpu", torch.bfloat16):
            rough = module.float()(*inputs)
        assert rough.dtype == torch.bfloat16
        return (rough - exact).square().mean().sqrt() / exact.square().mean().sqrt()

    assert error(layer, x, mask) < 2 * error(full, x)
    with torch.autocast("cpu", torch.bfloat16):
        SparseAttentionBlock(32, 64, **options)(x, mask).float().square().sum().backward()


def test_weights_of_the_block_are_those_of_its_attention() -> None:
    block, x = SparseAttentionBlock(8, 16, 0.3, rounds=2).eval(), torch.randn(2, 51, 8)
    output, weights = block(x, return_weights=True)
    torch.testing.assert_close(output, block(x))
    assert torch.equal(weights.dense(), block.attention(x, return_weights=True)[1].dense())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scale_factor": 0.0}, r"scale_factor must lie in \(0, 1\], got 0.0"),
        ({"scale_factor": 1.5}, r"scale_factor must lie in \(0, 1\], got 1.5"),
        ({"dropout": 1.0}, r"dropout must lie in \[0, 1\), got 1.0"),
        ({"tokens_per_head": 0}, "tokens_per_head must be at least 1, got 0"),
        ({"rounds": 0}, "rounds must be at least 1, got 0"),
        ({"layer_index": -1}, "layer_index must not be negative, got -1"),
        ({"partition": "diagonal"}, "got 'diagonal'"),
    ],
)
def test_options_out_of_range_are_named(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SparseMultiHeadAttention(8, **options)


def test_unfit_inputs_are_named() -> None:
    layer = SparseMultiHeadAttention(8)
    for shape in ((5, 8), (2, 5, 7), (2, 0, 8)):
        with pytest.raises(ValueError, match=rf"\(batch, N >= 1, 8\), got \({shape[0]}, {shape[1]}"):
            layer(torch.zeros(shape))
    with pytest.raises(ValueError, match=r"shape \(2, 5\), got torch.bool with shape \(5, 2\)"):
        layer(torch.zeros(2, 5, 8), torch.zeros(5, 2, dtype=torch.bool))
    with pytest.raises(ValueError, match="feedforward_size must be at least 1, got 0"):
        SparseAttentionBlock(8, 0)


def test_package_imports_torch_and_nothing_else() -> None:
    for path in Path(sparse.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            roots = {name.split(".")[0] for name in names}
            gpu = {"triton"} if path.name == "triton_tiles.py" else set()  # imported when a GPU needs it
            assert roots <= {"torch", *gpu, *sys.stdlib_module_names}, path.name
