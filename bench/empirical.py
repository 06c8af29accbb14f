"""Exact integration of a training set's closed-form field: kinepath against PyTorch.

Pins: torch==2.15.0 numpy==2.4.6 matplotlib==3.11.2
Run:  python bench/empirical.py --points fashion-mnist/train-images-idx3-ubyte.gz
      python bench/empirical.py --points fashion-mnist/train-images-idx3-ubyte.gz --sweep --plot sweep.svg
                                                                        (with kinepath installed)

Both integrate the same noise with Euler's method in f32 and return endpoints and kinetic path
energies. PyTorch does so as the formula is written, and with every array reused in place. In each
repetition the three run one after the other; ratios are of one repetition. PyTorch's threads sleep when
they wait: spinning ones take the cores from who computes. On paper every step of the
formula takes the two products of all pairs: TFLOP count these, 4 B N D T, and GFLOP/s are so many in
kinepath's time, whether computed or not; the rate of a large product, measured in the same run, is
what the machine can do at most. Some samples are integrated in f64 by all distances too: what kinepath
and PyTorch differ from that is printed.

Memory is the peak of a process of its own that only runs kinepath on the problem, from the interpreter
and the training set on: see `empirical_memory.py`. Fewer dimensions are larger pixels: means of blocks.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from empirical_plot import Measured, Panels, draw
from idx import images

import kinepath as kp

# Read when torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
import torch  # noqa: E402
from torch import Tensor  # noqa: E402

F32: TypeAlias = npt.NDArray[np.float32]
Integration: TypeAlias = Callable[[Tensor, Tensor, int], tuple[Tensor, Tensor]]


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


PEERS: dict[str, Integration] = {"formula": formula, "in place": in_place}


def by_distances(points: Tensor, x: Tensor, steps: int) -> tuple[Tensor, Tensor]:
    """The reference: all distances, in f64, one sample at a time."""
    points, ends, energies = points.double(), [], []
    # Blocks whose differences stay in the cache.
    blocks = torch.split(points, 512)
    for state in x.double():
        energy = 0.0
        for i in range(steps):
            t = i / steps
            squares = torch.cat([(state - t * block).square().sum(1) for block in blocks])
            weights = torch.softmax(-0.5 * squares / (1 - t) ** 2, 0)
            v = (weights @ points - state) / (1 - t)
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


class Problem(NamedTuple):
    """What is integrated."""

    data: str
    first: int
    """How many images, from the first on."""
    block: int
    """Side of the blocks of pixels that are one."""
    batch: int
    steps: int

    def points(self, pixels: F32) -> F32:
        """The training points, ``[N, D]``."""
        (count, rows, columns), side = pixels[: self.first].shape, self.block
        if count < self.first or rows % side or columns % side:
            raise ValueError(f"{len(pixels)} images of {rows} by {columns} pixels do not make "
                             f"{self.first} in blocks of {side} by {side}")
        blocks = pixels[:count].reshape(count, rows // side, side, columns // side, side)
        return np.ascontiguousarray(blocks.mean((2, 4)).reshape(count, -1))


def memory(points: F32, batch: int, steps: int, seed: int) -> int:
    """Bytes that a process which only runs kinepath had at most."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "points.npy"
        np.save(file, points)
        script = Path(__file__).with_name("empirical_memory.py")
        arguments = [str(it) for it in (script, file, seed, batch, steps)]
        run = subprocess.run([sys.executable, *arguments], stdout=subprocess.PIPE, check=True)
    return int(run.stdout)


def spread(values: list[float], form: str = ".2f") -> str:
    """Median, and minimum and maximum."""
    if len(values) == 1:
        return f"{values[0]:{form}}"
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


HEAD = """
| data | N | D | B | T | TFLOP | kinepath, s | GFLOP/s | formula / kinepath | in place / kinepath \
| memory, MB | energy off | PyTorch's | endpoint off |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|"""


