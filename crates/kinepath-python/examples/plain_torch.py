"""A flow model in plain PyTorch: trained, sampled with and without a gain, and judged.

    python plain_torch.py

A small network learns eight Gaussians in the plane from 64 points. Both samplers start from the
same noise, so the study compares them pair by pair; the energies were measured on the way.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import torch
from torch import Tensor, nn

import kinepath as kp
import kinepath.torch as kpt


class Velocity(nn.Module):
    """v(x, t) for points ``[B, 2]`` and times ``[B]``."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(3, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 2)
        )

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        velocity: Tensor = self.layers(torch.cat([x, t[:, None]], 1))
        return velocity


def eight_gaussians(count: int, generator: torch.Generator) -> Tensor:
    """Points ``[count, 2]`` around eight centres on a circle."""
    angles = 2 * math.pi * torch.randint(8, (count,), generator=generator) / 8
    centres = 2 * torch.stack([angles.cos(), angles.sin()], 1)
    return centres + 0.1 * torch.randn(count, 2, generator=generator)


def train(data: Tensor, steps: int, generator: torch.Generator) -> Velocity:
    """Flow matching: the network learns ``x1 − x0`` at ``x_t = (1 − t) x0 + t x1``."""
    model = Velocity()
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(steps):
        x1 = data[torch.randint(len(data), (256,), generator=generator)]
        x0 = torch.randn(x1.shape, generator=generator)
        t = torch.rand(len(x1), generator=generator)
        x = torch.lerp(x0, x1, t[:, None])
        loss = (model(x, t) - (x1 - x0)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model


def main(arguments: list[str] | None = None) -> kp.Study:
    """Trains, samples, judges, prints what was found, and returns it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=2000, help="training steps")
    parser.add_argument("--count", type=int, default=256, help="samples of each sampler")
    parser.add_argument("--out", type=Path, default=Path("plain-torch"), help="folder for results")
    options = parser.parse_args(arguments)

    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    data, held_out = eight_gaussians(64, generator), eight_gaussians(256, generator)
    model = train(data, options.steps, generator)

    noise = torch.from_numpy(kp.noise(0, options.count, (2,)))
    runs = {}
    for name, gain in {"baseline": kp.Gain(), "KTS": kp.KTS(alpha=0.05, beta=0.02)}.items():
        plan = kp.Plan(50, "euler", gain)
        paths = kpt.sample(model, noise, plan)
        print(name, paths)
        runs[name] = kp.write_run(
            options.out / name.lower(), paths, plan=plan, model="MLP", noise=0, overwrite=True
        )

    study = kp.study(
        runs["baseline"],
        {"KTS": runs["KTS"]},
        train=data.numpy(),
        reference=held_out.numpy(),
        out=options.out / "study",
    )
    for finding in study.findings:
        print(finding)
    print(f"report: {study.report}")
    return study


if __name__ == "__main__":
    main()
