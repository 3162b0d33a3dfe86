"""Starting from another run: what is taken, what is refused, and how fast each layer then learns."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import mne
import numpy as np
import pytest
import torch
from torch import nn

from helpers.toys import toy_windows
from sparseeg import models
from sparseeg.data.load import _without_targets
from sparseeg.data.provenance import Processing
from sparseeg.data.splits import Split, by_release
from sparseeg.data.windows import WindowSet
from sparseeg.errors import SparseEEGError
from sparseeg.models.files import read_weights
from sparseeg.models.network import HasPatches
from sparseeg.training.config import DataConfig, PretrainConfig, SplitConfig, TrainConfig
from sparseeg.training.fit import fit, network_spec
from sparseeg.training.inputs import Inputs
from sparseeg.training.optimizer import adamw
from sparseeg.training.pretrain import pretrain
from sparseeg.training.start import start_from
from sparseeg.training.subjects import SplitSubjects, write_subjects

NAME = "sparse-eeg-transformer"
OPTIONS = {"width": 16, "n_blocks": 2}


def config(**options: object) -> TrainConfig:
    defaults = {"model": NAME, "model_options": OPTIONS, "epochs": 1, "batch_size": 32, "device": "cpu"}
    return TrainConfig(data=DataConfig(path="toy"), **{**defaults, **options})


@pytest.fixture(scope="module")
def toy(toy: WindowSet) -> WindowSet:
    """Windows with channels whose positions are known."""
    return replace(toy, ch_names=("Fz", "Cz", "Pz", "C3", "C4"))


@pytest.fixture(scope="module")
def split(toy: WindowSet) -> Split:
    return by_release(toy.table["release"], "R4", "R5")


@pytest.fixture(scope="module")
def pretrained(toy: WindowSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pretraining run of everybody but R5, on windows of another length."""
    out = tmp_path_factory.mktemp("pretrained") / "run"
    seen = replace(toy.select((toy.table["release"] != "R5").to_numpy()), n_times=56)
    options = PretrainConfig(
        data=DataConfig(path="toy", task="pretraining"),
        split=SplitConfig(kind="release", valid=("R4",)),
        model_options=OPTIONS,
        epochs=1,
        device="cpu",
    )
    pretrain(options, _without_targets(seen), out, lambda line: None)
    return out


def started(
    run: Path, toy: WindowSet, split: Split, **options: object
) -> tuple[nn.Module, dict[str, torch.Tensor], list[str]]:
    """Return a network that starts from a run, the weights it had before, and what was said."""
    own = config(**options)
    torch.manual_seed(5)
    network = network_spec(toy, own).build()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    lines: list[str] = []
    start_from(run, own.model, network, toy, split, lines.append)
    return network, before, lines


def test_everything_below_the_last_layer_is_taken(pretrained: Path, toy: WindowSet, split: Split) -> None:
    network, before, lines = started(pretrained, toy, split)
    there = read_weights(pretrained / "model.safetensors")
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name] if name.startswith("final_layer.") else there[name])
    assert not torch.equal(before["tokens.weight"], there["tokens.weight"])
    number = sum(not name.startswith("final_layer.") for name in before)
    assert lines == [
        f"{number} of {number} tensors below the last layer are taken from "
        f"{pretrained / 'model.safetensors'}; new: the last layer"
    ]


def test_what_has_another_shape_is_named(pretrained: Path, toy: WindowSet, split: Split) -> None:
    options = {**OPTIONS, "patch": 0.1, "n_blocks": 3}
    network, before, lines = started(pretrained, toy, split, model_options=options)
    assert "new: tokens.weight, blocks.2." in lines[0]
    assert torch.equal(network.tokens.weight, before["tokens.weight"])
    assert not torch.equal(network.time.weight, before["time.weight"])


def test_subjects_of_the_pretraining_that_are_scored_are_counted(pretrained: Path, toy: WindowSet) -> None:
    split = by_release(toy.table["release"], "R5", "R4")
    _, _, lines = started(pretrained, toy, split)
    assert lines[0] == "3 of the 3 subjects that are scored took part in the pretraining, without targets"


