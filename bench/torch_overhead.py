"""What measuring costs a sampling loop in PyTorch: the energy meter and the executor against none.

Pins: torch==2.15.0 numpy==2.4.6
Run:  python bench/torch_overhead.py          (from the repository's root, with kinepath installed)

The network is the U-Net of the embedded model (training/model.py) with random weights, on one CPU
thread. In every repetition the loops run one after the other, in turning order, on the same noise;
each ratio is of one repetition, and that of the plain loop to itself says what is noise. Seconds are
of processor time, so that what else the machine does is counted for none of them. The end of every
loop is read back.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

import kinepath as kp
import kinepath.torch as kpt

sys.path.insert(0, str(Path(__file__).parent.parent / "training"))
from model import VelocityUNet  # noqa: E402


def plain(model: torch.nn.Module, noise: Tensor, plan: kp.Plan) -> Tensor:
    """An Euler loop as one writes it."""
    x, nodes = noise, plan.grid.nodes.tolist()
    for start, end in zip(nodes[:-1], nodes[1:]):
        t = torch.full((len(x),), start)
        x = x + (end - start) * model(x, t)
    return x


def metered(model: torch.nn.Module, noise: Tensor, plan: kp.Plan) -> Tensor:
    """The same loop with a meter."""
    x, nodes = noise, plan.grid.nodes.tolist()
    with kpt.EnergyMeter() as meter:
        for start, end in zip(nodes[:-1], nodes[1:]):
            t = torch.full((len(x),), start)
            v = model(x, t)
            meter.step(v, start, end - start)
            x = x + (end - start) * v
    return x


def executed(model: torch.nn.Module, noise: Tensor, plan: kp.Plan) -> Tensor:
    """The executor on the same plan."""
    return kpt.sample(model, noise, plan).endpoints


LOOPS: dict[str, Callable[[torch.nn.Module, Tensor, kp.Plan], Tensor]] = {
    "plain": plain,
    "plain, again": plain,
    "EnergyMeter": metered,
    "sample": executed,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--repetitions", type=int, default=200)
    args = parser.parse_args()

    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = VelocityUNet().eval()
    noise = torch.from_numpy(kp.noise(0, args.batch, (1, 28, 28)))
    plan = kp.Plan(args.steps)
    seconds: dict[str, list[float]] = {name: [] for name in LOOPS}
    names = list(LOOPS)
    with torch.no_grad():
        for repetition in range(-2, args.repetitions):
            turn = repetition % len(names)
            for name in names[turn:] + names[:turn]:
                start = time.process_time()
                LOOPS[name](model, noise, plan).sum().item()
                if repetition >= 0:
                    seconds[name].append(time.process_time() - start)
    print(f"{args.repetitions} repetitions of {args.steps} steps, {args.batch} samples, torch "
          f"{torch.__version__}; plain loop: {statistics.median(seconds['plain']):.3f} s")
    for name in names[1:]:
        ratios = [a / b for a, b in zip(seconds[name], seconds["plain"], strict=True)]
        print(f"{name}: median {statistics.median(ratios):.4f}, min {min(ratios):.4f}, "
              f"max {max(ratios):.4f}")


if __name__ == "__main__":
    main()
