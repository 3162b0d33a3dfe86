"""Time dense attention that takes too long, by an exact slice of its queries."""

import time

import torch
from torch import Tensor

from sparseeg.bench.contenders import ProjectedAttention
from sparseeg.bench.probe import FORWARD, make_pass

_FEWEST_QUERIES = 768  # from here on, PyTorch's kernel uses its largest blocks of queries
_BLOCK = 256
_SECONDS = 2.0


def slice_pass(layer: ProjectedAttention, x: Tensor, queries: int, name: str) -> tuple[float, float]:
    """Return the seconds of the products of all tokens, and of the attention of the first queries.

    The whole pass takes products + attention * N / queries, because all queries cost the same.
    """
    products = make_pass(layer.products, x, name)()
    with torch.no_grad():
        query, key, value = layer.products.qkv(x).chunk(3, -1)
    query = query[:, :queries].contiguous()
    if name == FORWARD:
        with torch.inference_mode():
            start = time.perf_counter()
            layer.attend(query, key, value)
            return products, time.perf_counter() - start
    leaves = [tensor.detach().requires_grad_() for tensor in (query, key, value)]
    start = time.perf_counter()
    output = layer.attend(*leaves)
    output.backward(torch.ones_like(output))
    return products, time.perf_counter() - start


def choose_queries(layer: ProjectedAttention, x: Tensor, name: str) -> int:
    """Return a number of queries, in whole blocks of the kernel, whose attention takes a few seconds."""
    num_tokens = x.shape[1]
    fewest = min(_FEWEST_QUERIES, num_tokens)
    _, seconds = slice_pass(layer, x, fewest, name)
    wanted = int(fewest * _SECONDS / seconds) // _BLOCK * _BLOCK
    return min(max(fewest, wanted), num_tokens)
