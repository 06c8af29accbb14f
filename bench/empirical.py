"""Exact integration of a training set's closed-form field: kinepath against PyTorch.

Pins: torch==2.15.0 numpy==2.4.6
Run:  python bench/empirical.py --points train-images-idx3-ubyte.gz    (with kinepath installed)

Both integrate the same noise with Euler's method in f32 and return endpoints and kinetic path
energies. PyTorch does so as the formula is written, and with every array reused in place. In each
repetition the three run one after the other; ratios are of one repetition. GFLOP/s count the two
products of all pairs that a step of the formula takes, 4 B N D, whether computed or not; the rate of
a large product, measured in the same run, is what the machine can do at most. Some samples are
integrated in f64 by all distances too: what kinepath and PyTorch differ from that is printed.
"""

from __future__ import annotations

import argparse
import gzip
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import kinepath as kp

Integration = Callable[[Tensor, Tensor, int], tuple[Tensor, Tensor]]


def formula(points: Tensor, x: Tensor, steps: int) -> tuple[Tensor, Tensor]:
    """Euler's method, as the formula is written."""
    squares, energy = (points**2).sum(1), x.new_zeros(len(x))
    for i in range(steps):
        t = i / steps
        scores = (t * (x @ points.T) - 0.5 * t**2 * squares) / (1 - t) ** 2
        v = (torch.softmax(scores, 1) @ points - x) / (1 - t)
        energy += 0.5 * (v**2).sum(1) / steps
        x = x + v / steps
    return x, energy


def in_place(points: Tensor, x: Tensor, steps: int) -> tuple[Tensor, Tensor]:
    """The same with every array reused, and weights divided by their sum after the product."""
    squares, energy, x = points.square().sum(1), x.new_zeros(len(x)), x.clone()
    scores, v = x.new_empty(len(x), len(points)), torch.empty_like(x)
    for i in range(steps):
        t = i / steps
        torch.mm(x, points.T, out=scores)
        scores.mul_(t).sub_(squares, alpha=0.5 * t**2).div_((1 - t) ** 2)
        scores.sub_(scores.amax(1, keepdim=True)).exp_()
        total = scores.sum(1, keepdim=True)
        torch.mm(scores, points, out=v)
        v.div_(total).sub_(x).div_(1 - t)
        energy.add_(v.square().sum(1), alpha=0.5 / steps)
        x.add_(v, alpha=1 / steps)
    return x, energy


def by_distances(points: Tensor, x: Tensor, steps: int) -> tuple[Tensor, Tensor]:
    """The reference: all distances, in f64, one sample at a time."""
    points, ends, energies = points.double(), [], []
    for state in x.double():
        energy = 0.0
        for i in range(steps):
            t = i / steps
            scores = -0.5 * (state - t * points).square().sum(1) / (1 - t) ** 2
            v = (torch.softmax(scores, 0) @ points - state) / (1 - t)
            energy += 0.5 * float(v.square().sum()) / steps
            state = state + v / steps
        ends.append(state)
        energies.append(energy)
    return torch.stack(ends), torch.tensor(energies, dtype=torch.float64)


def peak() -> float:
    """GFLOP/s of a large product in f32."""
    a = torch.randn(3072, 3072)
    rates = []
    for _ in range(5):
        start = time.perf_counter()
        torch.mm(a, a)
        rates.append(2 * len(a) ** 3 / (time.perf_counter() - start) / 1e9)
    return max(rates)


def images(path: Path) -> np.ndarray:
    """Images of an IDX file, flattened, in [-1, 1]."""
    with gzip.open(path) as file:
        data = file.read()
    count, rows, columns = (int.from_bytes(data[i : i + 4], "big") for i in (4, 8, 12))
    pixels = np.frombuffer(data, np.uint8, offset=16).reshape(count, rows * columns)
    return pixels.astype(np.float32) / 127.5 - 1


def spread(values: list[float], form: str = ".2f") -> str:
    """Median, and minimum and maximum."""
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=Path, required=True, help="images, IDX and gzip")
    parser.add_argument("--count", type=int, nargs="+", default=[60_000], help="training points")
    parser.add_argument("--batch", type=int, nargs="+", default=[256], help="samples")
    parser.add_argument("--steps", type=int, nargs="+", default=[100], help="steps")
    parser.add_argument("--dimensions", type=int, nargs="+", default=[784], help="first pixels")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--check", type=int, default=8, help="samples integrated in f64")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    everything = images(args.points)
    print(f"torch {torch.__version__} on {torch.get_num_threads()} threads, "
          f"{torch.backends.cpu.get_cpu_capability()}; a large product: {peak():.0f} GFLOP/s\n")
    print("| N | D | B | T | kinepath, s | GFLOP/s | formula / kinepath | in place / kinepath "
          "| energy off | PyTorch's | endpoint off |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for count in args.count:
        for dimensions in args.dimensions:
            points = np.ascontiguousarray(everything[:count, :dimensions])
            for batch in args.batch:
                for steps in args.steps:
                    compare(points, batch, steps, args)


def compare(points: np.ndarray, batch: int, steps: int, args: argparse.Namespace) -> None:
    """Times all three on one problem and prints a row."""
    noise = kp.noise(args.seed, batch, (points.shape[1],))
    field, plan = kp.EmpiricalField(points), kp.Plan(steps)
    theirs, x = torch.from_numpy(points), torch.from_numpy(noise)
    seconds, formulas, places = [], [], []
    with torch.no_grad():
        for _ in range(args.repetitions):
            start = time.perf_counter()
            paths = kp.sample(field, noise, plan)
            seconds.append(time.perf_counter() - start)
            for integrate, ratios in ((formula, formulas), (in_place, places)):
                start = time.perf_counter()
                _, energies = integrate(theirs, x, steps)
                ratios.append((time.perf_counter() - start) / seconds[-1])
        ends, exact = by_distances(theirs, x[: args.check], steps)
    off = (torch.from_numpy(paths.kpe)[: args.check] / exact - 1).abs().max()
    torch_off = (energies[: args.check].double() / exact - 1).abs().max()
    end_off = (torch.from_numpy(paths.endpoints)[: args.check] - ends).abs().max()
    count, dimensions = points.shape
    rate = 4 * batch * count * dimensions * steps / statistics.median(seconds) / 1e9
    print(f"| {count} | {dimensions} | {batch} | {steps} | {spread(seconds)} | {rate:.0f} "
          f"| {spread(formulas)} | {spread(places)} | {off:.0e} | {torch_off:.0e} "
          f"| {end_off:.0e} |", flush=True)


if __name__ == "__main__":
    main()
