"""The fast path on CPUs: cut into chunks of any size it does what the plain path does, and stores less."""

import weakref
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode

from sparseeg.attention import SparseMultiHeadAttention, chunked, plain_path

OPTIONS = ({}, {"correction": True}, {"tokens_per_head": 16}, {"bias": False})


@given(batch=st.integers(1, 40), tokens=st.integers(1, 3000), share=st.floats(0.001, 1))
def test_every_token_is_in_one_chunk_and_heads_stay_whole(batch: int, tokens: int, share: float) -> None:
    heads = max(1, int(share * tokens))
    seen = torch.zeros(batch, tokens, dtype=torch.int64)
    for samples, places, (many, size) in chunked.chunks(batch, tokens, heads):
        seen[samples, places] += 1
        assert places.stop - places.start == many * size
        rows = (samples.stop - samples.start) * many * size
        assert rows <= max(chunked._ROWS, size)
    assert (seen == 1).all()


def results(layer: SparseMultiHeadAttention, x: Tensor, mask: Tensor | None) -> list[Tensor]:
    """Return the output and the gradients of the input and of every parameter."""
    x = x.clone().requires_grad_()
    output = layer(x, mask)
    weight = torch.randn(output.shape, generator=torch.Generator().manual_seed(1)).to(output)
    return [output.detach(), *torch.autograd.grad((output * weight).sum(), [x, *layer.parameters()])]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("rows", [1, 40, 512])
def test_it_is_as_precise_as_the_plain_path(
    dtype: torch.dtype, masked: bool, options: dict[str, Any], rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunked, "_ROWS", rows)
    torch.manual_seed(0)
    layer = SparseMultiHeadAttention(24, 0.3, **options).to(dtype).eval()
    x, mask = torch.randn(3, 51, 24).to(dtype), torch.rand(3, 51) < 0.3
    mask[1] = True
    ignored = mask if masked else None
    found = results(layer, x, ignored)
    with plain_path():
        usual = results(layer, x, ignored)
        exact = results(layer.double(), x.double(), ignored)
    for fast, plain, wanted in zip(found, usual, exact, strict=True):
        assert fast.dtype == dtype
        unit = wanted.norm() * torch.finfo(dtype).eps / 2
        assert (fast - wanted).norm() <= 2 * (plain - wanted).norm() + unit


@pytest.mark.parametrize("rows", [3, 512])
def test_gradients_are_those_of_the_dropout_that_was_drawn(
    rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunked, "_ROWS", rows)
    layer = SparseMultiHeadAttention(3, 0.4, dropout=0.5).double()

    def seeded(x: Tensor, *parameters: Tensor) -> Tensor:
        torch.manual_seed(3)
        return layer(x)

    x = torch.randn(2, 7, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(seeded, (x, *layer.parameters()))
    assert not torch.equal(seeded(x), layer.eval()(x))


def test_dropout_keeps_the_expectation() -> None:
    torch.manual_seed(0)
    layer, x = SparseMultiHeadAttention(4, 0.3, dropout=0.5, partition="local"), torch.randn(1, 13, 4)
    with torch.no_grad():
        plain = layer.eval()(x)
        layer.train()
        draws = torch.stack([layer(x) for _ in range(3000)])
    error = draws.std(0) / len(draws) ** 0.5
    assert ((draws.mean(0) - plain).abs() < 5 * error).all()


class _Memory(TorchDispatchMode):
    """Follow how many bytes of the tensors that operations return are held at once."""

    def __init__(self) -> None:
        super().__init__()
        self.peak = 0
        self.sizes: dict[int, int] = {}
        self.owners: Counter[int] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, tuple | list) else (result,):
            if isinstance(tensor, Tensor):
                storage = tensor.untyped_storage()
                self.owners[storage._cdata] += 1
                self.sizes[storage._cdata] = storage.nbytes()
                weakref.finalize(tensor, self._release, storage._cdata)
        self.peak = max(self.peak, sum(self.sizes.values()))
        return result

    def _release(self, storage: int) -> None:
        self.owners[storage] -= 1
        if not self.owners[storage]:
            del self.sizes[storage]


def peak_memory(length: int, *, training: bool) -> int:
    layer, x = SparseMultiHeadAttention(16, tokens_per_head=8).eval(), torch.randn(1, length, 16)
    layer(x)  # the partition is made once for each length, and kept
    with torch.set_grad_enabled(training), _Memory() as memory:
        output = layer(x)
        if training:
            output.sum().backward()
    return memory.peak - x.nbytes - output.nbytes


def test_inference_holds_chunks_and_training_what_grows_linearly() -> None:
    order = 8 * 100_000  # bytes: one copy of the stored order
    short, long = (peak_memory(length, training=False) for length in (10_000, 100_000))
    assert long - short < 1.1 * order
    trained = [peak_memory(length, training=True) for length in (25_000, 50_000, 100_000)]
    assert trained[2] - trained[1] == pytest.approx(2 * (trained[1] - trained[0]), rel=0.05)
    assert trained[2] < 5 * 4 * 16 * 100_000 + order  # queries, keys, values; the input's gradient; chunks


def test_other_layouts_are_read_once() -> None:
    layer, x = SparseMultiHeadAttention(16).eval(), torch.randn(1, 16, 20_000).transpose(1, 2)
    with torch.no_grad(), _Memory() as memory:
        output = layer(x)
    assert torch.equal(output, layer(x.contiguous()))
    assert memory.peak < 4 * output.nbytes  # the input, its copy, the output, chunks


def frozen(layer: SparseMultiHeadAttention) -> SparseMultiHeadAttention:
    return layer.requires_grad_(False)


def test_parts_may_be_frozen() -> None:
    x = torch.randn(2, 13, 8, requires_grad=True)
    layer = frozen(SparseMultiHeadAttention(8, partition="local").eval())
    layer(x).square().sum().backward()
    wanted, x.grad = x.grad, None
    layer.out.requires_grad_(True)
    layer(x).square().sum().backward()
    torch.testing.assert_close(x.grad, wanted)
    assert layer.qkv.weight.grad is None
    layer(x.detach()).square().sum().backward()
    assert layer.out.weight.grad is not None


def test_second_derivatives_and_transforms_need_the_plain_path() -> None:
    layer, x = SparseMultiHeadAttention(4).double().eval(), torch.randn(2, 7, 4, dtype=torch.float64)
    x.requires_grad_()

    def twice(function: Callable[[Tensor], Tensor]) -> None:
        (first,) = torch.autograd.grad(function(x).square().sum(), x, create_graph=True)
        torch.autograd.grad(first.square().sum(), x)

    with pytest.raises(RuntimeError, match="not have been used in the graph"):
        twice(layer)
    with plain_path(), sdpa_kernel(SDPBackend.MATH):
        twice(layer)
        samples = torch.func.vmap(lambda tokens: layer(tokens[None])[0])(x.detach())
    torch.testing.assert_close(samples, layer(x.detach()))
