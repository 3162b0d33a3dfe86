"""Every line of the ablations can be trained: its recipe fits and its network can be built."""

import importlib.util
from pathlib import Path

import pytest
import torch

from sparseeg import models
from sparseeg.experiments.entry import Entry
from sparseeg.training.config import DataConfig, SplitConfig

PATH = Path(__file__).parents[2] / "benchmarks" / "ablations.py"
SPEC = importlib.util.spec_from_file_location("ablations", PATH)
ablations = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(ablations)
ENTRIES = [(group, entry) for group, entries in ablations.GROUPS.items() for entry in entries]


@pytest.mark.parametrize(
    ("group", "entry"), ENTRIES, ids=[f"{group}: {entry.name}" for group, entry in ENTRIES]
)
def test_a_line_can_be_trained(group: str, entry: Entry) -> None:
    config = entry.configure(DataConfig(path="toy"), SplitConfig())
    network = models.build(config.model, 9, 200, **config.model_options)
    assert network(torch.randn(2, 9, 200)).shape == (2, 1)


@pytest.mark.parametrize("group", ablations.GROUPS)
def test_lines_of_a_group_have_names_of_their_own(group: str) -> None:
    names = [entry.name for entry in ablations.GROUPS[group]]
    assert len(set(names)) == len(names)


def test_attention_is_ablated_at_equal_parameters() -> None:
    counts = {
        sum(
            parameter.numel()
            for parameter in models.build(
                entry.model, 9, 200, **entry.given.get("model_options", {})
            ).parameters()
        )
        for entry in ablations.GROUPS["attention"]
    }
    assert len(counts) == 1


def test_a_name_means_the_same_in_every_group() -> None:
    """Groups share their runs by name."""
    named: dict[str, Entry] = {}
    for _, entry in ENTRIES:
        assert named.setdefault(entry.name, entry) == entry
