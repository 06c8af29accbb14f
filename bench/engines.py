"""Sampling a network with kinepath, on rten and on ONNX Runtime, against a loop in PyTorch.

Pins: torch==2.15.0 onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.32.0 numpy==2.4.6
Run:  python bench/engines.py                 (from the repository's root, with kinepath installed)

The networks have random weights: U-Nets as training/model.py has them and a diffusion transformer.
PyTorch takes Euler steps in inference mode and measures nothing; kinepath takes the same steps from
the same noise and measures the energy of every path, with a gain besides. In every repetition they
run one after the other, in turning order; each ratio is of one repetition, once of the clock and once
of processor time, which a busy machine disturbs less. PyTorch's threads sleep when they wait: spinning
ones take the cores from who computes.

GFLOP/s are of the network's products and convolutions, as PyTorch counts them, and of processor time:
what a core does. *Outside* is what kinepath's processor time has beyond the network's: sampling with a network that costs
next to nothing, in states of the same shape, relative to sampling with this one. It covers energies,
gain, the steps themselves, and what crosses from and to Python.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

# Read when torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import Tensor, nn  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

import kinepath as kp  # noqa: E402

sys.path.insert(0, str(Path(__file__).parent.parent / "training"))
from model import VelocityUNet  # noqa: E402
from transformer import Transformer  # noqa: E402

NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "U-Net of the embedded model": (VelocityUNet, (1, 28, 28)),
    "U-Net, wider": (
        lambda: VelocityUNet(width=64, inner_width=128, hidden=0, outer_blocks=2),
        (1, 28, 28),
    ),
    "transformer": (Transformer, (3, 32, 32)),
}
GAIN = kp.KTS(alpha=0.01, beta=0.01)


def loop(model: nn.Module, noise: Tensor, steps: int) -> Tensor:
    """Euler's method as one writes it."""
    x = noise
    with torch.inference_mode():
        for i in range(steps):
            x = x + model(x, torch.full((len(x),), i / steps)) / steps
    return x


class Copy(nn.Module):
    """v = x."""

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        return x + 0 * t.view(-1, *[1] * (x.dim() - 1))


class Times(NamedTuple):
    """Seconds of every repetition."""

    clock: list[float]
    processor: list[float]


def randomised(model: nn.Module) -> nn.Module:
    """The model without the zeros that training starts from: they would make it the identity."""
    with torch.no_grad():
        for parameter in model.parameters():
            if not parameter.any():
                parameter.normal_(0, 0.02)
    return model.eval()


def spread(values: list[float]) -> str:
    """Median, minimum and maximum."""
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--repetitions", type=int, default=7)
    parser.add_argument("--engines", nargs="+", default=["rten", "ort"])
    args = parser.parse_args()
    torch.manual_seed(0)
    plan, shaped = kp.Plan(args.steps), kp.Plan(args.steps, gain=GAIN)
    print(f"batch {args.batch}, {args.steps} steps, {torch.get_num_threads()} threads, ", end="")
    print(f"{args.repetitions} repetitions\n")
    print(
        "| network | GFLOP a sample | engine | PyTorch, s | kinepath, s | PyTorch / kinepath "
        "| of processor time | PyTorch, GFLOP/s | kinepath, GFLOP/s | outside | endpoints off |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for name, (build, shape) in NETWORKS.items():
        model = randomised(build())
        noise = kp.noise(0, args.batch, shape)
        tensor = torch.from_numpy(noise)
        with tempfile.TemporaryDirectory() as folder:
            path, copy = Path(folder, "model.onnx"), Path(folder, "copy.onnx")
            kp.export_onnx(model, (tensor[:2], torch.rand(2)), path)
            kp.export_onnx(Copy(), (tensor[:2], torch.rand(2)), copy)
            fields = {engine: kp.OnnxField(path, engine=engine) for engine in args.engines}
            copies = {engine: kp.OnnxField(copy, engine=engine) for engine in args.engines}
        expected = loop(model, tensor, args.steps).numpy()
        off = {
            engine: np.abs(kp.sample(field, noise, plan).endpoints - expected).max() / np.abs(expected).max()
            for engine, field in fields.items()
        }
        calls: dict[str, Callable[[], object]] = {"PyTorch": partial(loop, model, tensor, args.steps)}
        for engine, field in fields.items():
            calls[engine] = partial(kp.sample, field, noise, shaped)
            calls[f"{engine}, no network"] = partial(kp.sample, copies[engine], noise, shaped)
        seconds = {call: Times([], []) for call in calls}
        order = list(calls)
        for repetition in range(-1, args.repetitions):
            for call in order:
                begun = time.perf_counter(), time.process_time()
                calls[call]()
                ended = time.perf_counter(), time.process_time()
                # The first repetition warms up.
                if repetition >= 0:
                    seconds[call].clock.append(ended[0] - begun[0])
                    seconds[call].processor.append(ended[1] - begun[1])
            order.append(order.pop(0))
        peer = seconds["PyTorch"]
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            model(tensor[:1], torch.zeros(1))
        work = counter.get_total_flops() / 1e9
        total = work * args.batch * args.steps
        for engine in fields:
            ours, idle = seconds[engine], seconds[f"{engine}, no network"]
            outside = statistics.median(i / o for i, o in zip(idle.processor, ours.processor))
            ratios = [spread([p / o for p, o in zip(*pair)]) for pair in zip(peer, ours)]
            print(
                f"| {name} | {work:.2f} | {engine} | {statistics.median(peer.clock):.3f} "
                f"| {statistics.median(ours.clock):.3f} | {ratios[0]} | {ratios[1]} "
                f"| {total / statistics.median(peer.processor):.0f} "
                f"| {total / statistics.median(ours.processor):.0f} "
                f"| {100 * outside:.2f} % | {off[engine]:.0e} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
