"""Exact nearest neighbours: kinepath against faiss and scikit-learn, on the same data in one run.

Pins: faiss-cpu==1.15.1 scikit-learn==1.9.1 numpy==2.4.6
Run:  python bench/neighbours.py              (from anywhere, with kinepath installed)
      python bench/neighbours.py --sweep      dimensions, sizes and kinds of data against faiss

Every time is of a whole search, from arrays to neighbours: what a library builds first counts. In
each repetition the libraries run one after the other, in turning order, and each ratio is of one
repetition; ratios of processor time tell what a machine does that is busy with other things too.
faiss searches with `IndexFlatL2`, one thread per core, all queries in one call, and threads that
sleep when they wait: spinning ones take the cores from its own matrix products. scikit-learn uses
`NearestNeighbors(algorithm="brute")`. The images are those of Fashion-MNIST (Debian package
dataset-fashion-mnist), in [-1, 1] as `kinepath` reads them. GFLOP/s are those of the products of all
pairs, `2 N Q D`, whether computed or not, beside the rate of a product of two large matrices on the
same machine.

Neighbours agree when the distances to them, computed in float64, do: libraries that compute in
float32 swap neighbours that are equally far within its rounding, so each pair of distances may
differ by as much.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from idx import images

import kinepath as kp

# Read when faiss is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
import faiss  # noqa: E402

F32: TypeAlias = npt.NDArray[np.float32]
I64: TypeAlias = npt.NDArray[np.int64]
Search: TypeAlias = Callable[[F32, F32, int], I64]

SECONDS = 0.3
"""What a case of the sweep should take faiss."""
MOST_QUERIES = 100_000
MOST_VALUES = 500_000_000
"""Largest N·D of the sweep: 2 GB."""


def with_kinepath(queries: F32, points: F32, k: int) -> I64:
    return kp.metrics.neighbours(queries, points, k).indices


def with_faiss(queries: F32, points: F32, k: int) -> I64:
    index = faiss.IndexFlatL2(points.shape[1])
    index.add(points)
    found: I64 = index.search(queries, k)[1]
    return found


def with_sklearn(queries: F32, points: F32, k: int) -> I64:
    from sklearn.neighbors import NearestNeighbors

    search = NearestNeighbors(n_neighbors=k, algorithm="brute", n_jobs=-1).fit(points)
    found: I64 = search.kneighbors(queries, return_distance=False)
    return found


class Timed(NamedTuple):
    """One search."""

    seconds: float
    processor: float
    found: I64


def timed(search: Search, queries: F32, points: F32, k: int) -> Timed:
    start, processor = time.perf_counter(), time.process_time()
    found = search(queries, points, k)
    return Timed(time.perf_counter() - start, time.process_time() - processor, found)


def peak() -> float:
    """GFLOP/s of a product of two matrices of float32, the best of several."""
    a = np.random.default_rng(0).random((4096, 4096), dtype=np.float32)
    out = np.empty_like(a)
    times = []
    for _ in range(6):
        start = time.perf_counter()
        np.matmul(a, a, out=out)
        times.append(time.perf_counter() - start)
    return 2e-9 * 4096**3 / min(times)


def agree(queries: F32, points: F32, ours: I64, theirs: I64) -> bool:
    """Whether two searches found equally near points, up to the rounding of float32, of some
    queries; ours in order."""
    rows = np.random.default_rng(1).permutation(len(queries))[:500]
    squared = {
        name: np.stack([
            ((points[near].astype(np.float64) - queries[row].astype(np.float64)) ** 2).sum(axis=1)
            for row, near in zip(rows, found[rows], strict=True)
        ])
        for name, found in (("ours", ours), ("theirs", theirs))
    }
    norms = (queries[rows].astype(np.float64) ** 2).sum(axis=1)
    norms += (points[:10_000].astype(np.float64) ** 2).sum(axis=1).max()
    room = 1e-6 * queries.shape[1] ** 0.5 * norms[:, None]
    nearer = squared["ours"] <= np.sort(squared["theirs"], axis=1) * (1 + 1e-12)
    close = squared["theirs"] - squared["ours"] <= room
    return bool(nearer.all() and close.all())


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


class Compared(NamedTuple):
    """One peer against kinepath."""

    ours: float
    """Median seconds of kinepath."""
    seconds: float
    """Median seconds of the peer."""
    ratios: list[float]
    processor: float
    """Median ratio of processor time."""
    agrees: bool


def compare(queries: F32, points: F32, k: int, peers: dict[str, tuple[Search, int]],
            repetitions: int) -> dict[str, Compared]:
    """Times all; each peer with its number of repetitions."""
    times: dict[str, list[tuple[Timed, Timed]]] = {name: [] for name in peers}
    for repetition in range(repetitions):
        names = ["kinepath", *(name for name in peers if repetition < peers[name][1])]
        turn = repetition % len(names)
        taken: dict[str, Timed] = {}
        for name in names[turn:] + names[:turn]:
            search = with_kinepath if name == "kinepath" else peers[name][0]
            taken[name] = timed(search, queries, points, k)
        for name in names[1:]:
            times[name].append((taken["kinepath"], taken[name]))
    return {
        name: Compared(
            statistics.median(ours.seconds for ours, _ in pairs),
            statistics.median(theirs.seconds for _, theirs in pairs),
            [theirs.seconds / ours.seconds for ours, theirs in pairs],
            statistics.median(theirs.processor / ours.processor for ours, theirs in pairs),
            agree(queries, points, pairs[0][0].found, pairs[0][1].found),
        )
        for name, pairs in times.items()
    }


def image_table(folder: Path, repetitions: int, sklearn: bool) -> None:
    points, held_out = (
        images(folder / f"{part}-images-idx3-ubyte.gz").reshape(-1, 784) for part in ("train", "t10k")
    )
    random = np.random.default_rng(0)
    print("| queries | kinepath, s | GFLOP/s | peer | s | peer / kinepath | of processor time | agrees |")
    print("|---|---|---|---|---|---|---|---|")
    peers: dict[str, tuple[Search, int]] = {"faiss": (with_faiss, repetitions)}
    if sklearn:
        peers["scikit-learn"] = (with_sklearn, 1)
    for noise in (0.0, 0.1, 0.3):
        queries = held_out + noise * random.standard_normal(held_out.shape, dtype=np.float32)
        name = f"with noise of {noise}" if noise else "held out"
        for peer, it in compare(queries, points, 2, peers, repetitions).items():
            rate = 2e-9 * len(points) * queries.size / it.ours
            print(f"| {name} | {it.ours:.2f} | {rate:.0f} | {peer} | {it.seconds:.2f} | "
                  f"{spread(it.ratios)} | {it.processor:.2f} | {'yes' if it.agrees else 'NO'} |",
                  flush=True)


def data(kind: str, count: int, dimension: int, random: np.random.Generator) -> F32:
    if kind == "uniform":
        return random.random((count, dimension), dtype=np.float32)
    # The same centres for points and queries.
    centres = np.random.default_rng(7).standard_normal((100, dimension), dtype=np.float32)
    if kind == "duplicated":
        rows = data("clustered", max(1, count // 10), dimension, random)
        return np.ascontiguousarray(rows[np.arange(count) % len(rows)])
    points = random.standard_normal((count, dimension), dtype=np.float32)
    points *= np.float32(0.3)
    for first in range(0, count, 10_000):
        block = points[first:first + 10_000]
        block += centres[random.integers(0, 100, len(block))]
    return points


def cases(args: argparse.Namespace) -> Iterator[tuple[int, int, str]]:
    for dimension in args.dimensions:
        for count in args.counts:
            if count * dimension <= MOST_VALUES:
                for kind in args.kinds:
                    yield dimension, count, kind


def sweep(args: argparse.Namespace) -> None:
    print("| D | N | data | k | Q | kinepath, ms | faiss, ms | faiss / kinepath | of processor time "
          "| agrees |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    medians: list[float] = []
    processor: list[float] = []
    for dimension, count, kind in cases(args):
        random = np.random.default_rng(0)
        points = data(kind, count, dimension, random)
        pool = data("uniform" if kind == "uniform" else "clustered", MOST_QUERIES
                    if dimension < 1000 else MOST_QUERIES // 10, dimension, random)
        index = faiss.IndexFlatL2(dimension)
        index.add(points)
        for k in (k for k in args.k if k <= count):
            pilot = 64
            while True:
                start = time.perf_counter()
                index.search(pool[:pilot], k)
                taken = time.perf_counter() - start
                if taken > 0.05 or pilot >= len(pool):
                    break
                pilot *= 4
            scaled = int(min(len(pool), max(1, min(pilot, len(pool)) * SECONDS / taken)))
            for number in sorted({scaled, *(q for q in args.queries if q < scaled)}):
                peers: dict[str, tuple[Search, int]] = {"faiss": (with_faiss, args.repetitions)}
                it = compare(pool[:number], points, k, peers, args.repetitions)["faiss"]
                medians.append(statistics.median(it.ratios))
                processor.append(it.processor)
                print(f"| {dimension} | {count} | {kind} | {k} | {number} | {it.ours * 1e3:.3g} | "
                      f"{it.seconds * 1e3:.3g} | {spread(it.ratios)} | {it.processor:.2f} | "
                      f"{'yes' if it.agrees else 'NO'} |", flush=True)
        del index
    for what, ratios in (("time", sorted(medians)), ("processor time", sorted(processor))):
        slower = sum(ratio < 1 for ratio in ratios)
        print(f"{len(ratios)} cases, ratios of {what}: worst {ratios[0]:.2f}, a tenth below "
              f"{ratios[len(ratios) // 10]:.2f}, median {statistics.median(ratios):.2f}, best "
              f"{ratios[-1]:.2f}, below 1 in {slower}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, default=Path("/usr/share/datasets/fashion-mnist"))
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--without-sklearn", action="store_true")
    parser.add_argument("--sweep", action="store_true")
    parser.add_argument("--dimensions", type=int, nargs="+", default=[2, 8, 32, 128, 784, 4096])
    parser.add_argument("--counts", type=int, nargs="+", default=[10, 1_000, 60_000, 1_000_000])
    parser.add_argument("--kinds", nargs="+", default=["uniform", "clustered", "duplicated"])
    parser.add_argument("--k", type=int, nargs="+", default=[1, 10, 100])
    parser.add_argument("--queries", type=int, nargs="*", default=[1, 32],
                        help="numbers of queries beside that which takes faiss half a second")
    args = parser.parse_args()

    cores = os.cpu_count() or 1
    faiss.omp_set_num_threads(cores)
    print(f"faiss {faiss.__version__}, {cores} cores, products {peak():.0f} GFLOP/s, "
          f"{args.repetitions} repetitions: medians, ratios with minimum and maximum\n")
    if args.sweep:
        sweep(args)
    else:
        image_table(args.images, args.repetitions, not args.without_sklearn)


if __name__ == "__main__":
    main()
