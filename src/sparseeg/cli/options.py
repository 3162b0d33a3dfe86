"""Options that several commands share, and the groups in which `--help` shows them."""

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from sparseeg.errors import SparseEEGError
from sparseeg.files.names import event_name

DATA = "Data"
WINDOWS = "Windows"
EVENTS = "Events"
SIGNALS = "Signals"
SPLIT = "Split"
NETWORK = "Network"
TRAINING = "Training"
SCORES = "Scores"
MEASUREMENT = "Measurement"
STREAM = "Streams"
DOWNLOAD = "Download"
COMPUTING = "Computing"
OUTPUT = "Output"


def option(group: str, help: str, *names: str, metavar: str | None = None, **settings: Any) -> Any:
    """Return an option that `--help` shows in a group; typer makes its name of the parameter's."""
    return typer.Option(*names, help=help, rich_help_panel=group, metavar=metavar, **settings)


def flag(group: str, help: str, *names: str, **settings: Any) -> Any:
    """Return an option without a value."""
    return option(group, help, *names, metavar="", **settings)


Data = Annotated[
    list[Path] | None,
    option(DATA, "BIDS folder, store, or folder of MNE epochs; repeatable.", metavar="PATH"),
]
Releases = Annotated[
    list[str] | None,
    option(DATA, "HBN releases to read besides --valid and --test. Default: all.", metavar="R1,..."),
]
KeepBad = Annotated[
    bool, flag(DATA, "Keep windows in stretches of a recording that are marked as bad.", "--keep-bad")
]
Channels = Annotated[
    Literal["common", "interpolate", "strict"] | None,
    option(
        DATA,
        "If channels differ: common, interpolate or strict. Default: see the guide.",
        "--channels",
        metavar="KIND",
        show_default=False,
    ),
]
Jobs = Annotated[int, option(DATA, "Processes that read or write recordings.", metavar="N", min=1)]

Task = Annotated[
    str,
    option(
        WINDOWS,
        "What is decoded: response-time, or a column of numbers in participants.tsv.",
        metavar="NAME",
    ),
]
Target = Annotated[
    str | None, option(WINDOWS, "Metadata column of MNE epochs that is decoded.", metavar="COLUMN")
]
TargetUnit = Annotated[
    str | None, option(WINDOWS, "Unit of that column: s, ms or any other.", metavar="UNIT")
]
MaxRt = Annotated[
    float | None,
    option(WINDOWS, "Longest response time. Default: 10, or the window's end if more.", metavar="SECONDS"),
]
SubjectPattern = Annotated[
    str | None,
    option(
        DATA,
        "What finds the subject in the path of epochs. Default: sub-XX, or the name.",
        metavar="REGEX",
    ),
]
Proc = Annotated[
    str | None,
    option(DATA, "Epochs of names with _proc-NAME to read; none: those without.", "--proc", metavar="NAME"),
]
TMin = Annotated[
    float | None, option(WINDOWS, "Start of the window, after the event.", "--tmin", metavar="SECONDS")
]
TMax = Annotated[
    float | None, option(WINDOWS, "End of the window, after the event.", "--tmax", metavar="SECONDS")
]
SFreq = Annotated[
    float | None,
    option(
        WINDOWS, "Sampling rate. Default: 100 for a BIDS folder, else the data's.", "--sfreq", metavar="HZ"
    ),
]

SplitKind = Annotated[
    Literal["subjects", "release", "loso", "kfold"],
    option(
        SPLIT,
        "subjects (at random), release, loso (leave one subject out) or kfold.",
        "--split",
        metavar="KIND",
    ),
]
Valid = Annotated[
    list[str] | None, option(SPLIT, "Releases to validate on; implies --split release.", metavar="R4,...")
]
Test = Annotated[
    list[str] | None,
    option(SPLIT, "Releases to test on; without it, the scores are those of --valid.", metavar="R5,..."),
]
TestData = Annotated[
    list[Path] | None,
    option(SPLIT, "Data whose people all test; those of --data don't. Repeatable.", metavar="PATH"),
]
Folds = Annotated[int, option(SPLIT, "Folds of --split kfold.", metavar="N", min=3)]

Refit = Annotated[
    bool,
    flag(TRAINING, "Train again, on the validation subjects too, once they have chosen.", "--refit"),
]
Device = Annotated[Literal["auto", "cpu", "cuda"], option(TRAINING, "Where to train.")]
Precision = Annotated[Literal["32", "bf16"], option(TRAINING, "bf16 is mixed precision.")]

Overwrite = Annotated[bool, flag(OUTPUT, "Replace what is there.", "--overwrite")]


def name_list(given: str | Iterable[str] | None, option: str, known: Collection[str] = ()) -> tuple[str, ...]:
    """Return the names that an option was given; none where the option was not given.

    Parameters
    ----------
    given : its values. Each is a name, or several that are separated by commas.
    option : the option, for messages.
    known : names that exist; one with commas is not separated.

    Raises
    ------
    SparseEEGError : a value names nothing.
    """
    names: list[str] = []
    for value in [given] if isinstance(given, str) else given or ():
        whole = event_name(value) in known
        found = [event_name(name) for name in ([value] if whole else value.split(",")) if name.strip()]
        if not found:
            raise SparseEEGError(
                f"{option} {value!r} names nothing; give a name, or several that are separated by commas"
            )
        names += found
    return tuple(names)
