"""Say in which options two preparations differ, as they are written on the command line."""

from collections.abc import Iterator, Mapping
from shlex import quote
from typing import Any

from sparseeg.errors import in_words

_WRITTEN = {"bids_tasks": "bids-task", "column": "events-column"}
_OF_TASK = ("name", "target", "locked", "rule")  # said by the name of the task, or one by one
_NO_OPTION = ("end", "code")


def other_options(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Return "prepared with --sfreq 100, asked for --sfreq 50" for all options of a store that differ.

    Before it, "made of the data in A, not in B" for other data.

    Parameters
    ----------
    before, now : as in the journal: by name, those of a task and of its rule in dicts of their own.
    """
    then, here = dict(_flat(before)), dict(_flat(now))
    names = [name for name in {**then, **here} if then.get(name) != here.get(name)]
    if "task" in names:  # another task has other events and windows, too
        names = [name for name in names if name == "task" or name in {**before, **now}]
    data = ""
    if "source" in names:
        data = f"made of the data in {then.get('source')}, not in {here.get('source')}"
        names.remove("source")
        if not names:
            return data
    had, asked = (", ".join(_option(name, values.get(name)) for name in names) for values in (then, here))
    return f"{data and data + '; '}prepared with {had or 'other options'}, asked for {asked or 'these'}"


def _flat(options: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    task = options.get("task") or {}
    yield "task", task.get("name")
    for part in (task, task.get("rule") or {}, options):
        for name, value in part.items():
            if not isinstance(value, Mapping) and not (part is task and name in _OF_TASK):
                yield name, value


def _option(name: str, value: Any) -> str:
    """Return an option as it is typed; `no --name` for one that is not given."""
    if name in _NO_OPTION:
        return f"{name} {in_words(value)}"
    dashed = f"--{_WRITTEN.get(name, name.replace('_', '-'))}"
    if value in (None, False, [], ()):
        return f"no {dashed}"
    return dashed if value is True else f"{dashed} {quote(in_words(value))}"
