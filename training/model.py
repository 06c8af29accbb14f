"""The two networks: a U-Net velocity field and a small convolutional classifier."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class TimeEmbedding(nn.Module):
    """Fourier features of t in [0, 1], then a two-layer perceptron."""

    def __init__(self, width: int, frequencies: int = 16, max_frequency: float = 64.0) -> None:
        super().__init__()
        steps = torch.linspace(0.0, math.log(max_frequency), frequencies)
        self.register_buffer("frequencies", torch.exp(steps) * math.pi / 2)
        self.mlp = nn.Sequential(
            nn.Linear(2 * frequencies, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU()
        )

    def forward(self, t: Tensor) -> Tensor:
        angles = t[:, None] * self.frequencies
        return self.mlp(torch.cat([angles.sin(), angles.cos()], dim=1))


class ResBlock(nn.Module):
    """Pre-activation residual block; the time embedding scales and shifts the second norm (FiLM)."""

    def __init__(self, in_width: int, width: int, time_width: int, groups: int = 8) -> None:
        super().__init__()
        self.width = width
        self.norm1 = nn.GroupNorm(groups, in_width)
        self.conv1 = nn.Conv2d(in_width, width, 3, padding=1)
        self.film = nn.Linear(time_width, 2 * width)
        self.norm2 = nn.GroupNorm(groups, width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.skip = nn.Conv2d(in_width, width, 1) if in_width != width else nn.Identity()
        nn.init.zeros_(self.conv2.weight)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        h = self.conv1(F.silu(self.norm1(x)))
        film = self.film(time)[:, :, None, None]
        h = self.norm2(h) * (1 + film[:, : self.width]) + film[:, self.width :]
        return self.skip(x) + self.conv2(F.silu(h))


class GlobalBlock(nn.Module):
    """Residual two-layer perceptron over the whole feature map: every position sees every other."""

    def __init__(self, width: int, side: int, hidden: int, time_width: int, channels: int = 16) -> None:
        super().__init__()
        self.channels, self.side, self.hidden = channels, side, hidden
        self.norm = nn.GroupNorm(8, width)
        self.squeeze = nn.Conv2d(width, channels, 1)
        self.up = nn.Linear(channels * side * side, hidden)
        self.film = nn.Linear(time_width, 2 * hidden)
        self.down = nn.Linear(hidden, channels * side * side)
        self.expand = nn.Conv2d(channels, width, 1)
        nn.init.zeros_(self.expand.weight)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        h = self.up(self.squeeze(self.norm(x)).flatten(1))
        film = self.film(time)
        h = h * (1 + film[:, : self.hidden]) + film[:, self.hidden :]
        h = self.down(F.silu(h))
        return x + self.expand(h.reshape(-1, self.channels, self.side, self.side))


class VelocityUNet(nn.Module):
    """Velocity field on 28x28 grey images, by data prediction.

    The U-Net predicts the clean image `x̂1`; the field is `v = (x̂1 - x) / max(1 - t, min_gap)`.
    Works at 14x14 and 7x7 between a strided convolution and a pixel shuffle.
    """

    def __init__(
        self,
        width: int = 32,
        inner_width: int = 64,
        time_width: int = 128,
        hidden: int = 384,
        outer_blocks: int = 1,
        inner_blocks: int = 2,
        min_gap: float = 0.02,
    ) -> None:
        super().__init__()
        self.min_gap = min_gap
        self.time = TimeEmbedding(time_width)
        self.stem = nn.Conv2d(1, width, 4, stride=2, padding=1)
        self.encoder = nn.ModuleList(ResBlock(width, width, time_width) for _ in range(outer_blocks))
        self.shrink = nn.Conv2d(width, inner_width, 3, stride=2, padding=1)
        self.inner = nn.ModuleList(
            ResBlock(inner_width, inner_width, time_width) for _ in range(2 * inner_blocks)
        )
        self.mixer = GlobalBlock(inner_width, 7, hidden, time_width) if hidden else None
        self.grow = nn.Conv2d(inner_width, width, 3, padding=1)
        self.decoder = nn.ModuleList(ResBlock(2 * width, width, time_width) for _ in range(outer_blocks))
        self.head = nn.Sequential(
            nn.GroupNorm(8, width), nn.SiLU(), nn.Conv2d(width, 4, 3, padding=1), nn.PixelShuffle(2)
        )

    def predict_data(self, x: Tensor, t: Tensor) -> Tensor:
        """The predicted clean image, the shape of `x`."""
        time = self.time(t)
        h = self.stem(x)
        skips = []
        for block in self.encoder:
            h = block(h, time)
            skips.append(h)
        h = self.shrink(h)
        half = len(self.inner) // 2
        for block in self.inner[:half]:
            h = block(h, time)
        if self.mixer is not None:
            h = self.mixer(h, time)
        for block in self.inner[half:]:
            h = block(h, time)
        h = self.grow(F.interpolate(h, scale_factor=2.0, mode="nearest"))
        for block in self.decoder:
            h = block(torch.cat([h, skips.pop()], dim=1), time)
        return self.head(h)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        gap = torch.clamp(1 - t, min=self.min_gap)[:, None, None, None]
        return (self.predict_data(x, t) - x) / gap


class Classifier(nn.Module):
    """Convolutional classifier that also returns its penultimate features."""

    def __init__(self, width: int = 24, features: int = 64, classes: int = 10) -> None:
        super().__init__()

        def stage(in_width: int, out_width: int, stride: int) -> nn.Sequential:
            return nn.Sequential(
                nn.Conv2d(in_width, out_width, 3, stride=stride, padding=1, bias=False),
                nn.BatchNorm2d(out_width),
                nn.ReLU(),
            )

        self.body = nn.Sequential(
            stage(1, width, 1),
            stage(width, width, 2),
            stage(width, 2 * width, 1),
            stage(2 * width, 2 * width, 2),
            stage(2 * width, 2 * width, 1),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(2 * width, features),
            nn.ReLU(),
        )
        self.head = nn.Linear(features, classes)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.body(x)
        return self.head(features), features
