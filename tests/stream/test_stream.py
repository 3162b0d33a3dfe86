"""A recording replayed by MNE-LSL's player: predictions as of the file, whatever happens to the stream."""

import threading
import uuid
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import pytest

pytest.importorskip("mne_lsl", exc_type=ImportError)

from mne_lsl.lsl import StreamInfo, StreamOutlet, set_config_content

from helpers.command import assert_one_line
from helpers.in_step import Reader, play_in_step
from helpers.patience import SAFETY_NET, wait_until
from sparseeg.errors import SparseEEGError
from sparseeg.prediction import Predictor
from sparseeg.prediction.recordings import PredictionRequest, predict_recording
from sparseeg.stream.live import LiveRequest, Log, live, new_table
from sparseeg.stream.lsl import ANY, PredictionStream, StreamName, _names, find_markers, find_signal
from sparseeg.stream.replay import replay
from sparseeg.stream.search import Search

set_config_content("[log]\nlevel = -3\n")


@pytest.fixture(scope="module")
def played(raw: mne.io.BaseRaw, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some twenty seconds of a test subject, with stimuli as annotations."""
    onsets = [
        one["onset"] for one in raw.annotations if one["description"] in ("left_target", "right_target")
    ]
    out = tmp_path_factory.mktemp("recordings") / "a_raw.fif"
    raw.copy().crop(onsets[0] - 8.0, onsets[0] + 14.0).save(out, verbose="error")
    return out


@pytest.fixture(scope="module")
def expected(response_time: Path, played: Path) -> pd.DataFrame:
    return predict_recording(Predictor(response_time), played, PredictionRequest())[0]


@pytest.fixture(autouse=True)
def reader(monkeypatch: pytest.MonkeyPatch) -> Reader:
    """Replays go as fast as they are read, and so does what it sends."""
    reader = Reader(monkeypatch)
    play_in_step(reader, monkeypatch)
    return reader


def unique(folder: Path) -> Path:
    """Name a table, and by its name a replayed stream, that no other process on this network has."""
    return folder / f"{uuid.uuid4().hex}.tsv"


def test_a_replay_predicts_what_the_file_predicts(
    response_time: Path, played: Path, expected: pd.DataFrame, tmp_path: Path, sparseeg
) -> None:
    out = unique(tmp_path)
    code, text = sparseeg("stream", response_time, "--replay", played, "--out", out)
    assert code == 0, text
    found = pd.read_csv(out, sep="\t")
    assert len(found) == len(expected) >= 2
    assert found["prediction"].to_numpy() == pytest.approx(expected["prediction"].to_numpy(), abs=2e-5)
    assert found["interval_low"].to_numpy() == pytest.approx(expected["interval_low"].to_numpy(), abs=2e-5)
    assert found["event"].tolist() == expected["event"].tolist()
    assert np.diff(found["onset"]) == pytest.approx(np.diff(expected["onset"]), abs=0.02)
    assert f"{len(expected)} predictions" in text
    assert "after the last sample" in text
    assert_one_line(*sparseeg("stream", response_time, "--replay", played, "--out", out), "exists")


def test_breaks_of_a_replay_get_no_prediction(
    response_time: Path, played: Path, expected: pd.DataFrame, tmp_path: Path, sparseeg
) -> None:
    broken = mne.io.read_raw_fif(played, preload=True, verbose="error")
    onset = expected["onset"].to_numpy()
    broken.annotations.append(
        [onset[0] + broken.first_time + 1.0, onset[0] + broken.first_time + 0.2],
        [0.2, 0.0],
        ["BAD_x", "BAD_y"],
    )
    path = tmp_path / "broken_raw.fif"
    broken.save(path, verbose="error")
    code, text = sparseeg("stream", response_time, "--replay", path, "--out", out := unique(tmp_path))
    assert code == 0, text
    found = pd.read_csv(out, sep="\t")
    assert found["prediction"].to_numpy() == pytest.approx(expected["prediction"].to_numpy()[1:], abs=2e-5)
    assert "1 because it holds a cut or a bad stretch of the recording" in text


class Listener:
    """`live` in a thread of its own, with what it says."""

    def __init__(self, run: Path, out: Path, **wanted) -> None:
        self.name = f"eeg-{uuid.uuid4().hex[:8]}"
        self.lines: list[str] = []
        self.log = Log()
        self._stop = threading.Event()
        self._error: list[BaseException] = []
        self._asked = LiveRequest(
            StreamName(self.name),
            StreamName(f"{self.name}-annotations"),
            ("left_target", "right_target"),
            **wanted,
        )
        self._thread = threading.Thread(target=self._listen, args=(Predictor(run), out))

    def _listen(self, predictor: Predictor, out: Path) -> None:
        try:
            with new_table(out) as table:
                outlet = PredictionStream(f"{self.name}-out", "s")
                live(predictor, self._asked, outlet, table, self.log, self.lines.append, self._stop.is_set)
        except BaseException as error:
            self._error.append(error)

    def __enter__(self) -> "Listener":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=SAFETY_NET)
        assert not self._thread.is_alive()
        if self._error:
            raise self._error[0]

    def wait_for(self, words: str) -> None:
        self.wait_until(lambda: any(words in line for line in self.lines), words)

    def wait_until(self, happened: Callable[[], object], words: str) -> None:
        wait_until(lambda: happened() or self._error, (words, self.lines))


def channels(played: Path) -> tuple[mne.io.BaseRaw, list[str]]:
    raw = mne.io.read_raw(played, preload=True, verbose="error")
    return raw, raw.ch_names


def outlet(name: str, ch_names: list[str], sfreq: float) -> StreamOutlet:
    info = StreamInfo(name, "EEG", len(ch_names), sfreq, np.float64, f"{name}-{uuid.uuid4().hex}")
    info.set_channel_names(ch_names)
    return StreamOutlet(info)


def test_a_stream_that_ends_comes_back_at_another_rate_and_jumps_in_time(
    response_time: Path, played: Path, tmp_path: Path, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw, ch_names = channels(played)
    signal = raw.get_data().T
    with Listener(response_time, tmp_path / "out.tsv", every=1.0) as listener:
        listener.wait_for("waiting for an EEG stream")
        first = outlet(listener.name, ch_names, 100.0)
        listener.wait_for("129 channels at 100 Hz")
        reader.send(first, signal[:400], 100.0)
        listener.wait_until(lambda: listener.log.latencies, "a prediction")
        reader.send(first, signal[400:750], 100.0, shift=30.0)  # the clock jumps
        listener.wait_until(lambda: any("jumped" in reason for reason in listener.log.lost), "jumped")
        del first
        with monkeypatch.context() as patch:
            patch.setattr("sparseeg.stream.live.STALLED", 0.5)  # liblsl doesn't always say that it has ended
            listener.wait_for("has ended")
        before = len(listener.log.latencies)
        second = outlet(listener.name, ch_names[::-1], 250.0)
        listener.wait_for("129 channels at 250 Hz; resampled to 100 Hz")
        reader.send(second, np.repeat(signal[:600, ::-1], 5, axis=0)[::2], 250.0)
        listener.wait_until(lambda: len(listener.log.latencies) > before, "a prediction")
        del second
    table = pd.read_csv(tmp_path / "out.tsv", sep="\t")
    assert len(table) == len(listener.log.latencies)
    assert np.isfinite(table["prediction"]).all()


def test_channels_that_do_not_fit_are_an_error_at_first(
    response_time: Path, tmp_path: Path, sparseeg
) -> None:
    name = f"eeg-{uuid.uuid4().hex[:8]}"
    kept = outlet(name, ["A1", "A2"], 100.0)
    words = ("--name", name, "--seconds", SAFETY_NET, "--out", tmp_path / "out.tsv")
    assert_one_line(*sparseeg("stream", response_time, *words), name, "none of the network's channels")
    del kept


def test_another_stream_of_markers_ends_nothing_but_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sparseeg.stream.search.PAUSE", 3600.0)
    there = ["a", "b"]
    infos = {name: StreamInfo(name, "Markers", 1, 0.0, "string", name) for name in "abc"}
    monkeypatch.setattr("sparseeg.stream.lsl.resolve_streams", lambda *_: [infos[name] for name in there])
    lines: list[str] = []
    search = Search(partial(find_markers, ANY, 0.0), lambda info: info, "waiting", lines.append)
    with pytest.raises(SparseEEGError, match=r"there are 2 marker streams \(a, b\)"):
        search()
    there[:] = ["a"]
    assert search().name == "a"
    assert search() is None, "it was asked just now"
    search = replace(search, last_attempt=-1e9, previous="a")
    there[:] = ["b", "c"]  # its own is away
    assert search() is None
    assert replace(search, last_attempt=-1e9)() is None
    assert len(lines) == 1
    assert "there are 2 marker streams" in lines[0]
    there[:] = ["a", "b"]
    assert replace(search, last_attempt=-1e9)().name == "a"


def test_an_eye_tracker_is_no_eeg_unless_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    infos = [StreamInfo(kind, kind, 4, 100.0, "float32", kind) for kind in ("Gaze", "EEG")]
    monkeypatch.setattr("sparseeg.stream.lsl.resolve_streams", lambda *_: infos)
    assert find_signal(ANY, 0.0).name == "EEG"
    infos.append(StreamInfo("untyped", "", 4, 100.0, "float32", "untyped"))
    assert find_signal(ANY, 0.0).name == "EEG"
    assert find_signal(StreamName(source_id="amplifier"), 0.0).name == "EEG", (
        "a device may have several streams"
    )
    del infos[1]
    assert find_signal(ANY, 0.0).name == "untyped"
    del infos[1]
    assert find_signal(ANY, 0.0) is None
    assert find_signal(StreamName("Gaze"), 0.0).name == "Gaze"
    assert find_signal(StreamName(source_id="Gaze"), 0.0).name == "Gaze"


def test_predictions_are_a_stream_too(
    response_time: Path, played: Path, tmp_path: Path, reader: Reader
) -> None:
    raw, ch_names = channels(played)
    with Listener(response_time, tmp_path / "out.tsv", every=1.0) as listener:
        source = outlet(listener.name, ch_names, 100.0)
        listener.wait_for("129 channels at 100 Hz")
        from mne_lsl.lsl import StreamInlet, resolve_streams

        (info,) = resolve_streams(SAFETY_NET, f"{listener.name}-out")
        inlet = StreamInlet(info)
        inlet.open_stream(timeout=SAFETY_NET)
        reader.send(source, raw.get_data().T[:400], 100.0)
        values, times = inlet.pull_chunk(timeout=SAFETY_NET, max_samples=1)
        listener.wait_for("n/a: ")
        table = pd.read_csv(tmp_path / "out.tsv", sep="\t")
        assert values[0][0] == pytest.approx(table["prediction"].iloc[0], abs=1e-5)
        assert len(times) == 1
        del source


def test_what_a_replay_needs_of_its_events(
    response_time: Path, played: Path, tmp_path: Path, sparseeg
) -> None:
    path = tmp_path / "sub-1_task-x_eeg.edf"
    raw = mne.io.read_raw_fif(played, preload=True, verbose="error").crop(6.0, 12.0)
    raw.export(path, verbose="error")
    (tmp_path / "sub-1_task-x_events.tsv").write_text("onset\tduration\ttrial_type\n2.0\t0\tleft_target\n")
    replayed = ("stream", response_time, "--replay", path)
    wrong = sparseeg(*replayed, "--stimulus", "x", "--out", tmp_path / "a.tsv")
    assert_one_line(*wrong, "no event x; its events are left_target (1) in the column trial_type")
    assert not (tmp_path / "a.tsv").exists()
    code, text = sparseeg(*replayed, "--out", tmp_path / "c.tsv")
    assert code == 0, text
    assert "the named events are in the column trial_type, not in value" in text
    assert len(pd.read_csv(tmp_path / "c.tsv", sep="\t")) == 1
    for words in (("--events-column", "trial_type"), ("--every", 2)):
        out = unique(tmp_path)
        code, text = sparseeg(*replayed, *words, "--out", out)
        assert code == 0, text
        assert len(pd.read_csv(out, sep="\t")) >= 1
    wrong = sparseeg(*replayed, "--every", 2, "--bad", "E1O", "--out", tmp_path / "b.tsv")
    assert_one_line(*wrong, "no channel 'E1O' to mark as bad. Did you mean 'E1'")
    assert not (tmp_path / "b.tsv").exists()


def test_channels_without_a_name_get_their_number() -> None:
    info = StreamInfo("eeg", "EEG", 2, 100.0, "float32", uuid.uuid4().hex)
    assert _names(info) == ["channel 1", "channel 2"]
    info.set_channel_names(["E1", "E2"])
    assert _names(info) == ["E1", "E2"]
    info.get_channel_names = lambda: ["E1", None]  # as from an outlet that labels some
    assert _names(info) == ["E1", "channel 2"]


def test_bad_input_is_one_line(response_time: Path, tmp_path: Path, sparseeg) -> None:
    assert_one_line(
        *sparseeg("stream", response_time, "--keep-bad"), "--keep-bad is for the recording of --replay"
    )
    assert_one_line(*sparseeg("stream", tmp_path), "config.yaml")
    assert_one_line(*sparseeg("stream", response_time, "--replay", tmp_path / "a.bdf"), "does not exist")
    (tmp_path / "damaged.bdf").write_bytes(b"\xffBIOSEMI")
    damaged = sparseeg("stream", response_time, "--replay", tmp_path / "damaged.bdf")
    assert_one_line(*damaged, "damaged.bdf: its header is damaged")
    assert_one_line(*sparseeg("stream", response_time, "--every", -1), "greater than zero")


def test_a_replay_plays_eeg_and_knows_the_bad_channels(
    raw: mne.io.BaseRaw, response_time: Path, tmp_path: Path
) -> None:
    mixed = raw.copy().crop(0.0, 5.0)
    info = mne.create_info(["ECG", "AUX 1"], mixed.info["sfreq"], "eeg")
    mixed.add_channels(
        [mne.io.RawArray(np.zeros((2, mixed.n_times)), info, verbose="error")], force_update_info=True
    )
    mixed.info["bads"] = ["E33", "ECG"]
    mixed.save(tmp_path / "a_raw.fif", verbose="error")
    name = uuid.uuid4().hex
    with replay(tmp_path / "a_raw.fif", name, None, wanted=["AUX 1"]) as played:
        assert played.player.info["ch_names"] == [*raw.ch_names, "AUX 1"]
        assert played.bad == ("E33",)
        assert played.notes == ("1 of 131 channels is not EEG (ECG: ECG) (left out)",)
