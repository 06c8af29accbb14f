"""ONNX Runtime on a batch: in whole with all threads in every operator, or slices side by side.

Pins: torch==2.15.0 onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.32.0 numpy==2.4.6
Run:  python bench/engine_slices.py           (from the repository's root, with kinepath installed)

Why kinepath runs slices of 16 rows in sessions of one thread each. The networks are those of
engines.py. All ways take turns; whether they give the same bytes is printed too.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch
from engines import NETWORKS, randomised, spread

import kinepath as kp

F32: TypeAlias = npt.NDArray[np.float32]
THREADS = os.cpu_count() or 1


def session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def ways(path: Path, feed: dict[str, F32]) -> dict[str, Callable[[], F32]]:
    """The ways of running a batch."""
    together, apart = session(path, THREADS), [session(path, 1) for _ in range(THREADS)]
    rows, pool = len(feed["x"]), ThreadPoolExecutor(THREADS)

    def side_by_side(size: int) -> F32:
        starts = range(0, rows, size)

        def work(seat: int) -> list[F32]:
            mine = starts[seat::THREADS]
            cut = [{name: value[at : at + size] for name, value in feed.items()} for at in mine]
            return [apart[seat].run(None, part)[0] for part in cut]

        done = list(pool.map(work, range(THREADS)))
        return np.concatenate([done[i % THREADS][i // THREADS] for i in range(len(starts))])

    return {
        "whole": lambda: together.run(None, feed)[0],
        **{f"slices of {size}": partial(side_by_side, size) for size in (8, 16, 32)},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--repetitions", type=int, default=9)
    args = parser.parse_args()
    torch.manual_seed(0)
    print(f"batch {args.batch}, {THREADS} threads, {args.repetitions} repetitions\n")
    print("| network | way | seconds | relative to the whole | same bytes |\n|---|---|---|---|---|")
    for name, (build, shape) in NETWORKS.items():
        x = kp.noise(0, args.batch, shape)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "model.onnx")
            kp.export_onnx(randomised(build()), (torch.from_numpy(x[:2]), torch.rand(2)), path)
            runs = ways(path, {"x": x, "t": np.full(args.batch, 0.5, np.float32)})
        expected = runs["whole"]()
        same = {way: np.array_equal(run(), expected) for way, run in runs.items()}
        seconds: dict[str, list[float]] = {way: [] for way in runs}
        order = list(runs)
        for _ in range(args.repetitions):
            for way in order:
                begun = time.perf_counter()
                runs[way]()
                seconds[way].append(time.perf_counter() - begun)
            order.append(order.pop(0))
        for way, taken in seconds.items():
            ratios = [ours / whole for ours, whole in zip(taken, seconds["whole"])]
            print(
                f"| {name} | {way} | {statistics.median(taken):.3f} | {spread(ratios)} "
                f"| {'yes' if same[way] else 'no'} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
