"""What was typed: the options that were given, as opposed to those left at their defaults."""

import sys
from collections import Counter
from collections.abc import Iterable
from typing import Any

import typer

from sparseeg.errors import SparseEEGError, command
from sparseeg.files.yaml import name_and_value


def given_options(ctx: typer.Context) -> dict[str, Any]:
    """Return the parameters of a command that were given on the command line, by name."""
    return {name: value for name, value in ctx.params.items() if _is_given(ctx, name)}


def _is_given(ctx: typer.Context, name: str) -> bool:
    source = ctx.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def spelled(ctx: typer.Context, name: str) -> str:
    """Return a parameter as it is written on the command line, as --batch-size."""
    return next(max(param.opts, key=len) for param in ctx.command.params if param.name == name)


def model_options(words: Iterable[str]) -> dict[str, Any]:
    """Return the options of a network that were given as NAME=VALUE; values are read as YAML.

    Raises SparseEEGError for one that is written otherwise, or given twice.
    """
    found: dict[str, Any] = {}
    for word in words:
        name, value = name_and_value(word)
        if name in found:
            raise SparseEEGError(f"--option {name} is given twice, as {found[name]} and as {value}")
        found[name] = value
    return found


def command_line() -> str:
    """Return the command as it can be typed again."""
    return command(*sys.argv[1:])


def check_once(values: Iterable[str], option: str) -> None:
    """Raise SparseEEGError where an option that can be repeated was given the same value twice."""
    for value, count in Counter(values).items():
        if count > 1:
            raise SparseEEGError(f"{option} names {value} {count} times; name it once")


def check_grid(given: Iterable[str]) -> None:
    """Raise SparseEEGError where an option about events was given, but windows follow at an interval."""
    for name in ("events_column", "markers"):
        if name in given:
            raise SparseEEGError(
                f"--{name.replace('_', '-')} has no effect: predictions are made at an interval, not at "
                "events; leave it out"
            )
