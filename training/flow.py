"""Flow-matching pieces shared by training and evaluation: target, sampler, memorization."""

from collections.abc import Callable

import torch
from torch import Tensor

Field = Callable[[Tensor, Tensor], Tensor]
Gain = Callable[[float], float]


def posterior_mean(x: Tensor, t: Tensor, data: Tensor) -> Tensor:
    """Mean m(x, t) of the training point given x_t = x: the exact data prediction.

    With `x_t = (1 - t) x0 + t x1`, `x0 ~ N(0, I)` and `x1` uniform over the rows of `data`,
    `m = softmax(s) data`, `s_i = (t <x, x_i> - t² |x_i|² / 2) / (1 - t)²`.

    `x`: [batch, D], `t`: [batch] in [0, 1), `data`: [N, D]. Returns [batch, D].
    """
    t = t[:, None]
    half_norms = 0.5 * data.square().sum(dim=1)
    scores = (t * (x @ data.T) - t.square() * half_norms) / (1 - t).square()
    return scores.softmax(dim=1) @ data


def kts_gain(launch: float, landing: float, split: float = 0.6, rate: float = 3.0) -> Gain:
    """Kinetic trajectory shaping: linear launch `1 + α(t)`, exponential landing `1 - β(t)`."""

    def gain(t: float) -> float:
        if t < split:
            return 1 + launch * (1 - t / split)
        s = torch.tensor((t - split) / (1 - split), dtype=torch.float64)
        return 1 - landing * torch.expm1(rate * s).item()

    return gain


@torch.no_grad()
def sample_euler(field: Field, noise: Tensor, steps: int = 50, gain: Gain = lambda t: 1.0) -> Tensor:
    """Integrate dx/dt = gain(t) field(x, t) from t = 0 to 1 in uniform Euler steps."""
    x = noise
    for i in range(steps):
        t = i / steps
        x = x + (gain(t) / steps) * field(x, torch.full((len(x),), t))
    return x


def gap_ratio(samples: Tensor, data: Tensor) -> Tensor:
    """d1/d2 for each sample: its L2 distances to the two nearest of the (distinct) training points."""
    distances = torch.cdist(
        samples.flatten(1).double(), data.flatten(1).double(), compute_mode="donot_use_mm_for_euclid_dist"
    )
    nearest = distances.topk(2, largest=False).values
    return nearest[:, 0] / nearest[:, 1].clamp(min=1e-12)


def memorized_share(samples: Tensor, data: Tensor) -> float:
    """F_mem: the share of samples with gap ratio below 1/3."""
    return (gap_ratio(samples, data) < 1 / 3).double().mean().item()
