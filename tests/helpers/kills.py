"""Commands that are killed in the middle of their work."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

# More of them take longer: SPARSEEG_KILLS=20 pytest -k killed
KILLS = int(os.environ.get("SPARSEEG_KILLS", "3"))


def kill_at_random(folder: Path, most: int, *words: str | Path) -> Iterator[bool]:
    """Start `sparseeg` with these words and end it by SIGKILL once it has written some files, `KILLS` times.

    Its progress decides, not the clock: it is killed when a random number of files, up to `most`, has come
    into `folder`. Yields after each start whether it was killed; what had come to its end before doesn't
    count.
    """
    draw = random.Random(0)
    command = [sys.executable, "-m", "sparseeg", *map(str, words)]
    kills = 0
    while kills < KILLS:
        enough = _count(folder) + draw.randint(1, most)
        process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
        while process.poll() is None and _count(folder) < enough:
            time.sleep(0.001)
        time.sleep(draw.uniform(0, 0.02))  # not always just after a file
        _end(process)
        killed = process.returncode == -signal.SIGKILL
        kills += killed
        yield killed


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Kill a process and all that it has started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _count(folder: Path) -> int:
    return sum(len(names) for _, _, names in os.walk(folder))
