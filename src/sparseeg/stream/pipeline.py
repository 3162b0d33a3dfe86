"""Turn the samples of a stream into windows for the networks of a run."""

from dataclasses import replace

import numpy as np

from sparseeg.data.signals.conditioning import Conditioning
from sparseeg.data.signals.fit_channels import check_bad, fit_channels
from sparseeg.prediction import Predictor
from sparseeg.stream.lsl import SignalStream
from sparseeg.stream.window_buffer import CompleteWindow, WindowBuffer


class Pipeline:
    """Turns the samples of one stream into windows of the network.

    Parameters
    ----------
    predictor : the networks.
    signal : the stream.
    bad : channels to interpolate.

    Raises
    ------
    SparseEEGError : channels or rate of the stream don't fit the network.
    """

    def __init__(self, predictor: Predictor, signal: SignalStream, bad: tuple[str, ...]) -> None:
        spec, inputs = predictor.spec, predictor.inputs
        self.n_times = spec.n_times
        self._notes = inputs.notes
        check_bad(bad, signal.ch_names)
        self.fit = fit_channels(
            signal.ch_names, predictor.channels, bad, inputs.flat, inputs.processing.reference or ()
        )
        processing = replace(inputs.processing, sfreq=spec.sfreq, dtype="float32")
        self.conditioning = Conditioning(signal.sfreq, self.fit.ch_names, processing)
        kernel = self.conditioning.kernel
        context = 0.0 if kernel is None else len(kernel) / 2 / signal.sfreq
        self.windows = WindowBuffer(
            len(signal.ch_names),
            signal.sfreq,
            inputs.tmin if inputs.task.locked else 0.0,
            spec.n_times / spec.sfreq,
            context + (0.0 if self.conditioning.ratio == 1 else 1.0),
        )

    def network_input(self, window: CompleteWindow) -> np.ndarray:
        """Return a window for the network, (1, channel, time) in microvolts."""
        up, down = self.conditioning.ratio.numerator, self.conditioning.ratio.denominator
        missing = np.flatnonzero(~np.isfinite(window.samples[:, : window.before]).all(axis=0))
        context = window.before - (missing[-1] + 1 if len(missing) else 0)  # NaN would spread from there
        before = context // down * down  # so that the window begins at a sample of the new rate
        volts = self.fit.apply(window.samples[:, window.before - before :])
        begin = before // down * up
        return self.conditioning.whole(volts)[None, :, begin : begin + self.n_times]

    @property
    def description(self) -> str:
        """What is done to the signal, as "; resampled to 100 Hz"."""
        words = []
        if self.fit.interpolated:
            words.append(f"interpolated: {', '.join(self.fit.interpolated)}")
        if self.conditioning.ratio != 1:
            words.append(f"resampled to {self.conditioning.processing.sfreq:g} Hz")
        if self.conditioning.kernel is not None:
            words.append("filtered as the training data; the end of each window is mirrored for the filter")
        words += self._notes
        return "".join(f"; {part}" for part in words)
