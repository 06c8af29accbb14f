"""Training sets, block after block, for workers that hold one block at a time."""

from __future__ import annotations

import hashlib
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
from ..judging import Data
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
        with self.store.open(self.name) as file:
            content = file.read_at(len(rows) * self._size, self.start + rows.start * self._size)
        return self._records(content, len(rows))

    def take(self, rows: I64) -> F32:
        with self.store.open(self.name) as file:
            found = [file.read_at(self._size, self.start + int(row) * self._size) for row in rows]
        return self._records(b"".join(found), len(rows))

    def _records(self, content: bytes, count: int) -> F32:
        if len(content) != count * self._size:
            raise KinepathError(f"{self.store}/{self.name} ends before its records do")
        values = np.frombuffer(content, self.dtype).reshape(count, *self.shape)
        return np.asarray(values, np.float32)


def training_set(train: Data, shape: tuple[int, ...]) -> TrainingSet:
    """A training set of records of one ``shape``.

    An NPY file of floats with such records, in row-major order, is read by the workers, block after
    block. Other files, and arrays of uint8, are read here as the program would, uint8 mapped to
    [−1, 1], and put into Ray's object store, as are arrays of other types.

    Raises:
        KinepathError: for records of another shape, and data that cannot be read.
    """
    if isinstance(train, (str, os.PathLike)):
        file = _npy_file(os.fspath(train), shape)
        if file is not None:
            return file
        values = _kinepath.load_data(os.fspath(train))
    else:
        array = records(train)
        values = _kinepath.load_data(array) if array.dtype == np.uint8 else array
    if values.shape[1:] == (1, *shape):
        # The program gives pictures a channel.
        values = values[:, 0]
    if values.shape[1:] != shape or not len(values):
        raise KinepathError(
            f"training records have shape {values.shape[1:]}, but samples have {shape}"
        )
    import ray

    return TrainingArray(ray.put(values), len(values), shape)


def _npy_file(path: str, shape: tuple[int, ...]) -> TrainingFile | None:
    """The file, if it is one that can be read where it lies."""
    if PurePath(path).suffix != ".npy":
        return None
    if "://" in path:
        folder, _, name = path.rpartition("/")
    else:
        folder, name = os.path.split(os.path.abspath(path))
    store = Store(folder)
    with store.open(name) as file:
        try:
            read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
            found, fortran_order, dtype = read[npy.read_magic(file)](file)
        except (ValueError, KeyError) as error:
            raise KinepathError(f"{path} is no NPY file of versions 1 and 2: {error}") from error
        start = file.tell()
    if tuple(found[1:]) != shape or fortran_order or dtype.kind != "f" or not found[0]:
        return None
    return TrainingFile(store, name, found[0], shape, dtype, start)


def fingerprint(training: TrainingSet) -> dict[str, Any]:
    """What tells a training set from another: its shape, and the SHA-256 of every value of it.

    Values are hashed as the float32 that samples are compared with, so that a file and an array of
    the same records are the same set. A file is read once for it, block after block.
    """
    hashed = hashlib.sha256()
    for rows in ranges(training.count, max(1, HASHED_VALUES // prod(training.shape))):
        hashed.update(np.ascontiguousarray(training.block(rows), np.dtype("<f4")).data)
    return {
        "count": training.count,
        "shape": list(training.shape),
        "sha256": hashed.hexdigest(),
    }
