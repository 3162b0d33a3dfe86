"""Check the arguments of public functions by their annotations, with pydantic."""

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Annotated, ParamSpec, TypeVar

from pydantic import ConfigDict, Field, ValidationError, validate_call

from sparseeg.errors import SparseEEGError

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

Length = Annotated[float, Field(ge=0, allow_inf_nan=False)]
"""Seconds, not negative."""


def checked(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Return a function that refuses arguments that its annotations don't allow.

    Numbers that are written as text are converted.

    Raises
    ------
    SparseEEGError : an argument is not allowed; the message names it, its value, and what is allowed.
    TypeError : an argument is missing or not known, as for any function.
    """
    names = list(signature(function).parameters)
    validated = validate_call(config=ConfigDict(arbitrary_types_allowed=True))(function)

    @wraps(function)
    def call(*args: Parameters.args, **options: Parameters.kwargs) -> Result:
        signature(function).bind(*args, **options)
        try:
            return validated(*args, **options)
        except ValidationError as error:
            found = ((item["loc"][0], item["input"], item["msg"]) for item in error.errors())
            named = ((names[at] if isinstance(at, int) else at, value, said) for at, value, said in found)
            wrong = "; ".join(f"{name}={value!r}: {said}" for name, value, said in named)
            raise SparseEEGError(f"{function.__name__}: {wrong}") from error

    return call
