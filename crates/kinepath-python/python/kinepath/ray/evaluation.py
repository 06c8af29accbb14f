"""How much of a data set is memorized: the exact search on a cluster, block by block."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, SupportsIndex

import numpy.typing as npt

from .. import _kinepath
from .._kinepath import KinepathError
from ..loaders import Data
from ..progress import Progress, on_stderr
from ..stats import Interval, share
from . import parts, settings
from .dataset import READERS, Dataset
from .moments import Moments
from .parts import Part
from .searching import IN_BLOCKS, NeighboursNote, Searching, Task, search_all
from .store import INCOMING
from .training import fingerprint, training_set

if TYPE_CHECKING:
    from .pool import Pool

RESERVED = (parts.TABLES, parts.TENSORS, INCOMING, "dataset")
"""Names in a data set that are not those of neighbours."""
BLOCK_VALUES = 1 << 25
"""Values of a block of the training set, unless told: 128 MB."""


@dataclass(frozen=True)
class Evaluation:
    """What :func:`evaluate` found, without the samples."""

    dataset: Dataset
    """The samples."""
    name: str
    """The folder of the data set that holds a table of neighbours for each part."""
    memorized: int
    """Samples whose gap ratio is below a third."""
    d1: Moments
    """Distances to the nearest training point, in data units."""
    kpe_of_memorized: Moments
    """Kinetic path energy of the memorized samples."""
    kpe_of_others: Moments
    """That of the others: a lower mean says that copies take less energy."""

    @property
    def kpe(self) -> Moments:
        """Kinetic path energy of all samples."""
        return self.kpe_of_memorized.both(self.kpe_of_others)

    @property
    def f_mem(self) -> Interval:
        """The share of memorized samples with its 95 % Wilson interval."""
        return share(self.memorized, len(self.dataset))

    def table(self, part: Part) -> dict[str, npt.NDArray[Any]]:
        """The neighbours of a part of the data set, a row per sample: ``index``, ``nearest``, ``d1``,
        ``d2``, ``ratio``, ``memorized`` and, if asked for, ``support``."""
        return parts.read_table(self.dataset.store, parts.table_name(part.rows, self.name))

    def __repr__(self) -> str:
        return f"<kinepath.ray.Evaluation: F_mem {self.f_mem} of {len(self.dataset)} samples>"


def evaluate(
    path: str | os.PathLike[str],
    train: Data,
    *,
    support: SupportsIndex | None = None,
    block_size: SupportsIndex | None = None,
    name: str = "neighbours",
    resources: Mapping[str, float] | None = None,
    workers: int | None = None,
    retries: int = 3,
    progress: Progress | None = None,
    filesystem: Any = None,
    train_filesystem: Any = None,
) -> Evaluation:
    """Finds the nearest training points of every sample of a finished data set, on a Ray cluster.

    Distances are those of :func:`kinepath.memorization` on all samples and training points at once,
    to the bit: duplicates count once, and of points that are equally near the first comes first. They
    become a Parquet file per part in ``neighbours/`` of the data set. A worker holds one part and one
    block; parts that are there already are not searched again, so an interrupted call goes on.

    Args:
        path: a data set of :func:`sample`.
        train: the training set: an array ``[N, *shape]``, a path, or the URI of an NPY file. NPY files
            of floats may be larger than memory: workers read their blocks where they lie, which all
            nodes must reach. Other data are read here, as the program reads them. In each call all
            of it is read once by this process, and hashed.
        support: the k of a column ``support``, the kNN support ``−log r_k`` of
            :func:`kinepath.support`; 10 in studies.
        block_size: records of a block of the training set; 128 MB of them unless told. It does not
            change what is found.
        name: the folder for the neighbours, and the name of the file of their settings: another
            training set, one of another shape or with a single value that differs, needs another
            one, and so does another ``support``.
        resources: what each worker takes, as for :func:`sample`.
        workers: how many, as for :func:`sample`.
        retries: how often a task is tried again whose worker or store failed.
        progress: called with what is being done and how much of it, instead of a line on stderr,
            which is one a minute where that is no terminal.
        filesystem: where ``path`` is, as for :func:`sample`.
        train_filesystem: where the NPY file ``train`` is, for what no URI says: a file system of
            pyarrow or fsspec, often that of the data set.

    Raises:
        KinepathError: for a data set with missing parts, data of another shape or that cannot be
            read, neighbours in another training set under this name, numbers that cannot be, and
            workers that no node has room for.
        kinepath.ray.WorkError: for training data with NaN or infinity or too few different points,
            and tasks whose workers were lost too often.
    """
    support = None if support is None else settings.integer("support", support, 1)
    block_size = None if block_size is None else settings.integer("block_size", block_size, 1)
    _check_name(name)
    # Ray is needed from here on; data sets are read without it.
    from .pool import Pool, connect

    told = progress or on_stderr()
    dataset = Dataset(path, filesystem=filesystem)
    wanted = dataset.whole()
    connect()
    training = training_set(train, dataset.shape, train_filesystem)
    block_size = block_size or max(1, BLOCK_VALUES // prod(dataset.shape))
    pool: Pool[Task, None] = Pool(resources=resources, workers=workers, retries=retries)
    claimed: settings.Settings = {
        "kinepath": _kinepath.__version__,
        "train": fingerprint(training, told),
    }
    if support is not None:
        claimed["support"] = support
    settings.of_evaluation(dataset.store, claimed, name).make()
    job = Searching(
        dataset,
        training,
        tuple(parts.ranges(training.count, block_size)),
        k=max(2, support or 0),
        support=support,
        name=name,
        settings_sha256=settings.digest(claimed),
    )
    there = _notes(job, wanted)
    missing = [part for part in wanted if part.rows not in there]
    search_all(pool, job, missing, told)
    there |= _notes(job, missing)
    if len(there) < len(wanted):
        raise KinepathError(f"{dataset.store} lost neighbours while they were sought; try again")
    for folder in (job.working_folder, INCOMING):
        dataset.store.delete_folder(folder)
    notes = [there[part.rows] for part in wanted]
    return Evaluation(
        dataset,
        name,
        memorized=sum(note["memorized"] for note in notes),
        d1=Moments.merged(Moments.from_record(note["d1"]) for note in notes),
        kpe_of_memorized=Moments.merged(
            Moments.from_record(note["kpe_of_memorized"]) for note in notes
        ),
        kpe_of_others=Moments.merged(Moments.from_record(note["kpe_of_others"]) for note in notes),
    )


def _check_name(name: str) -> None:
    if name in RESERVED or not name.replace("-", "").replace("_", "").isalnum():
        raise KinepathError(f"a name has letters, digits, - and _, and is not in use: got {name!r}")
    if name.endswith(IN_BLOCKS):
        raise KinepathError(
            f"a name does not end in {IN_BLOCKS}, as the folder of an unfinished search does: got "
            f"{name!r}"
        )


def _notes(job: Searching, wanted: Sequence[Part]) -> dict[range, NeighboursNote]:
    """What the tables of neighbours that are there say."""
    with ThreadPoolExecutor(READERS) as readers:
        found = zip(wanted, readers.map(job.note, wanted), strict=True)
        return {part.rows: note for part, note in found if note is not None}
