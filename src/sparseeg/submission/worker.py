"""Run a submission in a separate process, without this package: read windows, write predictions.

This script is called with a file of settings. It only imports the standard library and torch, because the
challenge's image has a numpy that is too new for its torch. Windows are read from standard input in batches:
three int32 (batch, channel, time), then float32 values. Predictions are written to the file `answers` as
float64, and their cost, or one line that says why there are none, to the file `status`.
"""

import array
import contextlib
import ctypes
import json
import os
import signal
import socket
import struct
import sys
import time
from pathlib import Path
from typing import Any, BinaryIO

SFREQ = 100
BLOCKED = "sparseeg"
LONGEST = 1000  # characters of an error
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000  # CLONE_NEWUSER, CLONE_NEWNET of Linux
_PARENT_DIES = 1  # PR_SET_PDEATHSIG


class _HidingFinder:
    """Import finder that hides this package, which the challenge's image doesn't have."""

    @staticmethod
    def find_spec(name: str, *_: Any) -> None:
        if name == BLOCKED or name.startswith(f"{BLOCKED}."):
            raise ModuleNotFoundError(f"No module named {BLOCKED!r}: the challenge's image doesn't have it")


class SubmissionError(Exception):
    """One line that says why a submission gives no predictions."""


def _refuse(*_: Any, **__: Any) -> Any:
    raise OSError("a submission has no network")


def _without_network(device: str) -> bool:
    """Block the network, and return whether subprocesses have none either.

    That takes a network namespace, which only Linux has, and which some containers don't allow.
    """
    for name in ("connect", "connect_ex", "sendto", "sendmsg", "bind"):
        if hasattr(socket.socket, name):
            setattr(socket.socket, name, _refuse)
    for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "create_connection"):
        setattr(socket, name, _refuse)
    if not sys.platform.startswith("linux") or device != "cpu":
        return False
    libc, user, group = ctypes.CDLL(None), os.getuid(), os.getgid()
    if libc.unshare(_NEW_NETWORK) == 0:
        return True
    if libc.unshare(_NEW_USER | _NEW_NETWORK) != 0:
        return False
    with contextlib.suppress(OSError):  # map the user to itself
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    return True


