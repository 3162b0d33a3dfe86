"""Latency of predictions on a live LSL stream: time from the last sample of a window to its prediction.

    python benchmarks/streaming.py

A process sends 129 channels at 100 Hz, one sample at a time; there are ten predictions per second. Table:
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
from sparseeg.engines import ignore
from sparseeg.prediction import Predictor
from sparseeg.report import tables
from sparseeg.stream.live import LiveRequest, Log, live
from sparseeg.stream.lsl import PredictionStream, StreamName

NETWORKS = ("light-sparse-attention-cnn", "sparse-attention-locator")
EVERY = 0.1


def send(name: str, seconds: float) -> None:
    """Send noise in microvolts in real time."""
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
    """Return the log of predicting with one network."""
    run = untrained(network, work / network)
    name, log = f"bench-{os.getpid()}-{network}", Log()
    sender = multiprocessing.get_context("spawn").Process(target=send, args=(name, seconds + 15), daemon=True)
    sender.start()
    until = time.monotonic() + seconds + 10
    with (work / f"{network}.tsv").open("w") as table:
        request = LiveRequest(StreamName(name), every=EVERY)

        def stop() -> bool:
            return time.monotonic() > until

        live(Predictor(run), request, PredictionStream(f"{name}-out", "s"), table, log, ignore, stop)
    sender.terminate()
    sender.join()
    return log


def main() -> None:
    """Stream to each network, and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args()
    machine.commit()
    set_config_content("[log]\nlevel = -3\n")
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for network in NETWORKS:
            log = measure(network, options.seconds, Path(folder))
            median, high, higher, longest = 1000 * np.quantile(log.latencies, [0.5, 0.9, 0.99, 1.0])
            lines.append(
                {
                    "network": network,
                    "predictions": len(log.latencies),
                    "median ms": f"{median:.1f}",
                    "90 %": f"{high:.1f}",
                    "99 %": f"{higher:.1f}",
                    "longest": f"{longest:.1f}",
                    "lost": sum(log.lost.values()),
                }
            )
    path = tables.write(
        pd.DataFrame(lines),
        options.out,
        "streaming",
        title="Latency of live predictions after the last sample of a window",
        command=" ".join(["python", *sys.argv]),
        packages=("torch", "mne-lsl"),
        notes=(
            "from the arrival of a sample to sending the prediction: selecting the window, matching "
            "channels, network, interval",
            f"129 channels at 100 Hz, windows of 2 s, {1 / EVERY:g} predictions per second for "
            f"{options.seconds:g} s",
        ),
    )
    print(path.read_text())


if __name__ == "__main__":
    main()
