"""What is said of a network is true of networks whose inner workings are known."""

import numpy as np
import pytest
import torch

from sparseeg.data.signals.positions import chs_info
from sparseeg.models.spec import NetworkSpec
from sparseeg.report.explain import AttentionLayer, attribute, explain, filters, first_met

NAMES = ("Fz", "Cz", "CPz", "Pz", "Oz", "C3", "C4", "P3")
SPECS = {
    name: NetworkSpec(name, 8, 60, 1, 100.0, {}, chs_info(NAMES))
    for name in ("response-time-cnn", "light-sparse-attention-cnn", "sparse-attention-locator")
}
WINDOWS = np.random.default_rng(0).normal(0, 10, (12, 8, 60)).astype(np.float32)


@pytest.mark.parametrize("name", SPECS)
def test_attributions_add_up_to_the_difference_from_a_window_of_zeros(name: str) -> None:
    """The axiom of completeness (Sundararajan et al. 2017)."""
    torch.manual_seed(3)
    network = SPECS[name].build().eval()
    x = torch.from_numpy(WINDOWS)
    found = attribute(network, SPECS[name], x)
    with torch.no_grad():
        expected = (network(x) - network(torch.zeros_like(x)))[:, 0].numpy()
    assert found.values.shape == WINDOWS.shape
    total = found.values.sum(axis=(1, 2))
    assert np.abs(total - expected).mean() < 0.2 * np.abs(expected).mean() + 1e-6


def test_the_random_weights_are_those_of_no_usual_training() -> None:
    torch.manual_seed(0)
    network = SPECS["response-time-cnn"].build().eval()
    assert attribute(network, SPECS["response-time-cnn"], torch.from_numpy(WINDOWS)).similarity < 0.95


def test_patches_are_no_time_steps() -> None:
    spec = NetworkSpec("sparse-eeg-transformer", 8, 100, 1, 100.0, {"width": 16}, chs_info(NAMES))
    windows = np.random.default_rng(0).normal(0, 10, (2, 8, 100)).astype(np.float32)
    assert explain(spec.build(), spec, windows).attention == []


def test_what_a_network_has_is_explained_and_nothing_else() -> None:
    found = explain(SPECS["light-sparse-attention-cnn"].build(), SPECS["light-sparse-attention-cnn"], WINDOWS)
    assert found.gates.channel is not None
    assert found.gates.channel.shape == (12, 8)
    assert found.gates.time is None
    assert found.distribution is None
    (layer,) = found.attention
    assert layer.name == "block.attention"
    np.testing.assert_allclose(layer.weights.sum(axis=1), 1.0, rtol=1e-5)
    assert not layer.weights[~layer.together].any()
    located = explain(SPECS["sparse-attention-locator"].build(), SPECS["sparse-attention-locator"], WINDOWS)
    assert located.distribution is not None
    assert located.distribution.probability.shape == (12, 60)
    assert [layer.weights.shape for layer in located.attention] == [(60, 60)] * 2
    assert located.gates.channel is None


def test_patterns_show_where_a_signal_is_and_filters_what_is_subtracted() -> None:
    """Haufe et al. 2014, figure 1: a filter of (1, -1) for a signal that only the first channel has."""
    rng = np.random.default_rng(1)
    source, noise = rng.normal(0, 10, (2, 40, 60))
    windows = np.zeros((40, 8, 60), dtype=np.float32)
    windows[:, 0], windows[:, 1] = source + noise, noise
    spec = NetworkSpec("sparse-attention-locator", 8, 60, 1, 100.0, {"n_filters": 1, "standardize": "none"})
    network = spec.build().eval()
    with torch.no_grad():
        network.spatial[0].weight.zero_()
        network.spatial[0].weight[0, :2, 0] = torch.tensor([1.0, -1.0])
    found = filters(network, torch.from_numpy(windows))
    assert found is not None
    np.testing.assert_allclose(found.weights[0, :2], [1.0, -1.0])
    ratio = found.patterns[0, 1] / found.patterns[0, 0]
    assert abs(ratio) < 0.1
    assert not found.patterns[0, 2:].any()


def test_tokens_meet_after_as_many_layers_as_it_takes() -> None:
    """Two layers of two heads: rows and columns of a square meet after two layers."""
    token = np.arange(4)
    rows = token[:, None] // 2 == token // 2
    columns = token[:, None] % 2 == token % 2
    layers = [AttentionLayer(name, np.eye(4), together) for name, together in (("a", rows), ("b", columns))]
    expected = [[0, 1, 2, 2], [1, 0, 2, 2], [2, 2, 0, 1], [2, 2, 1, 0]]
    np.testing.assert_array_equal(first_met(layers), expected)
    alone = first_met(layers[:1])
    assert np.isnan(alone[0, 2])
