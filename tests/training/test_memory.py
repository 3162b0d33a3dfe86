"""What a step frees, the next one takes again without asking the system for pages."""

import ctypes
import json
import os
import platform
import subprocess
import sys
from types import SimpleNamespace

import pytest

from sparseeg.training.memory import keep_freed_memory

# An array of 64 MiB, twice the largest threshold that glibc chooses by itself. `hblks` of mallinfo2 counts
# the arrays that are mapped one by one, `arena` the bytes of the heap, which only trimming makes smaller.
MEASURE = """
import ctypes, json
import torch
from sparseeg.training.memory import keep_freed_memory

class Info(ctypes.Structure):
    names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in names.split()]

mallinfo = ctypes.CDLL(None).mallinfo2
mallinfo.restype = Info

def holding():
    array = torch.ones(2**24)
    return mallinfo()

def measure():
    before, held, after = mallinfo(), holding(), mallinfo()
    return {"mapped": held.hblks - before.hblks, "given back": held.arena - after.arena}

usual = measure()
keep_freed_memory()
print(json.dumps([usual, measure()]))
"""


GLIBC = platform.libc_ver()[0] == "glibc" and hasattr(ctypes.CDLL(None), "mallinfo2")


@pytest.mark.skipif(not GLIBC, reason="needs glibc 2.33: the settings are its, and so is the count")
def test_freed_arrays_are_not_mapped_again() -> None:
    done = subprocess.run([sys.executable, "-c", MEASURE], check=True, capture_output=True)
    usual, kept = json.loads(done.stdout)
    assert usual["mapped"] == 1
    assert kept == {"mapped": 0, "given back": 0}


@pytest.mark.skipif(os.name != "posix", reason="there is no mallopt elsewhere")
def test_the_allocator_is_told_once_per_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[int, int]] = []
    library = SimpleNamespace(mallopt=lambda name, value: calls.append((name, value)))
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    monkeypatch.delenv("THP_MEM_ALLOC_ENABLE", raising=False)
    keep_freed_memory()
    assert calls == [(-1, 2**31 - 1), (-3, 2**29)]  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD of glibc's malloc.h
    assert os.environ["THP_MEM_ALLOC_ENABLE"] == "1"


def test_another_allocator_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace())
    monkeypatch.setenv("THP_MEM_ALLOC_ENABLE", "0")
    keep_freed_memory()
    assert os.environ["THP_MEM_ALLOC_ENABLE"] == "0"
