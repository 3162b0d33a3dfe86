"""Runs a submission in a process of its own, without this package: reads windows, writes answers.

Called as a script with a file of settings; imports nothing but the standard library and torch (of the
challenge's image, whose numpy is too new for its torch). Windows come on standard input, a batch at a time:
three int32 (batch, channel, time), then float32 values. The answers, float64, go to the file `answers`; what
they took, or the one line that says why there are none, to `status`.
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
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000  # CLONE_NEWUSER, CLONE_NEWNET of Linux
_PARENT_DIES = 1  # PR_SET_PDEATHSIG


class _Blocked:
    """Finder that hides a package which the challenge's image doesn't have."""

    @staticmethod
    def find_spec(name: str, *_: Any) -> None:
        if name == BLOCKED or name.startswith(f"{BLOCKED}."):
            raise ModuleNotFoundError(f"No module named {BLOCKED!r}: the challenge's image doesn't have it")


class Failed(Exception):  # noqa: N818
    """Why a submission gives no answers, in one line."""


def _refuse(*_: Any, **__: Any) -> Any:
    raise OSError("a submission has no network")


def _without_network(device: str) -> None:
    """Leave the network: in Linux's own way where it is allowed, which holds for subprocesses too."""
    for name in ("connect", "connect_ex", "sendto", "sendmsg", "bind"):
        if hasattr(socket.socket, name):
            setattr(socket.socket, name, _refuse)
    for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "create_connection"):
        setattr(socket, name, _refuse)
    if not sys.platform.startswith("linux") or device != "cpu":
        return
    libc, user, group = ctypes.CDLL(None), os.getuid(), os.getgid()
    if libc.unshare(_NEW_NETWORK) == 0 or libc.unshare(_NEW_USER | _NEW_NETWORK) != 0:
        return
    with contextlib.suppress(OSError):  # the same user inside as outside
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def _end_with_parent(parent: int) -> None:
    """Be killed where the process that limits this one is: nobody else would end it."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PARENT_DIES, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def _limit_memory(n_bytes: int) -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    highest = resource.getrlimit(resource.RLIMIT_AS)[1]
    if highest != resource.RLIM_INFINITY:
        n_bytes = min(n_bytes, highest)
    with contextlib.suppress(ValueError, OSError, OverflowError):  # macOS may refuse
        resource.setrlimit(resource.RLIMIT_AS, (n_bytes, n_bytes))


def _peak_bytes() -> int:
    """Return the most memory that was resident; on Linux of this program alone.

    There `ru_maxrss` goes on from what the parent had before it started this program.
    """
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/self/status").read_text().splitlines()
        return 1024 * int(next(line for line in lines if line.startswith("VmHWM:")).split()[1])
    try:
        import resource
    except ImportError:
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _step(what: str, run: Any, *arguments: Any) -> Any:
    """Call something of the submission's; whatever goes wrong is one line."""
    try:
        return run(*arguments)
    except MemoryError as error:
        raise Failed(f"{what}: out of memory") from error
    except BaseException as error:  # SystemExit too: the code is somebody else's
        lines = str(error).strip().splitlines()
        reason = lines[0][:300] if lines else ""
        if "allocate memory" in reason:  # torch's own way to say so
            reason = "out of memory"
        raise Failed(f"{what}: {type(error).__name__}: {reason}".rstrip(": ")) from error


def _load(folder: str, challenge: int, device: str) -> Any:
    sys.path.insert(0, folder)
    import importlib

    module = _step("submission.py can't be imported", importlib.import_module, "submission")
    if not hasattr(module, "Submission"):
        raise Failed("submission.py has no class Submission")
    submission = _step(f"Submission({SFREQ}, {device!r}) fails", module.Submission, SFREQ, device)
    name = f"get_model_challenge_{challenge}"
    if not hasattr(submission, name):
        raise Failed(f"class Submission has no method {name}")
    model = _step(f"{name}() fails", getattr(submission, name))
    for method in ("eval", "forward"):
        if not callable(getattr(model, method, None)):
            raise Failed(f"{name}() returns a {type(model).__name__}, which has no {method}()")
    _step(f"eval() of the model of {name}() fails", model.eval)
    return model


def _answers(model: Any, source: BinaryIO, device: str) -> tuple["array.array[float]", float]:
    import torch

    answers, seconds = array.array("d"), 0.0
    with torch.no_grad():
        while len(header := source.read(12)) == 12:
            batch, channels, times = struct.unpack("3i", header)
            data = bytearray(source.read(4 * batch * channels * times))
            x = torch.frombuffer(data, dtype=torch.float32).reshape(batch, channels, times).to(device)
            begin = time.perf_counter()
            answer = _step("forward() fails", model.forward, x)
            if not isinstance(answer, torch.Tensor):
                raise Failed(f"forward() returns a {type(answer).__name__}, not a tensor (batch, 1)")
            if tuple(answer.shape) != (len(x), 1):
                raise Failed(
                    f"forward() returns the shape {tuple(answer.shape)} for a batch of {len(x)}; "
                    f"({len(x)}, 1) is needed"
                )
            answers.extend(answer[:, 0].double().tolist())
            seconds += time.perf_counter() - begin
    return answers, seconds


def main(settings: dict[str, Any]) -> dict[str, Any]:
    """Load the submission, answer everything on standard input, return what is to be said about it."""
    # Out of reach of what the submission starts, which would read windows or keep the pipe open.
    source = os.fdopen(os.dup(0), "rb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    _without_network(settings["device"])
    _end_with_parent(settings["parent"])
    sys.meta_path.insert(0, _Blocked())
    if settings["memory_bytes"]:
        _limit_memory(settings["memory_bytes"])
    model = _load(settings["folder"], settings["challenge"], settings["device"])
    answers, seconds = _answers(model, source, settings["device"])
    Path(settings["answers"]).write_bytes(answers.tobytes())
    return {"seconds": seconds, "peak_bytes": _peak_bytes()}


if __name__ == "__main__":
    given = json.loads(Path(sys.argv[1]).read_text())
    try:
        result = main(given)
    except Failed as failure:
        result = {"error": str(failure)}
    except BaseException as failure:  # nothing ends without a reason
        lines = str(failure).strip().splitlines() or [""]
        result = {"error": f"{type(failure).__name__}: {lines[0][:300]}".rstrip(": ")}
    Path(given["status"]).write_text(json.dumps(result))
    sys.stdout.flush()
    os._exit(0)  # threads that a submission may have left behind
