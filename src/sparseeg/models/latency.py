"""The latency head: a distribution over the window's samples, summarised by its mean or its median."""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

READ_OUTS = {"latency": "mean", "latency-median": "median"}
"""How the distribution is summarised, by the `output` of a network."""


class LatencyHead(nn.Module):
    """Predict the time of an event in seconds from features over time, with its uncertainty.

    The distribution of the time is a mixture, so that uninformative trials do not bias the rest: with the
    probability of a guess, which depends on the window, the time is uniform between two limits beyond the
    window; otherwise it follows the softmax of one logit per sample plus a learned prior. Where features have
    fewer steps than the window has samples, the logits are interpolated.

    Parameters
    ----------
    in_features : of each step.
    n_times : samples of the window.
    sfreq : sampling rate in Hz.
    read_out : "mean", the expectation, which minimises the squared error; or "median", which minimises the
        absolute error and depends less on the probability of a guess.

    Before training, `set_window` stores where the window lies and `set_target` the mean target.
    """

    start: Tensor
    low: Tensor
    high: Tensor
    mean: Tensor
    gain: Tensor

    def __init__(self, in_features: int, n_times: int, sfreq: float, read_out: str = "mean") -> None:
        super().__init__()
        self.read_out = read_out
        self.n_times = n_times
        self.sfreq = sfreq
        self.logit = nn.Linear(in_features, 1, bias=False)  # a bias would cancel in the softmax
        self.prior = nn.Parameter(torch.zeros(n_times))
        self.guess = nn.Linear(in_features, 1)
        # The initial prediction is nearly the same for all windows: uniform over samples, with few guesses.
        for layer in (self.logit, self.guess):
            nn.init.normal_(layer.weight, std=0.01)
        nn.init.constant_(self.guess.bias, -3.0)
        for name in ("start", "low", "high", "mean", "gain"):
            self.register_buffer(name, torch.ones(1))
        self.set_window(0.0, 0.0, n_times / sfreq)

    def set_window(self, start: float, low: float, high: float) -> None:
        """Store the time of the window's first sample and the range of the targets, in seconds."""
        self.start.fill_(start)
        # One sample more on either side: a time outside the window never has probability zero.
        self.low.fill_(min(low, start) - 1 / self.sfreq)
        self.high.fill_(max(high, start + self.n_times / self.sfreq) + 1 / self.sfreq)

    def set_target(self, mean: float, std: float) -> None:
        """Store the mean of the training targets; `std` is not used, as times need no scale."""
        self.mean.fill_(mean)

    def shrink(self, factor: float) -> None:
        """Let predictions keep this share of their distance from the mean."""
        self.gain.fill_(factor)

    @property
    def times(self) -> Tensor:
        """Times of the window's samples in seconds, (n_times,)."""
        return self.start + torch.arange(self.n_times, device=self.start.device) / self.sfreq

    @property
    def step_share(self) -> Tensor:
        """Share of the guesses within one sample, (1,)."""
        return 1 / (self.sfreq * (self.high - self.low))

    def log_probabilities(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logarithms of each sample's probability, (batch, n_times), and of a guess, (batch, 1).

        features : (batch, in_features, steps). The samples' probabilities include guesses inside the window;
        what is missing to one is the probability of guesses outside.
        """
        logits = self.logit(features.transpose(1, 2)).transpose(1, 2).float()
        if logits.shape[2] != self.n_times:
            logits = F.interpolate(logits, self.n_times, mode="linear")
        guess = self.guess(features.mean(dim=2)).float()
        evident = F.logsigmoid(-guess) + F.log_softmax(logits.squeeze(1) + self.prior, dim=1)
        log_guess = F.logsigmoid(guess)
        return torch.logaddexp(evident, log_guess + self.step_share.log()), log_guess

    def moments(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return the expectation and the standard deviation of the time in seconds, (batch, 1) each."""
        log_samples, log_guess = self.log_probabilities(features)
        guess = log_guess.exp()
        evident = log_samples.exp() - guess * self.step_share
        middle, width = (self.low + self.high) / 2, self.high - self.low
        times = self.times - middle  # centred: squares keep their precision in float32
        offset = (evident * times).sum(dim=1, keepdim=True)
        square = (evident * times.square()).sum(dim=1, keepdim=True) + guess * width.square() / 12
        # Below this, the variance is rounding and its root has no useful gradient.
        spread = (square - offset.square()).clamp_min(1e-8).sqrt()
        return middle + offset, spread

    def median(self, features: Tensor) -> Tensor:
        """Return the median of the time in seconds, (batch, 1)."""
        log_samples, log_guess = self.log_probabilities(features)
        step = 1 / self.sfreq
        edges = self.start + (torch.arange(self.n_times + 1, device=self.start.device) - 0.5) * step
        edges = torch.cat([self.low, edges, self.high])
        before = log_guess.exp() * (edges[1] - self.low) / (self.high - self.low)
        inside = before + log_samples.exp().cumsum(dim=1)
        below = torch.cat([torch.zeros_like(before), before, inside, torch.ones_like(before)], dim=1)
        upper = (below < 0.5).sum(dim=1, keepdim=True)
        low, high = below.gather(1, upper - 1), below.gather(1, upper)
        begin, end = edges[upper - 1], edges[upper]
        return begin + (end - begin) * (0.5 - low) / (high - low).clamp_min(1e-9)

    def forward(self, features: Tensor) -> Tensor:
        time = self.median(features) if self.read_out == "median" else self.moments(features)[0]
        return self.mean + self.gain * (time - self.mean)


def check_length(layer: nn.Module, x: Tensor) -> None:
    """Raise ValueError for windows (batch, channel, time) of another length than a latency head has."""
    if isinstance(layer, LatencyHead) and x.shape[2] != layer.n_times:
        raise ValueError(
            f"a network with a latency head gives times in windows of {layer.n_times} samples; windows of "
            f"{x.shape[2]} samples would be stretched"
        )