def compare(pixels: F32, problem: Problem, repetitions: int, check: int, seed: int) -> Measured:
    """Times all three on one problem, from the array to the energies, and prints a row."""
    points = problem.points(pixels)
    (count, dimension), batch, steps = points.shape, problem.batch, problem.steps
    used = memory(points, batch, steps, seed)
    noise = kp.noise(seed, batch, (dimension,))
    plan = kp.Plan(steps)
    theirs, x = torch.from_numpy(points), torch.from_numpy(noise)
    seconds: dict[str, list[float]] = {name: [] for name in ("kinepath", *PEERS)}
    with torch.no_grad():
        for _ in range(repetitions):
            start = time.perf_counter()
            paths = kp.sample(kp.EmpiricalField(points), noise, plan)
            seconds["kinepath"].append(time.perf_counter() - start)
            for name, integrate in PEERS.items():
                start = time.perf_counter()
                _, energies = integrate(theirs, x, steps)
                seconds[name].append(time.perf_counter() - start)
        ends, exact = by_distances(theirs, x[:check], steps)
    off = (torch.from_numpy(paths.kpe)[:check] / exact - 1).abs().max()
    torch_off = (energies[:check].double() / exact - 1).abs().max()
    end_off = (torch.from_numpy(paths.endpoints)[:check] - ends).abs().max()
    ours = seconds["kinepath"]
    ratios = [[a / b for a, b in zip(seconds[name], ours, strict=True)] for name in PEERS]
    flop = 4.0 * batch * count * dimension * steps
    print(f"| {problem.data} | {count} | {dimension} | {batch} | {steps} | {flop / 1e12:.3g} "
          f"| {spread(ours, '.3g')} | {flop / statistics.median(ours) / 1e9:.0f} "
          f"| {spread(ratios[0])} | {spread(ratios[1])} | {used / 1e6:.0f} | {off:.0e} "
          f"| {torch_off:.0e} | {end_off:.0e} |", flush=True)
    sizes = {"N": count, "D": dimension, "B": batch, "T": steps}
    return Measured(sizes, {name: statistics.median(each) for name, each in seconds.items()})


def sweep(data: str, count: int) -> dict[str, list[Problem]]:
    """One quantity at a time varied about 256 samples of `count` whole images in 100 steps."""
    centre = Problem(data, count, 1, 256, 100)
    counts = sorted({1_000, 2_000, 5_000, 10_000, 20_000, 60_000, count})
    return {
        "N": [centre._replace(first=it) for it in counts],
        "D": [centre._replace(block=block) for block in (4, 2, 1)],
        "B": [centre._replace(batch=batch) for batch in (16, 64, 256, 1024)],
        "T": [centre._replace(steps=steps) for steps in (25, 50, 100, 250)],
    }


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=Path, nargs="+", required=True,
                        help="images, IDX, with gzip or without; rows are named by their folders")
    parser.add_argument("--count", type=int, nargs="+", default=[60_000], help="training points")
    parser.add_argument("--batch", type=int, nargs="+", default=[256], help="samples")
    parser.add_argument("--steps", type=int, nargs="+", default=[100], help="steps")
    parser.add_argument("--blocks", type=int, nargs="+", default=[1],
                        help="sides of the blocks of pixels whose means are the dimensions")
    parser.add_argument("--sweep", action="store_true", help="vary one quantity at a time instead")
    parser.add_argument("--sweep-count", type=int, default=20_000,
                        help="training points while another quantity is varied")
    parser.add_argument("--plot", type=Path, help="file for a figure of the sweep, as .svg")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--check", type=int, default=8, help="samples integrated in f64")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if args.plot and not args.sweep:
        parser.error("--plot draws what --sweep measures")
    return args


def main() -> None:
    args = arguments()
    print(f"torch {torch.__version__} on {torch.get_num_threads()} threads, "
          f"{torch.backends.cpu.get_cpu_capability()}; a large product: {peak():.0f} GFLOP/s")
    print(HEAD)
    figures: dict[str, Panels] = {}
    for path in args.points:
        pixels, data = images(path), path.resolve().parent.name
        measured: dict[Problem, Measured] = {}

        def once(problem: Problem) -> Measured:
            if problem not in measured:
                measured[problem] = compare(pixels, problem, args.repetitions, args.check, args.seed)
            return measured[problem]

        if args.sweep:
            panels = sweep(data, args.sweep_count)
            figures[data] = {of: [once(it) for it in problems] for of, problems in panels.items()}
            continue
        for sizes in itertools.product(args.count, args.blocks, args.batch, args.steps):
            once(Problem(data, *sizes))
    if args.plot:
        draw(figures, args.plot)


if __name__ == "__main__":
    main()
