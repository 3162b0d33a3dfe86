"""What a step frees, the next one takes again without asking the system for pages."""

import platform
import subprocess
import sys

import pytest

COUNT = """
import resource, sys
if sys.argv[1] == "kept":
    from sparseeg.training.memory import keep_freed_memory
    keep_freed_memory()
import torch

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def step():
    return sum(float(torch.ones(2**22)[0]) for _ in range(3))

step()
before = faults()
for _ in range(10):
    step()
print(faults() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the settings are glibc's")
def test_freed_arrays_are_not_mapped_again() -> None:
    counts = {
        case: int(subprocess.run([sys.executable, "-c", COUNT, case], check=True, capture_output=True).stdout)
        for case in ("kept", "given-back")
    }
    assert counts["kept"] < 0.2 * counts["given-back"], counts
