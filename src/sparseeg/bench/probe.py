"""One layer in a process of its own: whether it stays within limits, its seconds, its peak memory."""

import ctypes
import gc
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path

import torch
from torch import Tensor, nn

from sparseeg.bench.contenders import Contender, random_weights

FORWARD, BACKWARD = "forward", "forward+backward"

_SETUP_SECONDS = 180.0  # imports, building, compiling: not what is measured
_GOODBYE_SECONDS = 10.0
_FEW_TOKENS = 64
_OUT_OF_MEMORY = ("alloc", "not enough memory", "out of memory", "could not create a memory")


@dataclass(frozen=True)
class Case:
    """What a layer is given: an input (batch, N, d), and tokens per head where they are its own to choose."""

    batch: int
    num_tokens: int
    dim: int
    tokens_per_head: int = 0

    def tokens(self) -> Tensor:
        """Return white noise of this shape, the same at every call."""
        generator = torch.Generator().manual_seed(1)
        return torch.randn(self.batch, self.num_tokens, self.dim, generator=generator)


@dataclass(frozen=True)
class Limits:
    """Seconds for one pass, and bytes for the whole process beyond its libraries (None: no limit)."""

    seconds: float = 60.0
    memory: int | None = None


@dataclass(frozen=True)
class Outcome:
    """Seconds of one pass and its peak memory in bytes; or the problem, and whether it grows with N."""

    seconds: float | None = None
    peak: int | None = None
    problem: str = ""
    grows: bool = False


def default_memory_limit() -> int:
    """Return 75 % of this machine's memory, in bytes."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * 3 // 4


def make_pass(layer: nn.Module, x: Tensor, name: str) -> Callable[[], float]:
    """Return what runs one pass of the layer and gives its seconds.

    Forward is evaluation without gradients; forward+backward is training, with the gradients of the weights
    and of the input, from a gradient of ones.
    """

    def forward() -> float:
        layer.eval()
        with torch.inference_mode():
            start = time.perf_counter()
            output = layer(x)
            seconds = time.perf_counter() - start
        del output
        return seconds

    def forward_backward() -> float:
        layer.train()
        leaf = x.detach().requires_grad_()
        start = time.perf_counter()
        output = layer(leaf)
        middle = time.perf_counter()
        outputs = output if isinstance(output, tuple) else (output,)
        ones = [torch.ones_like(part) for part in outputs]
        again = time.perf_counter()
        torch.autograd.backward(outputs, ones)
        seconds = time.perf_counter() - again + middle - start
        layer.zero_grad()
        return seconds

    return forward if name == FORWARD else forward_backward


def peak_memory(run: Callable[[], float]) -> tuple[float, int]:
    """Return what `run` gives, and the bytes by which the resident set grew at its peak.

    Linux forgets its high-water mark when asked; elsewhere growth below an earlier mark goes unseen.
    """
    gc.collect()
    _return_freed()
    _forget_peak()
    before = resident_memory()
    result = run()
    return result, max(0, _high_water() - before)


def resident_memory() -> int:
    """Return the bytes of this process in memory; outside of Linux, the most there ever were."""
    return memory_status("VmRSS") or _high_water()


def _return_freed() -> None:
    """Give freed memory back to the system: a pass that reuses it would seem to need none."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


def _forget_peak() -> None:
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def memory_status(field: str, process: int | str = "self") -> int | None:
    """Return a field of a process's memory, as VmRSS, in bytes; None where Linux does not tell."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:")), None)


def _high_water() -> int:
    found = memory_status("VmHWM")
    if found is not None:
        return found
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _limit_memory(limit: int | None) -> None:
    """Make allocations fail that would take this process more than `limit` bytes beyond what it has."""
    mapped = memory_status("VmSize")
    if limit is None or mapped is None:
        return
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (mapped + limit, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _reason(error: BaseException) -> tuple[str, bool]:
    text = str(error)
    if isinstance(error, MemoryError) or any(word in text.lower() for word in _OUT_OF_MEMORY):
        return "out of memory", True
    return f"{type(error).__name__}: {(text.splitlines() or [''])[0][:120]}", False


def _child(
    pipe: Connection, contender: Contender, case: Case, limits: Limits, threads: int, names: tuple[str, ...]
) -> None:
    """Build, warm up, say "ready"; then answer each pass by its outcome."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # The parent ends this process.
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    try:
        weights = random_weights(case.dim)
        few = Case(1, min(_FEW_TOKENS, case.num_tokens), case.dim)
        if not contender.compiled:  # Loads what a first pass loads, so that it isn't counted as the layer's.
            small = contender.build(few.num_tokens, weights, case.tokens_per_head)
            for name in names:
                make_pass(small, few.tokens(), name)()
        _limit_memory(limits.memory)
        layer, x = contender.build(case.num_tokens, weights, case.tokens_per_head), case.tokens()
        if contender.compiled:
            make_pass(layer, x, FORWARD)()
        for name in names:
            one_pass = make_pass(layer, x, name)
            pipe.send("ready")
            pipe.send(Outcome(*peak_memory(one_pass)))
    except Exception as error:
        problem, grows = _reason(error)
        pipe.send(Outcome(problem=problem, grows=grows))


def probe(
    contender: Contender,
    case: Case,
    limits: Limits,
    threads: int,
    names: tuple[str, ...] = (FORWARD, BACKWARD),
) -> dict[str, Outcome]:
    """Run each named pass once in a fresh process; the first that fails has its problem and is the last."""
    reason = contender.missing()
    if reason:
        return {names[0]: Outcome(problem=reason)}
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(sender, contender, case, limits, threads, names))
    process.start()
    sender.close()
    outcomes: dict[str, Outcome] = {}
    try:
        for name in names:
            outcomes[name] = _receive(receiver, process, limits)
            if outcomes[name].problem:
                break
        else:
            process.join(_GOODBYE_SECONDS)
    finally:
        process.kill()
        process.join()
        receiver.close()
    return outcomes


def _receive(receiver: Connection, process: SpawnProcess, limits: Limits) -> Outcome:
    """Return the next outcome; "ready" comes before it and starts its clock."""
    try:
        if not receiver.poll(_SETUP_SECONDS):
            return Outcome(problem=f"not ready after {_SETUP_SECONDS:g} s")
        answer = receiver.recv()
        if isinstance(answer, Outcome):
            return answer
        if not receiver.poll(limits.seconds):
            return Outcome(problem=f"over {limits.seconds:g} s", grows=True)
        return receiver.recv()
    except EOFError:
        process.join()
        killed = process.exitcode == -signal.SIGKILL
        return Outcome(
            problem="out of memory" if killed else f"process ended with {process.exitcode}", grows=killed
        )
