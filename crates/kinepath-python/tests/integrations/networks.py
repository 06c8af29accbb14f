"""A small velocity network with fixed random weights."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Block(nn.Module):
    """A residual convolution that the embedding scales and shifts."""

    def __init__(self, width: int, embedding: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(4, width)
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.film = nn.Linear(embedding, 2 * width)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        scale, shift = self.film(embedding)[:, :, None, None].chunk(2, 1)
        h = self.first(F.silu(self.norm(x)))
        change: Tensor = self.second(F.silu(h * (1 + scale) + shift))
        return x + change


class TinyUNet(nn.Module):
    """``v(x, t)`` or ``v(x, t, labels)`` of images ``[B, channels, H, W]`` with even H and W.

    Class 0 stands for none; further classes shift the embedding of time.
    """

    frequencies: Tensor

    def __init__(self, channels: int = 1, width: int = 16, classes: int = 0) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.register_buffer("frequencies", torch.exp(torch.linspace(0, 3, 8)))
            self.embed = nn.Sequential(nn.Linear(16, 32), nn.SiLU(), nn.Linear(32, 32))
            self.classes = nn.Embedding(classes, 32) if classes else None
            self.enter = nn.Conv2d(channels, width, 3, padding=1)
            self.fine = Block(width, 32)
            self.down = nn.Conv2d(width, width, 3, stride=2, padding=1)
            self.coarse = Block(width, 32)
            self.leave = nn.Conv2d(2 * width, channels, 3, padding=1)

    def forward(self, x: Tensor, t: Tensor, labels: Tensor | None = None) -> Tensor:
        angles = t[:, None] * self.frequencies.to(t.dtype) * (math.pi / 2)
        embedding = self.embed(torch.cat([angles.sin(), angles.cos()], 1).to(x.dtype))
        if self.classes is not None and labels is not None:
            embedding = embedding + self.classes(labels)
        fine = self.fine(self.enter(x), embedding)
        coarse = self.coarse(self.down(fine), embedding)
        up = F.interpolate(coarse, scale_factor=2.0, mode="nearest")
        velocity: Tensor = self.leave(torch.cat([fine, up], 1))
        return 2.0 * velocity - 0.5 * x
