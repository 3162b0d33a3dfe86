"""Run a submission in a separate process with limits; all its errors become a SparseEEGError."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sparseeg.errors import SparseEEGError

WORKER = Path(__file__).with_name("worker.py")
MEMORY = 16 * 2**30
HOUR = 3600.0
_NOT_ENFORCED = {  # by the key of the status
    "memory_limited": "the memory of the submission was not limited",
    "network_blocked": "programs that the submission starts could use the network",
}
_KEPT = ("PATH", "LD_LIBRARY_PATH", "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "SYSTEMROOT")


@dataclass(frozen=True)
class Limits:
    """Limits for a submission: seconds for all windows, and bytes of memory (on CPUs only)."""

    seconds: float = HOUR
    memory_bytes: int = MEMORY


NORMAL = Limits()


@dataclass(frozen=True)
class SandboxResult:
    """The predictions of a submission, and what they took.

    Parameters
    ----------
    values : the predictions, (window,).
    seconds : time for all windows.
    peak_bytes : peak memory; None where the system doesn't tell it (Windows).
    not_enforced : one sentence for each limit that this system, or the device, doesn't enforce.
    notes : what the challenge accepts, but a submission should not do.
    """

    values: np.ndarray
    seconds: float
    peak_bytes: int | None
    not_enforced: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def _ignore(windows: int) -> None:
    """Report no progress."""


def run_submission(
    folder: Path,
    challenge: int,
    batches: Iterable[np.ndarray],
    *,
    name: str,
    device: str = "cpu",
    limits: Limits = NORMAL,
    python: str = sys.executable,
    progress: Callable[[int], None] = _ignore,
) -> SandboxResult:
    """Return the predictions of an unpacked submission for batches of windows, in order.

    Parameters
    ----------
    folder : folder of its files. The process itself runs in an empty folder, without network and sparseeg.
    challenge : 1 or 2.
    batches : windows, float32 (batch, channel, time) each.
    name : name of the submission in messages.
    device : device of the networks.
    limits : time and memory.
    python : interpreter to use, for example of an environment like the challenge's image.
    progress : called with the number of windows sent so far.

    Raises
    ------
    SparseEEGError : the submission can't be imported, fails, returns a wrong shape, or exceeds a limit.
    """
    interpreter = shutil.which(python)
    if interpreter is None:
        raise SparseEEGError(f"{python} is not an executable; name a Python interpreter")
    with tempfile.TemporaryDirectory(prefix="sparseeg-") as temporary:
        work = Path(temporary)
        (work / "empty").mkdir()
        settings = {
            "folder": str(folder.resolve()),
            "challenge": challenge,
            "device": device,
            "parent": os.getpid(),
            "memory_bytes": limits.memory_bytes if device == "cpu" else 0,  # CUDA maps more than it uses
            "answers": str(work / "answers"),
            "status": str(work / "status.json"),
        }
        (work / "settings.json").write_text(json.dumps(settings))
        environment = {key: os.environ[key] for key in _KEPT if key in os.environ}
        environment |= {"HOME": str(work), "TMPDIR": str(work), "PYTHONDONTWRITEBYTECODE": "1"}
        process = subprocess.Popen(
            [os.path.abspath(interpreter), "-I", "-B", str(WORKER), str(work / "settings.json")],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=work / "empty",
            env=environment,
            start_new_session=True,
        )
        late = threading.Event()

        def stop() -> None:
            late.set()
            _kill(process)

        clock = threading.Timer(min(limits.seconds, threading.TIMEOUT_MAX), stop)
        clock.start()
        threading.Thread(target=_end_children, args=(process,), daemon=True).start()
        try:
            count = _feed(process, batches, progress)
            process.wait()
        finally:
            clock.cancel()
            _kill(process)
            process.wait()
        if late.is_set():
            raise SparseEEGError(f"{name}: not finished within the limit of {limits.seconds:g} s")
        return _read(work, name, process.returncode, count)


def _feed(
    process: "subprocess.Popen[bytes]", batches: Iterable[np.ndarray], progress: Callable[[int], None]
) -> int:
    """Send the batches to the process, and return the number of windows."""
    pipe = process.stdin
    assert pipe is not None
    count = 0
    for batch in batches:
        try:
            pipe.write(np.array(batch.shape, dtype=np.int32).tobytes())
            pipe.write(np.ascontiguousarray(batch, dtype=np.float32).data)
        except OSError:
            break  # the process has ended: its status says why
        count += len(batch)
        progress(count)
    with contextlib.suppress(OSError):
        pipe.close()
    return count


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """Kill a process and its children."""
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    elif process.poll() is None:
        process.kill()


def _end_children(process: "subprocess.Popen[bytes]") -> None:
    """Kill the children of a process when it has ended: they could keep the pipe open for ever."""
    process.wait()
    _kill(process)


def _read(work: Path, name: str, code: int, count: int) -> SandboxResult:
    try:
        status = json.loads((work / "status.json").read_text())
        if "error" in status:
            raise SparseEEGError(f"{name}: {status['error']}")
        values = np.fromfile(work / "answers", dtype=np.float64)
        peak = status["peak_bytes"]
        not_enforced = tuple(sentence for key, sentence in _NOT_ENFORCED.items() if not status[key])
        result = SandboxResult(
            values=values,
            seconds=float(status["seconds"]),
            peak_bytes=None if peak is None else int(peak),
            not_enforced=not_enforced,
            notes=(str(status["note"]),) if status["note"] else (),
        )
    except SparseEEGError:
        raise
    except (OSError, ValueError, TypeError, KeyError) as error:  # a submission may overwrite these files
        raise SparseEEGError(f"{name}: its process ended without a result ({_ending(code)})") from error
    if len(values) != count:
        raise SparseEEGError(f"{name}: {len(values)} predictions for {count} windows")
    return result


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    known = {member.value: member.name for member in signal.Signals}
    words = f"killed by {known.get(-code, f'signal {-code}')}"
    return f"{words}, perhaps because memory ran out" if code == -signal.SIGKILL else words
