"""Sampling on a Ray cluster of this machine against one process: time, memory, and a node that is killed.

Pins: ray==2.60.0 pyarrow==26.0.1 safetensors==0.8.0 numpy==2.4.6
Run:  python bench/ray_cluster.py                       (Linux, from anywhere, with kinepath[ray] installed)

A million samples of a mixture of three Gaussians in 8 dimensions, 50 Euler steps, are written as data
sets: by one process without Ray, by one worker, by two, and by two on two nodes, one of which is killed
half-way. Every worker, and the process, computes with one thread. All data sets must be the same, every
sample once. In each repetition all take turns.

Seconds are from the first part that is finished to the last, as starting workers takes as long for a
minute of work as for a day's. What Ray costs a part is the time from one part to the next at the one who
calls, less the time that the worker was at it: the machine's other business is in both. Memory is the peak of what a worker had resident, when a tenth of the samples was there and at the end.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import ray
from ray.cluster_utils import Cluster

import kinepath as kp
import kinepath.ray as kpr
from kinepath.ray import parts, settings
from kinepath.ray.part_sampling import SampleTask, Sampling
from kinepath.ray.pool import Pool
from kinepath.ray.sampling import fitting
from kinepath.samplers import in_batches, sampler_of

MEANS = np.array([[2, 0, 1, 0, 0, 0, 0, 1], [-2, 0, 0, 1, 0, 0, 0, 1], [0, 3, 0, 0, 0, 1, 1, 0]], float)
SHAPE = (MEANS.shape[1],)
PLAN = kp.Plan(50)
SEED = 0


def mixture() -> kp.Field:
    return kp.MixtureField([1.0, 1.0, 2.0], MEANS, np.array([0.1, 0.2, 0.3]))


@dataclass
class Finished:
    """When parts were finished, and how large workers were."""

    seconds: list[float] = field(default_factory=list)
    done: list[float] = field(default_factory=list)
    aside: list[float] = field(default_factory=list)
    """Seconds of each part that its files took, or Ray."""
    peaks: dict[float, float] = field(default_factory=dict)
    """By the share of samples that was there, in MB."""

    def rate(self, count: int) -> float:
        """Samples a second between the first part and the last."""
        return count * (self.done[-1] - self.done[0]) / (self.seconds[-1] - self.seconds[0])


def claim(store: kpr.Store, count: int, batch: int, part_size: int) -> str:
    """Writes the settings that the library's own call writes, and returns their digest."""
    asked = settings.settings_of(
        model="model",
        plan=PLAN,
        count=count,
        shape=SHAPE,
        seed=SEED,
        labels=None,
        record=kp.Record(),
        batch=batch,
        part_size=part_size,
    )
    settings.of_dataset(store, asked).make()
    return settings.digest(asked)


def alone(folder: str, count: int, batch: int, part_size: int) -> None:
    """The process without Ray: prints when each part was finished, and how long its files took."""
    store, sampler = kpr.Store(folder), sampler_of(mixture(), kp.Record())
    settings_sha256 = claim(store, count, batch, part_size)
    for rows in parts.ranges(count, part_size):
        paths = in_batches(
            sampler, PLAN, seed=SEED, rows=rows, batch=batch, shape=SHAPE, labels=None
        )
        sampled = time.monotonic()
        parts.publish(store, rows, paths, None, settings_sha256=settings_sha256)
        finished = time.monotonic()
        print(rows.stop / count, finished, finished - sampled, flush=True)


def by_one_process(folder: Path, count: int, batch: int, part_size: int) -> Finished:
    command = [sys.executable, __file__, "--alone", str(folder), "--count", str(count)]
    command += ["--batch", str(batch), "--part-size", str(part_size)]
    environment = os.environ | {"RAYON_NUM_THREADS": "1"}
    told = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    finished = Finished()
    for line in told.stdout.splitlines():
        done, seconds, files = map(float, line.split())
        finished.done.append(done)
        finished.seconds.append(seconds)
        finished.aside.append(files)
    return finished


