"""Which implementation runs: the fast path of a device or the plain one, eagerly or inside a graph."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch

_PLAIN: ContextVar[bool] = ContextVar("plain path", default=False)


@contextmanager
def plain_path() -> Iterator[None]:
    """Compute attention by plain PyTorch operations within this context, on every device.

    The fast paths can be differentiated once, in reverse mode. Second derivatives, forward mode and
    `torch.func` need this context and, as everywhere in PyTorch, `torch.nn.attention.sdpa_kernel` with a
    kernel that has such derivatives.
    """
    token = _PLAIN.set(True)
    try:
        yield
    finally:
        _PLAIN.reset(token)


def fast_path_fits(device: torch.device, kind: str) -> bool:
    """Return whether tensors on `device` may take the fast path for a kind of device, such as "cpu"."""
    return not is_traced() and device.type == kind and not _PLAIN.get()


def is_exporting() -> bool:
    """Return whether `torch.export` is making a graph."""
    if not hasattr(torch.compiler, "is_exporting"):  # before torch 2.7
        return False
    return torch.compiler.is_exporting()


def is_traced() -> bool:
    """Return whether a graph is being made: compiled, exported, or recorded by `torch.jit.trace`."""
    if hasattr(torch.compiler, "is_compiling") and torch.compiler.is_compiling():  # since torch 2.3
        return True
    return torch.jit.is_tracing()


def is_compiling() -> bool:
    """Return whether `torch.compile` is making a graph that may call operators of `graph_operator`."""
    if not hasattr(torch.compiler, "is_exporting"):  # before torch 2.7, export looks like compilation
        return False
    return torch.compiler.is_compiling() and not torch.compiler.is_exporting()


def graph_operator(name: str, run: Callable[..., Any], shape: Callable[..., Any]) -> Callable[..., Any]:
    """Return `run` as a custom operator: one node of a compiled graph.

    Parameters
    ----------
    name : of the operator, as "namespace::name".
    shape : takes the arguments of `run` and returns an empty tensor shaped as its output.
    """
    if not hasattr(torch.library, "custom_op"):  # before torch 2.4
        return run
    operator = torch.library.custom_op(name, run, mutates_args=())
    operator.register_fake(shape)
    return operator


def autocast_dtype(device_type: str) -> torch.dtype | None:
    """Return the dtype that autocast gives to products on this kind of device, or None outside autocast."""
    if device_type == "cpu" and not hasattr(torch, "get_autocast_dtype"):  # before torch 2.4
        return torch.get_autocast_cpu_dtype() if torch.is_autocast_cpu_enabled() else None
    return torch.get_autocast_dtype(device_type) if torch.is_autocast_enabled(device_type) else None
