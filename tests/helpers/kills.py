"""Commands that are killed at random moments."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

# More of them take longer: SPARSEEG_KILLS=20 pytest -k killed
KILLS = int(os.environ.get("SPARSEEG_KILLS", "3"))


def kill_at_random(seconds: tuple[float, float], *words: str | Path) -> Iterator[bool]:
    """Start `sparseeg` with these words and end it by SIGKILL at a random moment, `KILLS` times.

    Yields after each start whether it was killed; what had come to its end before doesn't count.
    """
    draw = random.Random(0)
    command = [sys.executable, "-m", "sparseeg", *map(str, words)]
    kills = 0
    while kills < KILLS:
        process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
        try:
            process.wait(draw.uniform(*seconds))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            kills += 1
        yield process.returncode == -signal.SIGKILL
