"""A submission asked in a clean process with limits; what it may do wrong ends in one line."""

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
_KEPT = ("PATH", "LD_LIBRARY_PATH", "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "SYSTEMROOT")


@dataclass(frozen=True)
class Limits:
    """What a submission may take; seconds for all windows, bytes of memory (on CPUs)."""

    seconds: float = HOUR
    memory_bytes: int = MEMORY


NORMAL = Limits()


@dataclass(frozen=True)
class Answers:
    """What a submission said, (window,), and what that took: seconds, bytes at the highest."""

    values: np.ndarray
    seconds: float
    peak_bytes: int


def ask(
    folder: Path,
    challenge: int,
    batches: Iterable[np.ndarray],
    *,
    name: str,
    device: str = "cpu",
    limits: Limits = NORMAL,
    python: str = sys.executable,
    progress: Callable[[int], None] = lambda windows: None,
) -> Answers:
    """Return the answers of an unpacked submission to batches of windows, in their order.

    Parameters
    ----------
    folder : of its files. The process works in an empty folder of its own, without network or sparseeg.
    batches : float32 (batch, channel, time) each.
    name : of the submission, in messages.
    python : the interpreter, of this environment or of one like the challenge's image.
    progress : called with the number of windows handed over so far.

    Raises
    ------
    SparseEEGError : it can't be imported, fails, answers in another shape, or goes beyond a limit.
    """
    interpreter = shutil.which(python)
    if interpreter is None:
        raise SparseEEGError(f"{python} is no interpreter that can be run")
    with tempfile.TemporaryDirectory(prefix="sparseeg-") as place:
        work = Path(place)
        (work / "empty").mkdir()
        settings = {
            "folder": str(folder.resolve()),
            "challenge": challenge,
            "device": device,
            "parent": os.getpid(),
            "memory_bytes": limits.memory_bytes if device == "cpu" else 0,  # CUDA maps more than it takes
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
            raise SparseEEGError(f"{name}: still not done after {limits.seconds:g} s, the limit")
        return _read(work, name, process.returncode, count)


def _feed(
    process: "subprocess.Popen[bytes]", batches: Iterable[np.ndarray], progress: Callable[[int], None]
) -> int:
    """Hand the batches over; return how many windows there were."""
    pipe = process.stdin
    assert pipe is not None
    count = 0
    for batch in batches:
        try:
            pipe.write(np.array(batch.shape, dtype=np.int32).tobytes())
            pipe.write(np.ascontiguousarray(batch, dtype=np.float32).data)
        except OSError:
            break  # it has ended: its status says why
        count += len(batch)
        progress(count)
    with contextlib.suppress(OSError):
        pipe.close()
    return count


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """End a process and what it has started."""
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    elif process.poll() is None:
        process.kill()


def _end_children(process: "subprocess.Popen[bytes]") -> None:
    """End what a process has started when it has ended itself: it may hold the pipe open, fed for ever."""
    process.wait()
    _kill(process)


def _read(work: Path, name: str, code: int, count: int) -> Answers:
    try:
        status = json.loads((work / "status.json").read_text())
        if "error" in status:
            raise SparseEEGError(f"{name}: {status['error']}")
        values = np.fromfile(work / "answers", dtype=np.float64)
        answers = Answers(values, float(status["seconds"]), int(status["peak_bytes"]))
    except SparseEEGError:
        raise
    except (OSError, ValueError, TypeError, KeyError) as error:  # the files are somebody else's
        raise SparseEEGError(f"{name}: its process ended without an answer ({_ending(code)})") from error
    if len(values) != count:
        raise SparseEEGError(f"{name}: {len(values)} answers to {count} windows")
    return answers


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    known = {one.value: one.name for one in signal.Signals}
    words = f"killed by {known.get(-code, f'signal {-code}')}"
    return f"{words}, as when memory runs out" if code == -signal.SIGKILL else words
