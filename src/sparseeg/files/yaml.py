"""YAML files that pydantic models describe."""

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from sparseeg.errors import SparseEEGError

Model = TypeVar("Model", bound=BaseModel)


def read_yaml(path: Path, model: type[Model], loader: type = yaml.SafeLoader) -> Model:
    """Return what a file holds; SparseEEGError names the file and what doesn't fit."""
    if not path.exists():
        raise SparseEEGError(f"{path} does not exist")
    try:
        return model.model_validate(yaml.load(path.read_text(encoding="utf-8"), Loader=loader) or {})
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SparseEEGError(f"{path}: not a readable YAML file: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        raise SparseEEGError(f"{path}: {describe(error)}") from error


def name_and_value(word: str) -> tuple[str, Any]:
    """Return the parts of NAME=VALUE, the value read as YAML; SparseEEGError where it isn't written so."""
    name, equals, value = word.partition("=")
    if not equals or not name.isidentifier():
        raise SparseEEGError(f"an option is written NAME=VALUE, as output=latency, not {word!r}")
    try:
        return name, yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise SparseEEGError(f"{word}: {value!r} is no value that YAML can read") from error


def describe(error: ValidationError) -> str:
    """Return what pydantic found, in one line and in the words of this package."""
    found = ((".".join(map(str, item["loc"])), _words(dict(item))) for item in error.errors())
    return "; ".join(f"{place}: {words}" if place else words for place, words in found)


def _words(item: dict[str, Any]) -> str:
    """Return what is wrong with one value, and which value it is."""
    if item["type"] == "extra_forbidden":
        return "there is no setting of this name; remove it or correct the name"
    if item["type"] == "missing":
        return "is missing"
    if item["type"] in ("model_type", "model_attributes_type", "dataclass_type", "dict_type"):
        return "must be a list of NAME: VALUE"
    words = item["msg"].removeprefix("Value error, ")
    if not words.startswith("Input should "):
        return words
    value = item["input"]
    shown = f", not {value!r}" if value is None or isinstance(value, str | int | float) else ""
    return f"must {words.removeprefix('Input should ')}{shown}"
