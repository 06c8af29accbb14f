"""Training sets, block after block, for workers that hold one block at a time."""

from __future__ import annotations

import hashlib
import io
import os
from dataclasses import dataclass, field
from math import prod
from pathlib import PurePath
from typing import Any, Protocol

import numpy as np
from numpy.lib import format as npy

from .. import _kinepath
from .._kinepath import KinepathError
from ..arrays import F32, I64
from ..loaders import Data
from ..progress import Progress
from ..runs import records
from .parts import ranges
from .store import Store

HASHED_VALUES = 1 << 24
"""Values of a training set that are read at a time to hash them: 64 MB."""


class TrainingSet(Protocol):
    """Records ``[N, *shape]`` that a worker reads as it needs them. Workers get it as a pickle."""

    @property
    def count(self) -> int:
        """N."""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of a record."""
        ...

    def block(self, rows: range) -> F32:
        """The records of a range."""
        ...

    def take(self, rows: I64) -> F32:
        """The records with these numbers."""
        ...


@dataclass(frozen=True)
class TrainingArray:
    """Records in Ray's object store, of which each node keeps one copy for all its workers."""

    reference: Any
    count: int
    shape: tuple[int, ...]

    def block(self, rows: range) -> F32:
        return self._values()[rows.start : rows.stop]

    def take(self, rows: I64) -> F32:
        return self._values()[rows]

    def _values(self) -> F32:
        import ray

        values: F32 = ray.get(self.reference)
        return values


@dataclass(frozen=True)
class TrainingFile:
    """Records in an NPY file of floats, read where they lie."""

    store: Store
    name: str
    count: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    start: int
    """Where the first record begins, in bytes."""
    _size: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_size", prod(self.shape) * self.dtype.itemsize)

    def block(self, rows: range) -> F32:
        start = self.start + rows.start * self._size
        (content,) = self.store.pieces(self.name, [start], len(rows) * self._size)
        return self._records(content, len(rows))

    def take(self, rows: I64) -> F32:
        starts = (self.start + int(row) * self._size for row in rows)
        found = self.store.pieces(self.name, starts, self._size)
        return self._records(b"".join(found), len(rows))

    def _records(self, content: bytes, count: int) -> F32:
        if len(content) != count * self._size:
            raise KinepathError(f"{self.store}/{self.name} ends before its records do")
        values = np.frombuffer(content, self.dtype).reshape(count, *self.shape)
        return np.asarray(values, np.float32)


def training_set(train: Data, shape: tuple[int, ...], filesystem: Any = None) -> TrainingSet:
    """A training set of records of one ``shape``; a path may be a URI, or one of ``filesystem``.

    An NPY file of floats with such records, in row-major order, is read by the workers, block after
    block. Other NPY files, other files of this machine, and arrays are read here as the program
    would, uint8 mapped to [−1, 1], and put into Ray's object store.

    Raises:
        KinepathError: for records of another shape, and data that cannot be read.
        StoreError: for a file that its store does not give.
    """
    values: TrainingFile | F32
    if isinstance(train, (str, os.PathLike)):
        values = _of_path(os.fspath(train), shape, filesystem)
        if isinstance(values, TrainingFile):
            return values
    elif filesystem is None:
        values = _floats(train)
    else:
        raise KinepathError("train_filesystem= says where a path lies, and train is an array")
    if values.shape[1:] == (1, *shape):
        # The program gives pictures a channel.
        values = values[:, 0]
    if values.shape[1:] != shape or not len(values):
        raise KinepathError(
            f"training records have shape {values.shape[1:]}, but samples have {shape}"
        )
    import ray

    return TrainingArray(ray.put(values), len(values), shape)


def _floats(array: Data) -> F32:
    values = records(array)
    return _kinepath.load_data(values) if values.dtype == np.uint8 else values


def _of_path(path: str, shape: tuple[int, ...], filesystem: Any) -> TrainingFile | F32:
    """The records of a path, or its file where they can stay in it."""
    in_a_store = filesystem is not None or "://" in path
    if not _is_npy(path):
        if not in_a_store:
            return _kinepath.load_data(path)
        raise KinepathError(
            f"of the files in a store only those called ….npy are read, got {path}: save the "
            "training set as one, or copy it to a disk of this machine"
        )
    if not in_a_store and not os.path.exists(path):
        raise KinepathError(
            f"{path} is no file of this machine; for one in a store give its URI, or "
            "train_filesystem="
        )
    store, name = Store.of_file(path, filesystem)
    file = _in_place(store, name, shape)
    if file is not None:
        return file
    if not in_a_store:
        return _kinepath.load_data(path)
    try:
        return _floats(np.load(io.BytesIO(store.read(name)), allow_pickle=False))
    except ValueError as error:
        raise KinepathError(f"{store}/{name} cannot be read: {error}") from error


def _is_npy(path: str) -> bool:
    # What follows a question mark are options of a store, and part of the name on a disk.
    return PurePath(path.partition("?")[0] if "://" in path else path).suffix == ".npy"


def _in_place(store: Store, name: str, shape: tuple[int, ...]) -> TrainingFile | None:
    """The file, if its records can be read where they lie."""
    with store.open(name) as file:
        try:
            read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
            found, fortran_order, dtype = read[npy.read_magic(file)](file)
        except (ValueError, KeyError) as error:
            raise KinepathError(
                f"{store}/{name} is no NPY file of versions 1 and 2: {error}"
            ) from error
        start = file.tell()
    if tuple(found[1:]) != shape or fortran_order or dtype.kind != "f" or not found[0]:
        return None
    return TrainingFile(store, name, found[0], shape, dtype, start)


def fingerprint(training: TrainingSet, told: Progress) -> dict[str, Any]:
    """What tells a training set from another: its shape, and the SHA-256 of every value of it.

    Values are hashed as the float32 that samples are compared with, so that a file and an array of
    the same records are the same set. A file is read once for it, block after block, of which
    ``told`` is told.
    """
    hashed = hashlib.sha256()
    for rows in ranges(training.count, max(1, HASHED_VALUES // prod(training.shape))):
        hashed.update(np.ascontiguousarray(training.block(rows), np.dtype("<f4")).data)
        told("hashing the training set", rows.stop / training.count)
    return {
        "count": training.count,
        "shape": list(training.shape),
        "sha256": hashed.hexdigest(),
    }
