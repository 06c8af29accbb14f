"""Sampling on a cluster, into a data set in parts."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from math import prod
from typing import Any, SupportsIndex

import numpy as np

from .._kinepath import KinepathError, Plan
from ..progress import Progress, on_stderr
from ..sampling import Record
from . import parts, settings
from .dataset import Dataset
from .part_sampling import ModelFactory, SampleTask, Sampling
from .settings import integer
from .store import INCOMING, Store

PART_BYTES = 1 << 26
"""Most bytes of the samples of a part, unless told."""
PART_SAMPLES = 1 << 16
"""Most samples of a part, unless told."""
PARTS_A_WORKER = 4
"""Fewest parts for each worker, unless told, so that all end at about the same time."""


def sample(
    model_factory: ModelFactory,
    plan: Plan,
    count: SupportsIndex,
    path: str | os.PathLike[str],
    *,
    shape: Sequence[SupportsIndex],
    seed: SupportsIndex = 0,
    labels: Sequence[int] | None = None,
    batch: SupportsIndex = 64,
    part_size: SupportsIndex | None = None,
    range: range | None = None,
    record: Record = Record(),
    name: str = "model",
    resources: Mapping[str, float] | None = None,
    workers: int | None = None,
    retries: int = 3,
    progress: Progress | None = None,
    filesystem: Any = None,
) -> Dataset:
    """Samples ``count`` paths on a Ray cluster, with one model per worker, into a data set.

        >>> import kinepath as kp, kinepath.ray, kinepath.torch as kpt, torch     # doctest: +SKIP
        >>> def model():
        ...     network = torch.load("model.pt", weights_only=False).to("cuda").eval()
        ...     return lambda noise, plan: kpt.sample(network, torch.from_numpy(noise).cuda(), plan)
        >>> kinepath.ray.sample(                                                  # doctest: +SKIP
        ...     model, kp.Plan(50), 1_000_000, "s3://bucket/samples",
        ...     shape=(3, 32, 32), batch=512, resources={"CPU": 2, "GPU": 0.5},
        ... )

    Sample i starts from the noise of its seed and index, whoever computes it, so that the data set
    has the bytes of one process that samples the same batches. A part is computed by one worker and
    appears whole or not at all. Parts of workers or nodes that are lost are computed by others; the
    same call after an interruption computes what is missing. This process sees no samples.

    Args:
        model_factory: called once in each worker; loads the model there. It returns a field of this
            package, or a function that samples noise along a plan, as for
            :func:`kinepath.study_model`: ``functools.partial(kp.sample, f)`` makes one of a velocity
            function ``f(x, t)``.
        plan: grid, solver and gain.
        count: samples of the whole data set.
        path: its folder, which all workers reach by this name: on a shared file system, or a URI
            such as ``s3://bucket/folder``.
        shape: shape of one sample.
        seed: seed of the noise.
        labels: one class per sample, ``[count]``.
        batch: samples integrated together; another batch changes last digits.
        part_size: samples of a part, a multiple of ``batch``; that of a data set which is there, or
            at most 64 MB of samples, 65,536 samples, and a fourth of what falls to a worker.
        range: which samples to compute in this call, from the first of a part to the end of one;
            several clusters may fill one data set.
        record: what else to keep; a function must have recorded it.
        name: what the model is called in the settings; with a version or hash of its weights, as
            data sets are continued where the name is the same.
        resources: what each worker takes: ``{"CPU": 1}`` unless told, ``{"GPU": 0.25}`` for four
            models on each GPU, ``memory`` in bytes, and resources of your own. Above one GPU only
            whole ones can be taken. A worker computes with as many threads as it has CPUs.
        workers: how many at most; as many as the cluster has room for unless told. With it, workers
            are waited for that no node has room for yet, as on a cluster that grows on demand.
        retries: how often a part is tried again whose worker was lost, or could not write.
        progress: called with what is being done and how much of it, instead of a line on stderr,
            which is one a minute where that is no terminal.
        filesystem: where ``path`` is, for what no URI says: a file system of pyarrow or fsspec.

    Raises:
        KinepathError: for numbers that cannot be, workers that no node has room for, a folder of
            other settings, naming the first that differs, and a folder that workers do not share.
        kinepath.ray.WorkError: for a model that raised something, which is not tried again, or parts
            whose workers were lost too often, naming the part.
    """
    count, seed = integer("count", count, 1), integer("seed", seed, 0)
    batch = integer("batch", batch, 1)
    axes = [integer("an axis of shape", axis, 1) for axis in shape]
    if part_size is not None:
        part_size = integer("part_size", part_size, 1)
        if part_size % batch:
            raise KinepathError(f"a part has whole batches of {batch} samples, got {part_size}")
    if labels is not None and len(labels) != count:
        raise KinepathError(f"there are {len(labels)} labels for {count} samples")
    # Ray is needed from here on; data sets are read without it.
    from .pool import Pool

    store = Store(path, filesystem)
    pool: Pool[SampleTask, None] = Pool(resources=resources, workers=workers, retries=retries)
    asked = settings.settings_of(
        model=name,
        plan=plan,
        count=count,
        shape=axes,
        seed=seed,
        labels=labels,
        record=record,
        batch=batch,
        part_size=part_size or fitting(count, batch, axes, pool.workers),
    )
    if part_size is None:
        asked = settings.in_parts_as_there(store, asked)
    wanted = _wanted(parts.ranges(count, asked["part_size"]), count, range)
    claimed = settings.of_dataset(store, asked)
    claimed.make()
    dataset = Dataset(path, filesystem=filesystem)
    missing = dataset.missing(wanted)
    total = sum(map(len, wanted))
    done = total - sum(map(len, missing))
    told = progress or on_stderr()
    told("sampling", done / total)
    classes = None if labels is None else np.asarray(labels, np.int64)
    pool.add(
        SampleTask(rows, None if classes is None else classes[rows.start : rows.stop])
        for rows in missing
    )
    job = Sampling(
        model_factory,
        store,
        plan,
        axes,
        seed,
        batch,
        record,
        settings_sha256=settings.digest(asked),
    )
    with closing(pool.run(job)) as finished:
        for number, (task, _) in enumerate(finished):
            if not number:
                # Of two calls that began together, one may have written its settings over the other's.
                claimed.check()
            done += len(task.rows)
            told("sampling", done / total)
    claimed.check()
    absent = dataset.missing(wanted)
    if absent:
        raise KinepathError(
            f"workers wrote {len(missing)} parts, and {len(absent)} of them are not in {store} as "
            "this process sees it: choose a folder that all nodes share"
        )
    if wanted == dataset.ranges:
        store.delete_folder(INCOMING)
    return dataset


def fitting(count: int, batch: int, shape: Sequence[int], workers: int) -> int:
    """The samples of a part unless told, in whole batches.

    Parts of 65,536 small samples take a second or more, against which the tens of milliseconds that
    a part costs in files and messages are little.
    """
    of_memory = PART_BYTES // (4 * prod(shape))
    of_work = -(-count // (PARTS_A_WORKER * workers))
    samples = min(of_memory, PART_SAMPLES, of_work)
    return batch * max(1, samples // batch)


def _wanted(everything: list[range], count: int, chosen: range | None) -> list[range]:
    """The parts that a range is made of."""
    if chosen is None:
        return everything
    wanted = [rows for rows in everything if rows.start in chosen and rows.stop - 1 in chosen]
    if chosen.step != 1 or not wanted or sum(map(len, wanted)) != len(chosen):
        raise KinepathError(
            f"{chosen} is not made of whole parts of {len(everything[0])} of {count} samples"
        )
    return wanted
