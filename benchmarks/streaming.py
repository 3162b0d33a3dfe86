"""How long after a window's last sample its prediction is out, on a live LSL stream.

    python benchmarks/streaming.py

A process sends 129 channels at 100 Hz, a sample at a time; a window is predicted ten times a second. Table:
`benchmarks/results/streaming.{md,tsv}`.
"""

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from mne_lsl.lsl import StreamInfo, StreamOutlet, local_clock, set_config_content
from scoring_image import untrained

from sparseeg import machine
from sparseeg.data.bids import hbn
from sparseeg.prediction import Predictor
from sparseeg.report import tables
from sparseeg.stream.live import LiveRequest, Log, live
from sparseeg.stream.lsl import PredictionStream, StreamName

NETWORKS = ("light-sparse-attention-cnn", "sparse-attention-locator")
EVERY = 0.1


def send(name: str, seconds: float) -> None:
    """Send noise in microvolts, each sample when its time has come."""
    info = StreamInfo(name, "EEG", len(hbn.CH_NAMES), hbn.SFREQ, np.float32, name)
    info.set_channel_names(list(hbn.CH_NAMES))
    info.set_channel_units("microvolts")
    outlet, rng = StreamOutlet(info), np.random.default_rng(0)
    begin = local_clock()
    for number in range(round(seconds * hbn.SFREQ)):
        while (left := begin + number / hbn.SFREQ - local_clock()) > 0:
            time.sleep(left)
        outlet.push_sample(rng.normal(0, 10, len(hbn.CH_NAMES)).astype(np.float32))


def measure(network: str, seconds: float, work: Path) -> Log:
    """Return what came out of one network."""
    run = untrained(network, work / network)
    name, log = f"bench-{os.getpid()}-{network}", Log()
    sender = multiprocessing.get_context("spawn").Process(target=send, args=(name, seconds + 15), daemon=True)
    sender.start()
    until = time.monotonic() + seconds + 10
    with (work / f"{network}.tsv").open("w") as table:
        request = LiveRequest(StreamName(name), every=EVERY)
        stop = lambda: time.monotonic() > until  # noqa: E731
        live(
            Predictor(run), request, PredictionStream(f"{name}-out", "s"), table, log, lambda line: None, stop
        )
    sender.terminate()
    sender.join()
    return log


def main() -> None:
    """Stream through each network and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    machine.commit()
    set_config_content("[log]\nlevel = -3\n")
    lines = []
    with tempfile.TemporaryDirectory() as place:
        for network in NETWORKS:
            log = measure(network, options.seconds, Path(place))
            late = 1000 * np.quantile(log.latencies, [0.5, 0.9, 0.99, 1.0])
            lines.append(
                {
                    "network": network,
                    "predictions": len(log.latencies),
                    **dict(
                        zip(("median ms", "90 %", "99 %", "longest"), (f"{v:.1f}" for v in late), strict=True)
                    ),
                    "lost": sum(log.lost.values()),
                }
            )
    path = tables.write(
        pd.DataFrame(lines),
        options.out,
        "streaming",
        title="From the last sample of a window to its prediction, live",
        command=" ".join(["python", *sys.argv]),
        packages=("torch", "mne-lsl"),
        notes=(
            "from the arrival of a sample to the sending of its prediction: choosing the window, fitting the "
            "channels, the network, the interval",
            f"129 channels at 100 Hz, windows of 2 s, {1 / EVERY:g} predictions a second for "
            f"{options.seconds:g} s",
        ),
    )
    print(path.read_text())


if __name__ == "__main__":
    main()