def _end_with_parent(parent: int) -> None:
    """Have this process killed when its parent dies, which could no longer enforce the limits."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PARENT_DIES, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def _limit_memory(n_bytes: int) -> bool:
    """Limit the memory of this process, and return whether the system does that."""
    try:
        import resource
    except ImportError:  # Windows
        return False
    highest = resource.getrlimit(resource.RLIMIT_AS)[1]
    if highest != resource.RLIM_INFINITY:
        n_bytes = min(n_bytes, highest)
    try:
        resource.setrlimit(resource.RLIMIT_AS, (n_bytes, n_bytes))
    except (ValueError, OSError, OverflowError):  # macOS may refuse
        return False
    return True


def _peak_bytes() -> int | None:
    """Return the peak resident memory in bytes; None on Windows.

    On Linux, without that of the parent, which `ru_maxrss` includes.
    """
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/self/status").read_text().splitlines()
        return 1024 * int(next(line for line in lines if line.startswith("VmHWM:")).split()[1])
    try:
        import resource
    except ImportError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _one_line(error: BaseException) -> str:
    """Return a message on one line: torch lists the differing tensors of a network on lines of their own."""
    text = " ".join(str(error).split())
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."


def _call(what: str, function: Any, *arguments: Any) -> Any:
    """Call a function of the submission; every error becomes a SubmissionError of one line."""
    try:
        return function(*arguments)
    except MemoryError as error:
        raise SubmissionError(f"{what}: out of memory") from error
    except BaseException as error:  # including SystemExit
        reason = _one_line(error)
        if "allocate memory" in reason:  # torch raises RuntimeError
            reason = "out of memory"
        raise SubmissionError(f"{what}: {type(error).__name__}: {reason}".rstrip(": ")) from error


def _load(folder: str, challenge: int, device: str) -> Any:
    sys.path.insert(0, folder)
    import importlib

    module = _call("submission.py can't be imported", importlib.import_module, "submission")
    if not hasattr(module, "Submission"):
        raise SubmissionError("submission.py has no class Submission")
    import torch

    given = torch.device(device)  # as in the challenge
    submission = _call(f"Submission({SFREQ}, {given!r}) fails", module.Submission, SFREQ, given)
    name = f"get_model_challenge_{challenge}"
    if not hasattr(submission, name):
        raise SubmissionError(f"class Submission has no method {name}")
    model = _call(f"{name}() fails", getattr(submission, name))
    for method in ("eval", "forward"):
        if not callable(getattr(model, method, None)):
            raise SubmissionError(f"{name}() returns a {type(model).__name__}, which has no {method}()")
    _call(f"eval() of the model of {name}() fails", model.eval)
    return model


def _predict(model: Any, source: BinaryIO, device: str) -> tuple["array.array[float]", float, str]:
    """Return predictions for the windows in `source`, the seconds they took, and a note on their shape."""
    import torch

    predictions, seconds, note = array.array("d"), 0.0, ""
    with torch.inference_mode():
        while len(header := source.read(12)) == 12:
            batch, channels, times = struct.unpack("3i", header)
            data = bytearray(source.read(4 * batch * channels * times))
            x = torch.frombuffer(data, dtype=torch.float32).reshape(batch, channels, times).to(device)
            begin = time.perf_counter()
            output = _call("forward() fails", model.forward, x)
            values, differs = _values(output, len(x))
            predictions.extend(values)
            note = note or differs
            seconds += time.perf_counter() - begin
    return predictions, seconds, note


def _values(output: Any, n_windows: int) -> tuple[list[float], str]:
    """Return the predictions in an output, and a note if only the challenge's `[0][0]` reads such a shape."""
    import torch

    if not isinstance(output, torch.Tensor):
        raise SubmissionError(f"forward() returns a {type(output).__name__}, not a tensor (batch, 1)")
    shape = tuple(output.shape)
    if shape == (n_windows, 1):
        return output[:, 0].double().tolist(), ""
    if n_windows == 1 and len(shape) >= 2 and all(shape[:2]) and output[0][0].numel() == 1:
        note = f"forward() returns the shape {shape} for one window instead of (1, 1); [0][0] was read"
        return [output[0][0].double().item()], note
    raise SubmissionError(
        f"forward() returns the shape {shape} for a batch of {n_windows}, expected ({n_windows}, 1)"
    )


def main(settings: dict[str, Any]) -> dict[str, Any]:
    """Predict with a submission for the windows on standard input, and return the status."""
    # Move the pipe away from standard input, which processes that the submission starts would inherit.
    source = os.fdopen(os.dup(0), "rb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    network_blocked = _without_network(settings["device"])
    _end_with_parent(settings["parent"])
    sys.meta_path.insert(0, _HidingFinder())
    memory_limited = bool(settings["memory_bytes"]) and _limit_memory(settings["memory_bytes"])
    model = _load(settings["folder"], settings["challenge"], settings["device"])
    predictions, seconds, note = _predict(model, source, settings["device"])
    Path(settings["answers"]).write_bytes(predictions.tobytes())
    return {
        "seconds": seconds,
        "peak_bytes": _peak_bytes(),
        "network_blocked": network_blocked,
        "memory_limited": memory_limited,
        "note": note,
    }


if __name__ == "__main__":
    given = json.loads(Path(sys.argv[1]).read_text())
    try:
        result = main(given)
    except SubmissionError as failure:
        result = {"error": str(failure)}
    except BaseException as failure:  # every error needs a reason in the status file
        result = {"error": f"{type(failure).__name__}: {_one_line(failure)}".rstrip(": ")}
    Path(given["status"]).write_text(json.dumps(result))
    sys.stdout.flush()
    os._exit(0)  # without waiting for threads of the submission
