"""What every registered network must do; a new name in the registry is tested without a new line here."""

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from sparseeg import models
from sparseeg.errors import SparseEEGError
from sparseeg.models.network import HasAuxiliary, HasLayers, HasPatches

CHANNELS, TIMES = 19, 120


@pytest.fixture(params=models.names())
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def make(name: str, n_chans: int = CHANNELS, n_times: int = TIMES, **options: object) -> nn.Module:
    torch.manual_seed(0)
    network = models.build(name, n_chans, n_times, **options)
    network.final_layer.set_target(1.6, 0.4)
    return network


def windows(batch: int, n_chans: int = CHANNELS, n_times: int = TIMES) -> torch.Tensor:
    """Windows in microvolts, with an offset per channel and unequal amplitudes."""
    generator = torch.Generator().manual_seed(1)
    scale = torch.linspace(1, 20, n_chans)[:, None]
    return scale * (torch.randn(batch, n_chans, n_times, generator=generator) + 0.3)


def test_the_locator_is_small() -> None:
    network = models.build("sparse-attention-locator", 129, 200)
    assert sum(parameter.numel() for parameter in network.parameters()) < 1_500_000


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("response-time-cnn", 798_081),
        ("sparse-attention-cnn", 6_163_375),
        ("light-sparse-attention-cnn", 846_289),
    ],
)
def test_specified_parameter_count(name: str, count: int) -> None:
    network = models.build(name, 129, 200)
    assert sum(parameter.numel() for parameter in network.parameters()) == count


def test_specified_names_are_importable() -> None:
    assert models.ImprovedResponseTimeCNN is models.ResponseTimeCNN
    assert models.ImprovedResponseTimeCNNWithAttention is models.SparseAttentionCNN
    assert models.LightweightResponseTimeCNNWithAttention is models.LightSparseAttentionCNN


@pytest.mark.parametrize(("n_chans", "n_times"), [(1, 4), (2, 5), (7, 51), (64, 200), (129, 333)])
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_shapes(name: str, n_chans: int, n_times: int, n_outputs: int) -> None:
    network = make(name, n_chans, n_times, n_outputs=n_outputs).eval()
    prediction = network(windows(2, n_chans, n_times))
    assert prediction.shape == (2, n_outputs)
    assert prediction.isfinite().all()


def test_last_layer_is_final_layer(name: str) -> None:
    assert list(dict(make(name).named_children()))[-1] == "final_layer"


def test_evaluation_is_deterministic(name: str) -> None:
    network, x = make(name).eval(), windows(4)
    assert torch.equal(network(x), network(x))


def test_windows_do_not_depend_on_their_batch(name: str) -> None:
    network, x = make(name).eval(), windows(8)
    alone = torch.cat([network(window[None]) for window in x])
    torch.testing.assert_close(alone, network(x), atol=2e-6, rtol=0)


@pytest.mark.parametrize("factor", [1e-6, 1e-3, 1e6])
def test_unit_of_the_input_does_not_matter(name: str, factor: float) -> None:
    network, x = make(name).eval(), windows(4)
    torch.testing.assert_close(network(x * factor), network(x), atol=5e-6, rtol=0)


@pytest.mark.parametrize("standardize", ["window", "channel"])
def test_flat_input_gives_finite_numbers(name: str, standardize: str) -> None:
    network = make(name, standardize=standardize).eval()
    x = windows(3)
    x[0] = 0.0
    x[1, 2:] = 0.0
    x[2, 5] = 7.0
    x.requires_grad_()
    prediction = network(x)
    prediction.sum().backward()
    assert prediction.isfinite().all()
    assert x.grad is not None
    assert x.grad.isfinite().all()


@pytest.mark.parametrize("output", ["scalar", "latency"])
def test_every_parameter_gets_a_gradient(name: str, output: str) -> None:
    # With few channels the gate's bottleneck is one ReLU wide, which may be off for all windows.
    network = make(name, n_chans=129, output=output).train()
    encoded = network.encode(windows(8, n_chans=129))
    loss = network.final_layer(encoded).square().sum()
    if hasattr(network, "auxiliary"):
        loss = loss + network.auxiliary(encoded).square().sum()
    loss.backward()
    dead = [key for key, value in network.named_parameters() if value.grad is None or not value.grad.any()]
    assert not dead


def test_answers_in_the_unit_of_the_target(name: str) -> None:
    network, x = make(name, output="scalar").eval(), windows(4)
    standardised = (network(x) - 1.6) / 0.4
    network.final_layer.set_target(1600.0, 400.0)
    torch.testing.assert_close(network(x), 1600 + 400 * standardised, rtol=1e-5, atol=1e-2)


