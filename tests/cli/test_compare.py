"""The command `compare`: every model has its line, and the same command goes on."""

from pathlib import Path

from helpers.command import assert_one_line


def test_compare_shows_every_model_and_goes_on(toy_store: Path, tmp_path: Path, sparseeg) -> None:
    words = ("compare", "--data", toy_store, "--valid", "R4", "--test", "R5", "--seeds", 1, "--device", "cpu")
    models = "response-time-cnn@epochs=1@boosting=false,ridge,training-mean"
    for _ in range(2):
        code, text = sparseeg(*words, "--models", models, "--out", tmp_path / "out")
        assert code == 0
        assert "SIMULATED response-time: models compared" in text
        assert all(f"| {name} |" in text for name in models.split(","))
    assert "training response-time-cnn" not in text
    out = tmp_path / "out"
    assert (out / "compare.html").exists()
    code, text = sparseeg("report", out, "--models", "ridge,training-mean")
    assert code == 0
    assert f"wrote {out / 'compare.html'}" in text
    assert_one_line(
        *sparseeg("report", out, "--models", "ridg,training-mean"), "'ridg' is not in the comparison"
    )
    for command in (("evaluate", out), ("predict", out, tmp_path / "a.bdf")):
        refused = sparseeg(*command)
        assert_one_line(
            *refused, f"{out} is a comparison of several runs: its scores are in {out / 'compare.md'}"
        )
    (out / "compare.md").unlink()
    assert_one_line(*sparseeg("report", out), "the same `compare` command finishes it")
    assert_one_line(*sparseeg(*words, "--models", "ridg", "--out", tmp_path / "b"), "unknown model 'ridg'")
    assert_one_line(*sparseeg(*words, "--models", ",", "--out", tmp_path / "b"), "--models ',' names nothing")