def test_what_does_not_fit_is_one_line(
    pretrained: Path, toy: WindowSet, split: Split, tmp_path: Path
) -> None:
    with pytest.raises(SparseEEGError, match="holds a sparse-eeg-transformer; only another"):
        started(pretrained, toy, split, model="response-time-cnn", model_options={})
    with pytest.raises(SparseEEGError, match="none of its weights fit this"):
        started(pretrained, toy, split, model_options={"width": 24, "patch": 0.1, "n_blocks": 1})
    with pytest.raises(SparseEEGError, match="no finished network"):
        started(tmp_path, toy, split)


def test_a_fit_starts_there_and_says_so(
    pretrained: Path, toy: WindowSet, split: Split, tmp_path: Path
) -> None:
    lines: list[str] = []
    weights = []
    for name, init in (("with", str(pretrained)), ("without", None)):
        options = config(init=init, learning_rate=1e-9, layer_decay=0.75)
        path = fit(toy, split, options, tmp_path / name, report=lines.append)
        weights.append(read_weights(path)["blocks.0.attention.qkv.weight"])
    there = read_weights(pretrained / "model.safetensors")["blocks.0.attention.qkv.weight"]
    torch.testing.assert_close(weights[0], there, atol=1e-6, rtol=0)
    assert not torch.allclose(weights[1], there, atol=1e-3)
    assert sum("below the last layer" in line for line in lines) == 1


def test_subjects_that_trained_on_targets_can_neither_test_nor_validate(
    toy: WindowSet, split: Split, tmp_path: Path
) -> None:
    model = {"model": "response-time-cnn", "model_options": {}}
    fit(toy, split, config(**model), tmp_path)
    config(**model).write(tmp_path)
    parts = {name: sorted(set(toy.subjects[rows])) for name, rows in split._asdict().items()}
    (tmp_path / "splits.json").write_text(json.dumps([parts]))
    Inputs.of(toy).write(tmp_path)
    _, _, lines = started(tmp_path, toy, split, **model)
    assert lines[-1].endswith("new: the last layer")
    with pytest.raises(
        SparseEEGError, match=r"subjects sub-00, .* trained the network in .* can't be test subjects"
    ):
        started(tmp_path, toy, Split(split.test, split.valid, split.train), **model)
    with pytest.raises(
        SparseEEGError, match=r"subjects sub-00, .* trained the network in .* can't be validation subjects"
    ):
        started(tmp_path, toy, Split(split.valid, split.train, split.test), **model)


