"""Formats of others: the same answers, from code that isn't ours where the format has its own."""

import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from helpers.command import assert_one_line
from sparseeg.cli import export as command
from sparseeg.data.store import store
from sparseeg.errors import SparseEEGError
from sparseeg.export.graph import check
from sparseeg.prediction import Predictor
from sparseeg.prediction.example_windows import noise_windows

RUNS = ("response_time", "externalizing")


SOME = 120  # windows, in more than one batch of those that are checked


@pytest.fixture(params=RUNS)
def run(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run to export; fewer windows than a thousand are tried."""
    monkeypatch.setattr(command, "N_WINDOWS", SOME)
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def windows() -> np.ndarray:
    return noise_windows(129, 200, SOME)


def exported(sparseeg, run: Path, format: str, out: Path) -> Path:
    code, text = sparseeg("export", run, "--format", format, "--out", out)
    assert code == 0, text
    assert f"{SOME} windows of noise" in text
    return out


def test_onnx_answers_alike_for_any_number_of_windows(
    run: Path, windows: np.ndarray, tmp_path: Path, sparseeg
) -> None:
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(exported(sparseeg, run, "onnx", tmp_path / "a.onnx"))
    expected = Predictor(run)(windows).value
    for size in (1, 7, SOME):
        (answer,) = session.run(None, {"windows": windows[:size]})
        assert answer.shape == (size, 1)
        assert answer[:, 0] == pytest.approx(expected[:size], abs=1e-4)
    (volts,) = session.run(None, {"windows": windows * np.float32(1e-6)})
    assert volts[:, 0] == pytest.approx(expected, abs=1e-4)
    about = session.get_modelmeta().custom_metadata_map
    assert about["unit"] in ("s", "factor")
    assert '"E1", "E2"' in about["ch_names"]


def test_programs_of_torch_export_need_no_code_of_ours(
    response_time: Path,
    externalizing: Path,
    windows: np.ndarray,
    tmp_path: Path,
    sparseeg,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(command, "N_WINDOWS", SOME)
    np.save(tmp_path / "windows.npy", windows[:9])
    runs = {"a": response_time, "b": externalizing}
    for name, run in runs.items():
        exported(sparseeg, run, "torch", tmp_path / f"{name}.pt2")
    code = (
        "import sys; sys.modules['sparseeg'] = None; import torch, numpy as np\n"
        "x = torch.from_numpy(np.load('windows.npy'))\n"
        f"for name in {list(runs)}:\n"
        "    net = torch.export.load(f'{name}.pt2').module()\n"
        "    np.save(f'{name}.npy', net(x).detach().numpy())\n"
    )
    subprocess.run([sys.executable, "-I", "-c", code], check=True, capture_output=True, cwd=tmp_path)
    for name, run in runs.items():
        answers = np.load(tmp_path / f"{name}.npy")
        assert answers[:, 0] == pytest.approx(Predictor(run)(windows[:9]).value, abs=1e-5)


def test_hugging_face_round_trip_with_the_honest_table(
    run: Path, windows: np.ndarray, tmp_path: Path, sparseeg
) -> None:
    pytest.importorskip("huggingface_hub")
    from sparseeg.export.hub import PretrainedDecoder

    folder = exported(sparseeg, run, "huggingface", tmp_path / "model")
    loaded = PretrainedDecoder.from_pretrained(folder).eval()
    with torch.inference_mode():
        answers = loaded(torch.from_numpy(windows[:50]))[:, 0].numpy()
    assert answers == pytest.approx(Predictor(run)(windows[:50]).value, abs=1e-6)
    loaded.save_pretrained(tmp_path / "again")
    again = PretrainedDecoder.from_pretrained(tmp_path / "again").eval()
    with torch.inference_mode():
        assert again(torch.from_numpy(windows[:50]))[:, 0].numpy() == pytest.approx(answers, abs=0)
    card = (folder / "README.md").read_text()
    for words in ("SIMULATED", "| training mean |", "| ridge |", "1.0 is the best constant", "sparseeg"):
        assert words in card
    assert "license" not in card  # of weights that are not ours
    assert loaded.inputs["flat"] == ["Cz"]


def test_a_thousand_windows_of_the_store_are_tried_where_it_is_there(
    dataset: Path, tmp_path: Path, sparseeg
) -> None:
    from helpers.finished_runs import train
    from sparseeg.data.store.prepare import prepare

    prepare(dataset, tmp_path / "store")
    assert len(store.open_store(tmp_path / "store")) > 10
    run = train(tmp_path / "store", tmp_path / "run", "response-time-cnn")
    code, text = sparseeg("export", run)
    assert code == 0
    assert f"1000 windows of {tmp_path / 'store'}" in text
    assert (run / "model.onnx").exists()
    assert_one_line(*sparseeg("export", run), "model.onnx exists", "--overwrite")


def test_no_export_replaces_the_run_itself(response_time: Path, tmp_path: Path, sparseeg) -> None:
    run = tmp_path / "run"
    shutil.copytree(response_time, run)
    again = ("--overwrite", "--out")
    hub = sparseeg("export", run, "--format", "huggingface", *again, run)
    assert_one_line(*hub, "is a run folder")
    for path in (run / "members" / "00" / "model.safetensors", run / "config.yaml"):
        assert_one_line(*sparseeg("export", run, *again, path), "is an input of this command")
    assert Predictor(run).networks


def test_answers_are_compared_as_exactly_as_their_size_allows_and_numbers_only() -> None:
    class Says:
        inputs = SimpleNamespace(task=SimpleNamespace(unit="days"))

        def __call__(self, windows: np.ndarray) -> SimpleNamespace:
            return SimpleNamespace(value=4000 + windows[:, 0, 0])

    windows = np.linspace(0, 1, 250, dtype=np.float32)[:, None, None]
    near = check(Says(), windows, lambda part: 4000 + part[:, 0] + np.float32(0.0005), "it")
    assert near == pytest.approx(0.0005, abs=3e-4)
    with pytest.raises(SparseEEGError, match="differ from the run by up to"):
        check(Says(), windows, lambda part: 4000 + part[:, 0] + 0.1, "it")
    with pytest.raises(SparseEEGError, match="by up to nan days"):
        check(Says(), windows, lambda part: np.where(part[:, 0] > 0.9, np.nan, 4000 + part[:, 0]), "it")


def test_bad_input_is_one_line(response_time: Path, tmp_path: Path, sparseeg) -> None:
    assert_one_line(*sparseeg("export", tmp_path / "no-run"), "config.yaml")
    assert_one_line(*sparseeg("export", response_time, "--out", tmp_path, "--format", "onnx"), "is a folder")
    (tmp_path / "file").touch()
    words = ("--format", "huggingface", "--overwrite", "--out", tmp_path / "file")
    assert_one_line(*sparseeg("export", response_time, *words), "is a file")
    assert not list(response_time.glob("model.onnx*"))
