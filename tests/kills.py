"""Commands that are killed at random moments."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# More of them take longer: SPARSEEG_KILLS=20 pytest -k killed
KILLS = int(os.environ.get("SPARSEEG_KILLS", "3"))


def kill_at_random(seconds: tuple[float, float], *words: str | Path, **options: Any) -> Iterator[None]:
    """Start `sparseeg` with these words, end it by SIGKILL within these seconds, yield; so many times."""
    draw = random.Random(0)
    command = [sys.executable, "-m", "sparseeg", *map(str, words)]
    for _ in range(KILLS):
        process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL, **options)
        try:
            process.wait(draw.uniform(*seconds))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        yield