def peak(process: int) -> float:
    """The most that a process had resident, in MB; 0 once it is gone."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0.0
    lines = dict(line.split(":", 1) for line in status.splitlines())
    return int(lines["VmHWM"].split()[0]) / 1024 if "VmHWM" in lines else 0.0


def on_cluster(
    folder: Path,
    count: int,
    batch: int,
    part_size: int,
    workers: int,
    half_way: Callable[[], object] = lambda: None,
) -> Finished:
    processes = folder.with_suffix(".workers")
    processes.mkdir()

    def model() -> kp.Field:
        (processes / str(os.getpid())).touch()
        return mixture()

    finished = Finished()

    def progress(stage: str, done: float) -> None:
        if not done:
            return
        finished.done.append(done)
        finished.seconds.append(time.monotonic())
        if done >= 0.1 and not finished.peaks or done == 1.0:
            finished.peaks[done] = max(peak(int(path.name)) for path in processes.iterdir())
        if done >= 0.5 > done - part_size / count:
            half_way()

    kpr.sample(
        model,
        PLAN,
        count,
        folder,
        shape=SHAPE,
        seed=SEED,
        batch=batch,
        part_size=part_size,
        workers=workers,
        progress=progress,
    )
    return finished


def by_one_worker(folder: Path, count: int, batch: int, part_size: int) -> Finished:
    """As the library does it, with a clock in the worker."""
    store = kpr.Store(folder)
    settings_sha256 = claim(store, count, batch, part_size)
    job = Sampling(mixture, store, PLAN, SHAPE, SEED, batch, kp.Record(), settings_sha256)

    def opener() -> Callable[[SampleTask], float]:
        work = job()

        def timed(task: SampleTask) -> float:
            start = time.monotonic()
            work(task)
            return time.monotonic() - start

        return timed

    pool: Pool[SampleTask, float] = Pool(resources=None, workers=1, retries=0)
    pool.add(SampleTask(rows, None) for rows in parts.ranges(count, part_size))
    finished = Finished()
    for task, inside in pool.run(opener):
        now = time.monotonic()
        if finished.seconds:
            finished.aside.append(now - finished.seconds[-1] - inside)
        finished.done.append(task.rows.stop / count)
        finished.seconds.append(now)
    return finished


def assert_same(folder: Path, other: Path, count: int) -> None:
    """Both are whole, and have the same bytes: the energies, and by their hashes the samples."""
    one, two = kpr.Dataset(folder), kpr.Dataset(other)
    assert one.settings == two.settings
    indices = 0
    for part, same in zip(one.whole(), two.whole(), strict=True):
        assert part.note["tensors_sha256"] == same.note["tensors_sha256"], part.rows
        table, own = one.table(part), two.table(same)
        assert table.keys() == own.keys()
        for name in table:
            np.testing.assert_array_equal(table[name], own[name], err_msg=f"{name} of {part.rows}")
        np.testing.assert_array_equal(table["index"], part.rows)
        indices += len(table["index"])
    assert indices == count


def spread(values: list[float], digits: int = 2) -> str:
    low, high = min(values), max(values)
    return f"{statistics.median(values):.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--batch", type=int, default=4096)
    parser.add_argument("--part-size", type=int, help="samples of a part; that of two workers")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--folder", help="where data sets are written; a temporary one")
    parser.add_argument("--alone", help=argparse.SUPPRESS)
    args = parser.parse_args()
    part_size = args.part_size or fitting(args.count, args.batch, SHAPE, workers=2)
    sizes = args.count, args.batch, part_size
    if args.alone:
        alone(args.alone, *sizes)
        return

    rates: dict[str, list[float]] = {name: [] for name in ("process", "1", "2", "killed")}
    aside: dict[str, list[float]] = {"files": [], "Ray": []}
    peaks: dict[str, list[float]] = {"tenth": [], "end": []}
    for _ in range(args.repetitions):
        with tempfile.TemporaryDirectory(dir=args.folder) as temporary:
            root = Path(temporary)
            ran = {"process": by_one_process(root / "process", *sizes)}
            cluster = Cluster(
                initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False}
            )
            doomed = cluster.add_node(num_cpus=1)
            ray.init(address=cluster.address, log_to_driver=False)
            ran["1"] = by_one_worker(root / "1", *sizes)
            ran["2"] = on_cluster(root / "2", *sizes, 2)
            ran["killed"] = on_cluster(
                root / "killed", *sizes, 2, lambda: cluster.remove_node(doomed, allow_graceful=False)
            )
            ray.shutdown()
            cluster.shutdown()
            for name in ("1", "2", "killed"):
                assert_same(root / "process", root / name, args.count)
            for name, finished in ran.items():
                rates[name].append(finished.rate(args.count))
            aside["files"] += ran["process"].aside
            aside["Ray"] += ran["1"].aside
            tenth, end = (ran["2"].peaks[done] for done in sorted(ran["2"].peaks))
            peaks["tenth"].append(tenth)
            peaks["end"].append(end)
    print(f"{args.count:,} samples in parts of {part_size:,}, batches of {args.batch:,}, {SHAPE[0]} "
          f"dimensions, {PLAN.grid.steps} steps; {args.repetitions} repetitions; ray {ray.__version__}")
    print("all data sets are the same, every sample once, also where a node was killed")
    base = rates["process"]
    print(f"one process: {spread(base, 0)} samples/s")
    for name, workers in (("1", 1), ("2", 2)):
        efficiency = [rate / (workers * own) for rate, own in zip(rates[name], base, strict=True)]
        print(f"{name} worker(s): {spread(rates[name], 0)} samples/s, efficiency {spread(efficiency)}")
    seconds = part_size / statistics.median(base)
    for what, values in aside.items():
        print(f"{what}: {spread([1000 * value for value in values], 1)} ms a part, "
              f"{statistics.median(values) / seconds:.1%} of its {seconds:.2f} s")
    print(f"2 workers, of which one is killed half-way: {spread(rates['killed'], 0)} samples/s")
    print(f"peak memory of a worker: {spread(peaks['tenth'], 0)} MB at a tenth, "
          f"{spread(peaks['end'], 0)} MB at the end")


if __name__ == "__main__":
    main()
