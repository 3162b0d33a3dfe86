"""Where the figures in a table come from: machine, versions and commit."""

import platform
import subprocess
from functools import lru_cache
from importlib import metadata
from pathlib import Path

import torch


def hardware() -> str:
    """Return a description of processor, number of threads, and GPU, if there is one."""
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [
            line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line
        ]
        processor = names[0] if names else processor
    gpu = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    return f"{processor}, {torch.get_num_threads()} threads{gpu}"


def versions(*packages: str) -> str:
    """Return the versions of Python and of packages."""
    found = [f"Python {platform.python_version()}"]
    for package in packages:
        try:
            found.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            found.append(f"{package} not installed")
    return ", ".join(found)


@lru_cache(maxsize=1)
def commit() -> str:
    """Return the short hash of the checkout that this package runs from, marked if it has changes.

    The first result is cached: a long benchmark that calls this at its start names the commit it ran on.
    """
    folder = Path(__file__).parent
    try:
        name = _git(folder, "rev-parse", "--short=10", "HEAD")
        # Tables that this run writes don't affect what it measures.
        changes = _git(
            folder, "status", "--porcelain", "--untracked-files=no", ":/", ":(top,exclude)benchmarks/results"
        )
    except (OSError, subprocess.CalledProcessError):
        return "not a checkout"
    return f"{name}-dirty" if changes else name


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
