"""Run a layer in its own process, with limits, and measure its time and peak memory."""

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
from sparseeg.errors import SparseEEGError

FORWARD, BACKWARD = "forward", "forward+backward"

_SETUP_SECONDS = 180.0  # for imports, building and compiling, which are not measured
_GOODBYE_SECONDS = 10.0
_FEW_TOKENS = 64
_OUT_OF_MEMORY = ("alloc", "not enough memory", "out of memory", "could not create a memory")


@dataclass(frozen=True)
class Case:
    """Size of the input (batch, N, d), and tokens per head for layers that have this option."""

    batch: int
    num_tokens: int
    dim: int
    tokens_per_head: int = 0

    def tokens(self) -> Tensor:
        """Return white noise of this shape, the same in each call."""
        generator = torch.Generator().manual_seed(1)
        return torch.randn(self.batch, self.num_tokens, self.dim, generator=generator)


@dataclass(frozen=True)
class PassLimits:
    """Limits of a pass: seconds, and bytes of the process without its libraries (None for no limit)."""

    seconds: float = 60.0
    memory: int | None = None


@dataclass(frozen=True)
class ProbeResult:
    """Result of one pass.

    Parameters
    ----------
    seconds : time of the pass.
    peak : peak memory in bytes.
    problem : why the pass failed; empty if it did not.
    grows : whether larger N will fail, too.
    """

    seconds: float | None = None
    peak: int | None = None
    problem: str = ""
    grows: bool = False


def memory_limit(n_bytes: int | None) -> int | None:
    """Return the memory that a layer may use: `n_bytes`, or 75 % of this machine's memory.

    None where the system can't limit it (macOS).

    Raises
    ------
    SparseEEGError : the system can't limit memory to `n_bytes`, or can't measure it (Windows).
    """
    if sys.platform == "win32":
        raise SparseEEGError("this benchmark can't measure memory on Windows; run it on Linux or in WSL")
    if memory_status("VmSize") is None:
        if n_bytes is not None:
            raise SparseEEGError("this system can't limit the memory of a layer; run without this limit")
        return None
    if n_bytes is not None:
        return n_bytes
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * 3 // 4


def make_pass(layer: nn.Module, x: Tensor, name: str) -> Callable[[], float]:
    """Return a function that runs one pass of a layer and returns its seconds.

    Forward is evaluation without gradients. Forward+backward is training with gradients of weights and input;
    the gradient of the output is one.
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
    """Return the result of `run`, and the growth of the resident set at its peak in bytes.

    On Linux, the peak is reset before; on other systems, growth below an earlier peak is not seen.
    """
    gc.collect()
    _return_freed()
    _forget_peak()
    before = resident_memory()
    result = run()
    return result, max(0, _high_water() - before)


def resident_memory() -> int:
    """Return the resident memory of this process in bytes; on other systems than Linux, its peak."""
    return memory_status("VmRSS") or _high_water()


def _return_freed() -> None:
    """Return freed memory to the system, because a pass that reuses it would seem to need none."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        if hasattr(libc, "malloc_trim"):  # glibc only
            libc.malloc_trim(0)


def _forget_peak() -> None:
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def memory_status(field: str, process: int | str = "self") -> int | None:
    """Return a field of /proc/PROCESS/status, as VmRSS, in bytes; None if it is not available."""
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
    """Make allocations fail if this process would grow by more than `limit` bytes."""
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
    pipe: Connection,
    contender: Contender,
    case: Case,
    limits: PassLimits,
    threads: int,
    names: tuple[str, ...],
) -> None:
    """Build and warm up a layer; then for each pass send "ready", run it, and send its result."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends this process
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    try:
        weights = random_weights(case.dim)
        few = Case(1, min(_FEW_TOKENS, case.num_tokens), case.dim)
        if not contender.compiled:  # libraries that a first pass loads are not counted as the layer's memory
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
            pipe.send(ProbeResult(*peak_memory(one_pass)))
    except Exception as error:
        problem, grows = _reason(error)
        pipe.send(ProbeResult(problem=problem, grows=grows))


def probe(
    contender: Contender,
    case: Case,
    limits: PassLimits,
    threads: int,
    names: tuple[str, ...] = (FORWARD, BACKWARD),
) -> dict[str, ProbeResult]:
    """Run each pass once in a new process, up to the first that fails, and return the results by name."""
    reason = contender.missing()
    if reason:
        return {names[0]: ProbeResult(problem=reason)}
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(sender, contender, case, limits, threads, names))
    process.start()
    sender.close()
    outcomes: dict[str, ProbeResult] = {}
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


def _receive(receiver: Connection, process: SpawnProcess, limits: PassLimits) -> ProbeResult:
    """Return the next result; its time limit begins when the process sends "ready"."""
    try:
        if not receiver.poll(_SETUP_SECONDS):
            return ProbeResult(problem=f"not ready after {_SETUP_SECONDS:g} s")
        answer = receiver.recv()
        if isinstance(answer, ProbeResult):
            return answer
        if not receiver.poll(limits.seconds):
            return ProbeResult(problem=f"over {limits.seconds:g} s", grows=True)
        return receiver.recv()
    except EOFError:
        process.join()
        killed = process.exitcode == -signal.SIGKILL
        return ProbeResult(
            problem="out of memory" if killed else f"process ended with {process.exitcode}", grows=killed
        )
