"""What every benchmark table says about where it came from, and how it is written."""

import platform
import subprocess
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd
import torch


def machine() -> str:
    """Return processor, threads used and, if there is one, GPU."""
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
    """Return the versions of Python and of the given packages that are installed."""
    found = [f"Python {platform.python_version()}"]
    for package in packages:
        try:
            found.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            found.append(f"{package} not installed")
    return ", ".join(found)


@lru_cache(maxsize=1)
def commit() -> str:
    """Return the short hash of the checkout this package runs from, marked where it has changes.

    The first answer is kept: a long benchmark names what it started from, if it asks at its start.
    """
    folder = Path(__file__).parent
    try:
        name = _git(folder, "rev-parse", "--short=10", "HEAD")
        # Tables that this very run writes don't change what it measures.
        changes = _git(
            folder, "status", "--porcelain", "--untracked-files=no", ":/", ":(top,exclude)benchmarks/results"
        )
    except (OSError, subprocess.CalledProcessError):
        return "not a checkout"
    return f"{name}-dirty" if changes else name


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def write(
    table: pd.DataFrame,
    folder: Path,
    name: str,
    *,
    title: str,
    command: str,
    packages: Sequence[str] = ("torch",),
    notes: Sequence[str] = (),
) -> Path:
    """Write `name.tsv` and `name.md`; the Markdown opens with command, machine, versions and commit."""
    folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / f"{name}.tsv", sep="\t", index=False, float_format="%.6g")
    lines = [
        f"# {title}",
        "",
        f"* command: `{command}`",
        f"* machine: {machine()}",
        f"* versions: {versions(*packages)}",
        f"* commit: {commit()}, {date.today().isoformat()}",
        *(f"* {note}" for note in notes),
        "",
        *markdown(table),
    ]
    path = folder / f"{name}.md"
    path.write_text("\n".join(lines) + "\n")
    return path


def markdown(table: pd.DataFrame) -> list[str]:
    """Return the lines of a table in Markdown."""
    return [
        "| " + " | ".join(table.columns) + " |",
        "|" + "---|" * len(table.columns),
        *("| " + " | ".join(_cell(value) for value in row) + " |" for row in table.itertuples(index=False)),
    ]


def _cell(value: Any) -> str:
    if pd.isna(value):
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
