"""Arguments of public functions are checked by their annotations, and what is allowed is said."""

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from sparseeg.arguments import Length, checked
from sparseeg.errors import SparseEEGError


@checked
def read(
    path: Path | str,
    *,
    names: Sequence[str] | None = None,
    kind: Literal["a", "b"] | None = None,
    margin: Length = 0.0,
    n: int = 1,
) -> tuple[object, ...]:
    """Read."""
    return path, names, kind, margin, n


def test_what_is_allowed_is_passed_on():
    assert read("x") == ("x", None, None, 0.0, 1)
    assert read(Path("x"), names=["y"], kind="b", margin=np.float32(0.5), n=np.int64(2)) == (
        Path("x"), ["y"], "b", 0.5, 2,
    )  # fmt: skip
    assert read("x", margin="0.25")[3] == 0.25


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"margin": -1}, "read: margin=-1: Input should be greater than or equal to 0"),
        ({"margin": float("nan")}, "read: margin=nan: Input should be a finite number"),
        ({"margin": "wide"}, "read: margin='wide': Input should be a valid number"),
        ({"kind": "c"}, "read: kind='c': Input should be 'a' or 'b'"),
        ({"names": "R5"}, "read: names='R5': 'str' instances are not allowed as a Sequence value"),
        ({"n": 1.5, "kind": 1}, "kind=1: Input should be 'a' or 'b'; n=1.5: Input should be a valid integer"),
    ],
)
def test_what_is_not_allowed_is_named_with_what_is(options, said):
    with pytest.raises(SparseEEGError) as caught:
        read("x", **options)
    assert said in str(caught.value)


def test_a_wrong_argument_that_is_given_by_its_place_has_its_name():
    with pytest.raises(SparseEEGError, match="read: path=5: "):
        read(5)


def test_arguments_that_are_missing_or_not_known_are_errors_of_type():
    for args, options in (((), {}), (("x",), {"nmae": 1})):
        with pytest.raises(TypeError):
            read(*args, **options)


def test_the_function_keeps_its_name_and_signature():
    assert (read.__name__, read.__doc__) == ("read", "Read.")
    assert list(inspect.signature(read).parameters) == ["path", "names", "kind", "margin", "n"]
