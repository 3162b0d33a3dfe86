"""From the options that were given to the configuration of a run."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from sparseeg.cli.given import check_once, model_options
from sparseeg.cli.options import name_list
from sparseeg.errors import SparseEEGError
from sparseeg.files.yaml import describe, read_yaml

if TYPE_CHECKING:
    from sparseeg.training.config import DataConfig, PretrainConfig, SplitConfig, TrainConfig

Values = dict[str, Any]


def train_config(given: Values, model: str) -> "TrainConfig":
    """Return the configuration of a new run: what was given, then the network's recipe, then the defaults.

    Parameters
    ----------
    given : options of `sparseeg train` by parameter.
    model : network that is trained where none was given.

    Raises
    ------
    SparseEEGError : options that are missing, contradict each other, or are out of range.
    """
    from sparseeg.training.recipes import configure

    data, split = data_and_split(given)
    with _one_line():
        return configure(data, split=split, **{"model": model, **_training(given)})


def repeated(path: Path, given: Values, report: Callable[[str], None]) -> "TrainConfig":
    """Return the configuration in a file, as of the run that is repeated, with what was given in its place.

    `report` is told what the file leaves out and what of it is dropped. Raises SparseEEGError as
    `train_config`, and for a file that can't be read; the message names the file and the field.
    """
    from sparseeg.models.registry import check_name
    from sparseeg.training.config import TrainConfig
    from sparseeg.training.other_folders import check_config
    from sparseeg.training.recipes import recipe

    if path.is_dir():
        raise SparseEEGError(f"{path} is a folder; --config takes a file, as {path / 'config.yaml'}")
    check_config(path)
    config = read_yaml(path, TrainConfig)
    if "model" not in given:
        try:
            check_name(config.model)
        except SparseEEGError as error:
            raise SparseEEGError(f"{path}: model: {error}") from error
    missing = recipe(config.model).keys() - config.model_fields_set
    if missing:
        report(
            f"{path} has no {', '.join(sorted(missing))}: the general defaults apply, not the recipe of "
            f"{config.model}"
        )
    before = config.model_dump()
    values = {**before, **_training(given)}
    values["data"], values["split"] = _sections(given, before)
    values["augment"] = {**before["augment"], **values["augment"]}
    values["init"] = None if values["init"] is None else absolute([values["init"]])[0]
    if "epochs" in given:
        values["min_steps"] = 0  # as without a file: as many epochs as were asked for
    if given.get("model", config.model) != config.model:
        report(
            f"--model {given['model']} replaces {config.model}: the training settings of {path} stay, "
            "its network options do not"
        )
    else:
        values["model_options"] = {**before["model_options"], **values["model_options"]}
    with _one_line():
        return TrainConfig.model_validate(values)


def pretrain_config(given: Values) -> "PretrainConfig":
    """Return the configuration of a new pretraining; errors are those of `train_config`."""
    from sparseeg.data.tasks import PRETRAINING
    from sparseeg.training.config import PretrainConfig

    data, split = data_and_split({**given, "task": PRETRAINING})
    own = _fields(PretrainConfig, given) | {"model_options": model_options(given.get("network_option", ()))}
    with _one_line():
        return PretrainConfig(**{**own, "data": data, "split": split})


def data_and_split(given: Values) -> tuple["DataConfig", "SplitConfig"]:
    """Return which windows are read and how their subjects are split; errors are those of `train_config`."""
    from sparseeg.training.config import DataConfig, SplitConfig

    data, split = _sections(given, {})
    with _one_line():
        return DataConfig(**data), SplitConfig(**split)


def absolute(paths: Iterable[Path | str]) -> tuple[str, ...]:
    """Return paths that mean the same from any folder."""
    # Before typer 0.29, `ctx.params` holds paths as text.
    return tuple(str(Path(path).resolve()) for path in paths)


def _training(given: Values) -> Values:
    """Return the fields of TrainConfig that were given, but for `data` and `split`."""
    from sparseeg.training.config import AugmentConfig, TrainConfig

    values = _fields(TrainConfig, given) | {"augment": _fields(AugmentConfig, given)}
    if "init" in given:
        values["init"] = absolute([given["init"]])[0]
    return values | {"model_options": model_options(given.get("network_option", ()))}


def _fields(section: type[BaseModel], given: Values) -> Values:
    """Return what was given of a section's fields; `data` and `split` are sections of their own."""
    return {name: given[name] for name in section.model_fields if name in given.keys() - {"data", "split"}}


def _sections(given: Values, before: Values) -> tuple[Values, Values]:
    """Return the sections `data` and `split` of a configuration, with what was given in their place."""
    from sparseeg.training.config import DataConfig, SplitConfig

    lists = {
        name: name_list(given[name], f"--{name}") for name in ("releases", "valid", "test") if name in given
    }
    plain = {name: value for name, value in given.items() if name not in lists}
    data = {**before.get("data", {}), **_fields(DataConfig, plain)}
    split = {**before.get("split", {}), **_fields(SplitConfig, plain)}
    path = given.get("data") or data.get("path")
    if not path:
        raise SparseEEGError("--data is missing: a BIDS folder, a store, or a folder of MNE epochs")
    data["path"] = absolute(path)
    check_once(data["path"], "--data")
    if given.get("test_data"):
        data["test_path"] = absolute(given["test_data"])
        check_once((*data["path"], *data["test_path"]), "--data and --test-data")
    if data.get("test_path"):
        _check_test_data(given, split)
    split["kind"] = _kind(given, split.get("kind", "subjects"))
    by_release = split["kind"] == "release"
    for name in ("valid", "test"):
        split[name] = lists.get(name, split.get(name, ())) if by_release else ()
    if by_release and not split["valid"]:
        raise SparseEEGError("a split by release needs --valid: the releases that validate, as --valid R4")
    if lists:
        data["releases"] = _to_read(lists.get("releases"), split, before)
    return data, split


def _check_test_data(given: Values, split: Values) -> None:
    """Raise SparseEEGError where other options also say who tests."""
    if "test" in given:
        raise SparseEEGError("--test and --test-data both say who tests; leave one of them out")
    kind = given.get("split", split.get("kind"))
    if kind in ("loso", "kfold"):
        raise SparseEEGError(f"--split {kind} tests every subject of --data; leave --test-data out")


def _kind(given: Values, before: str) -> str:
    """Return the kind of split; SparseEEGError where options for another kind were given."""
    by_release = [f"--{name}" for name in ("valid", "test") if name in given]
    kind = given.get("split", "release" if by_release else before)
    if by_release and kind != "release":
        raise SparseEEGError(
            f"{' and '.join(by_release)} split by release, not with --split {kind}; leave one of them out"
        )
    if "folds" in given and kind != "kfold":
        raise SparseEEGError("--folds has an effect with --split kfold only; add it, or leave --folds out")
    return kind


def _to_read(training: tuple[str, ...] | None, split: Values, before: Values) -> tuple[str, ...] | None:
    """Return the releases to read: those that train, if they were named, and those held out."""
    earlier = before.get("data", {}).get("releases")
    if training is None and earlier is not None:
        held_out = {*before["split"]["valid"], *before["split"]["test"]}
        training = tuple(name for name in earlier if name not in held_out)
    return None if training is None else tuple(dict.fromkeys((*training, *split["valid"], *split["test"])))


@contextmanager
def _one_line() -> Iterator[None]:
    """Turn what pydantic finds into one line for a user."""
    try:
        yield
    except ValidationError as error:
        raise SparseEEGError(describe(error)) from error