def test_bfloat16_autocast_stays_close(name: str) -> None:
    network, x = make(name).eval(), windows(4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        prediction = network(x)
    torch.testing.assert_close(prediction.float(), network(x), atol=0.05, rtol=0)


def test_export_with_dynamic_batch(name: str) -> None:
    network, x = make(name).eval(), windows(5)
    batch = torch.export.Dim("batch", min=1, max=1024)
    exported = torch.export.export(network, (windows(3),), dynamic_shapes=({0: batch},)).module()
    torch.testing.assert_close(exported(x), network(x), atol=2e-6, rtol=0)


def test_file_round_trip_is_exact(name: str, tmp_path) -> None:
    network = make(name)
    network.train()(windows(8))  # Batch norm has statistics to keep.
    path = tmp_path / "model.safetensors"
    models.save(network, models.NetworkSpec(name, CHANNELS, TIMES), path)
    x = windows(4)
    assert torch.equal(models.load(path)(x), network.eval()(x))
    assert [file.name for file in tmp_path.iterdir()] == ["model.safetensors"]


def test_file_keeps_the_positions_and_one_without_them_still_loads(name: str, tmp_path: Path) -> None:
    chs_info = [{"ch_name": f"c{index}", "loc": [0.01 * index, 0.0, 0.1]} for index in range(CHANNELS)]
    spec = models.NetworkSpec(name, CHANNELS, TIMES, chs_info=chs_info)
    path = tmp_path / "model.safetensors"
    models.save(spec.build(), spec, path)
    assert models.files.read_spec(path) == spec
    assert models.load(path).chs_info == chs_info
    with safe_open(path, framework="pt") as file:
        about = json.loads(file.metadata()["sparseeg"])
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    del about["chs_info"]
    save_file(tensors, path, metadata={"format": "pt", "sparseeg": json.dumps(about)})
    assert models.load(path).chs_info is None


def test_wrong_channel_count_names_both(name: str) -> None:
    with pytest.raises(ValueError, match=rf"\(batch, {CHANNELS}, .*\(2, 12, {TIMES}\)"):
        make(name).eval()(windows(2, n_chans=12))


def test_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(SparseEEGError, match="Did you mean 'light-sparse-attention-cnn'"):
        models.build("light-sparse-atention-cnn", 129, 200)


@pytest.mark.parametrize("short", ["sparse-attention-cnn", "light-sparse-attention-cnn"])
def test_window_too_short_for_the_pooling(short: str) -> None:
    with pytest.raises(SparseEEGError, match="at least 4 samples"):
        models.build(short, 129, 3)


def test_unknown_option_is_named() -> None:
    with pytest.raises(SparseEEGError, match=r"no option 'ouput'; it has .*Did you mean 'output'"):
        models.build("response-time-cnn", 129, 200, ouput="latency")


def test_what_the_data_decide_is_no_option() -> None:
    spec = models.NetworkSpec("response-time-cnn", 129, 200, options={"n_outputs": 2})
    with pytest.raises(SparseEEGError, match="n_outputs follows from the data"):
        spec.build()


def test_sizes_below_zero_are_one_line() -> None:
    with pytest.raises(SparseEEGError, match="can't build sparse-attention-locator"):
        models.build("sparse-attention-locator", 129, 200, width=-3)


def test_foreign_file_is_refused(tmp_path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"not a model")
    with pytest.raises(SparseEEGError, match="not a readable safetensors file"):
        models.load(path)


def test_protocols_name_what_the_network_has(name: str) -> None:
    network = make(name).eval()
    with torch.no_grad():
        encoded = network.encode(windows(2))
        assert torch.equal(network.final_layer(encoded), network(windows(2)))
        assert isinstance(network, HasAuxiliary) == hasattr(network, "auxiliary")
        if isinstance(network, HasAuxiliary):
            assert network.auxiliary(encoded).shape == (2, network.n_auxiliary)
        assert isinstance(network, HasLayers) == hasattr(network, "layers")
        if isinstance(network, HasLayers):
            listed = [parameter for layer in network.layers() for parameter in layer]
            assert {id(parameter) for parameter in listed} == {id(p) for p in network.parameters()}
        assert isinstance(network, HasPatches) == hasattr(network, "patches")
        if isinstance(network, HasPatches):
            patches = network.patches(network.standardize(windows(2)))
            tokens = network.attend(network.embed(patches))
            assert patches.shape[:2] == tokens.shape[:2] == (2, CHANNELS)
            assert (patches.shape[3], tokens.shape[3]) == (network.patch, network.width)
            assert network.electrode_positions.shape == (CHANNELS, 3)
    network.final_layer.set_target(3.0, 0.5)
    assert float(network.final_layer.mean) == 3.0
    network.final_layer.shrink(0.0)
    assert network(windows(2)).tolist() == [[3.0], [3.0]]