@pytest.mark.parametrize("name", ["config.yaml", "splits.json"])
def test_a_run_that_does_not_say_who_trained_is_refused(
    name: str, pretrained: Path, toy: WindowSet, split: Split, tmp_path: Path
) -> None:
    run = shutil.copytree(pretrained, tmp_path / "run")
    content = (run / name).read_bytes()
    for damaged in (content[: len(content) // 2], b"[]", b"\xff\x00\x93"):
        (run / name).write_bytes(damaged)
        with pytest.raises(SparseEEGError, match=name):
            started(run, toy, split)
    (run / name).unlink()
    with pytest.raises(SparseEEGError, match=f"has no {name}: who trained its network can't be known"):
        started(run, toy, split)
    for left in ("config.yaml", "splits.json"):
        (run / left).unlink(missing_ok=True)
    with pytest.raises(SparseEEGError, match=r"run has checkpoints but no record"):
        started(run, toy, split)
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(run / "model.safetensors", alone)
    _, _, lines = started(alone, toy, split)
    assert lines[0] == f"{alone}: no record of who trained its network; its subjects aren't checked"


def test_what_a_run_started_from_counts_too(toy: WindowSet, split: Split, tmp_path: Path) -> None:
    model = {"model": "response-time-cnn", "model_options": {}}
    for name, part in (("first", split), ("second", Split(split.valid, split.valid, split.test))):
        folder = tmp_path / name
        fit(toy, split, config(**model), folder)
        config(**model, init=str(tmp_path / "first") if name == "second" else None).write(folder)
        write_subjects(folder, [SplitSubjects.of(toy, part)])
    with pytest.raises(
        SparseEEGError, match=r"subjects sub-00, .* trained the network in .*first: .* be test subjects"
    ):
        started(tmp_path / "second", toy, Split(split.valid, split.valid, split.train), **model)


def test_lower_layers_learn_more_slowly() -> None:
    network = models.build(NAME, 5, 80, width=16, n_blocks=2)
    layers = network.layers()
    optimizer = adamw(network, 1.0, 0.1, (0.9, 0.999), layers, 0.5)
    rate = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    assert [{rate[id(p)] for p in layer} for layer in layers] == [{0.125}, {0.25}, {0.5}, {1.0}]
    assert len(rate) == len(list(network.parameters()))
    for group in optimizer.param_groups:
        assert len({p.ndim > 1 for p in group["params"]}) == 1
        assert group["weight_decay"] == (0.1 if group["params"][0].ndim > 1 else 0.0)


def test_networks_that_name_no_layers_learn_at_one_rate() -> None:
    network = models.build("response-time-cnn", 5, 80)
    optimizer = adamw(network, 1.0, 0.1, (0.9, 0.999), (), 0.5)
    assert np.unique([group["lr"] for group in optimizer.param_groups]).tolist() == [1.0]
    assert len(optimizer.param_groups) == 2


def test_signals_must_be_prepared_as_those_of_the_initial_network(
    pretrained: Path, toy: WindowSet, split: Split, tmp_path: Path
) -> None:
    run = shutil.copytree(pretrained, tmp_path / "run")
    filtered = replace(toy, processing=Processing(low_cut=1.0, reference=("average",)))
    with pytest.raises(SparseEEGError, match="high-pass filtered at 1 Hz instead of not filtered; ref"):
        started(run, filtered, split)
    (run / "input.json").write_text("[]")
    with pytest.raises(SparseEEGError, match=r"input\.json can't be read"):
        started(run, toy, split)
    (run / "input.json").unlink()
    _, _, lines = started(run, toy, split)
    assert any("does not say how the signals of its network were prepared" in line for line in lines)


def reordered(windows: WindowSet) -> WindowSet:
    order = [1, 0, *range(2, windows.n_chans)]
    return replace(
        windows,
        signals=[signal[:, order] for signal in windows.signals],
        ch_names=tuple(windows.ch_names[number] for number in order),
    )


def test_channels_must_be_in_the_order_of_the_initial_network(
    toy: WindowSet, split: Split, tmp_path: Path
) -> None:
    model = {"model": "response-time-cnn", "model_options": {}}
    (tmp_path / "fitted").mkdir()
    path = fit(toy, split, config(**model), tmp_path / "fitted")
    shutil.copy(path, tmp_path)
    with pytest.raises(SparseEEGError, match=r"toy: channel 1 is Cz, but that of the network in .* is Fz;"):
        started(tmp_path, reordered(toy), split, **model)
    renamed = replace(toy, ch_names=("Oz", *toy.ch_names[1:]))
    with pytest.raises(SparseEEGError, match=r"channel 1 is Oz, but that of the network in .* is Fz;"):
        started(tmp_path, renamed, split, **model)
    started(tmp_path, replace(toy, ch_names=tuple(name.lower() for name in toy.ch_names)), split, **model)


def test_a_network_that_reads_positions_takes_channels_in_any_order(
    pretrained: Path, toy: WindowSet, split: Split, tmp_path: Path
) -> None:
    started(pretrained, reordered(toy), split)
    by_number = {**OPTIONS, "positions": "index"}
    with pytest.raises(SparseEEGError, match="channel 1 is Cz"):
        started(pretrained, reordered(toy), split, model_options=by_number)


def test_a_network_that_reads_positions_has_those_of_the_cap() -> None:
    windows = toy_windows(n_subjects=1, n_trials=1, n_chans=64)  # E1 to E64
    network = network_spec(windows, config()).build()
    assert isinstance(network, HasPatches)
    places = mne.channels.make_standard_montage("GSN-HydroCel-64_1.0").get_positions()["ch_pos"]
    expected = np.array([place / np.linalg.norm(place) for place in places.values()])
    assert network.electrode_positions.numpy() == pytest.approx(expected, abs=5e-3)


def test_the_signals_of_a_fold_are_described_in_its_run(toy: WindowSet, split: Split, tmp_path: Path) -> None:
    model = {"model": "response-time-cnn", "model_options": {}}
    fold = tmp_path / "folds" / "001"
    fit(toy, split, config(**model), fold)
    config(**model).write(tmp_path)
    write_subjects(tmp_path, [SplitSubjects.of(toy, split)])
    Inputs.of(toy).write(tmp_path)
    _, _, lines = started(fold, toy, split, **model)
    assert not any("not compared" in line for line in lines)
    filtered = replace(toy, processing=Processing(low_cut=1.0))
    with pytest.raises(SparseEEGError, match="high-pass filtered at 1 Hz instead of not filtered"):
        started(fold, filtered, split, **model)
