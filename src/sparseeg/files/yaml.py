"""YAML files that pydantic models describe."""

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from sparseeg.errors import SparseEEGError

Model = TypeVar("Model", bound=BaseModel)


def read_yaml(path: Path, model: type[Model], loader: type = yaml.SafeLoader) -> Model:
    """Return what a file holds; SparseEEGError names the file and what doesn't fit."""
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
    """Return pydantic's findings in one line."""
    found = ((".".join(map(str, item["loc"])), item["msg"]) for item in error.errors())
    return "; ".join(f"{place}: {message}" if place else message for place, message in found)
