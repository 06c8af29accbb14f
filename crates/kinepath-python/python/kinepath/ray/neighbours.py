"""The nearest training points of samples, from those in each block of a training set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load, save

from .. import _kinepath
from .._kinepath import KinepathError
from ..arrays import F32, F64, I64

COMPARED = 1 << 24
"""Values of training points that are compared at a time."""


class Nearest(NamedTuple):
    """Nearest distinct training points of samples, nearest first; of equally near ones the lower row
    first."""

    rows: I64
    """Rows of the training set, ``[n, k]``; of equal points the first."""
    squares: F64
    """Squared distances, ``[n, k]``: two of them may have one root."""

    def to_bytes(self) -> bytes:
        """As a safetensors file."""
        return save(self._asdict())

    @staticmethod
    def from_bytes(content: bytes) -> Nearest:
        """From what :meth:`to_bytes` gave."""
        return Nearest(**load(content))


def in_block(samples: F32, block: F32, first: int, k: int) -> Nearest:
    """The k nearest, or all, of a block whose first record is row ``first``.

    Raises:
        KinepathError: for shapes that do not fit, NaN or infinity.
    """
    rows, squares = _kinepath.distinct_neighbours(samples, block, k)
    return Nearest(rows + first, squares)


def merged(found: Sequence[Nearest], k: int, take: Callable[[I64], F32]) -> Nearest:
    """The k nearest of all blocks, given those of each.

    A point and its copy in another block are equally far from everything, so only such pairs are
    compared. The k nearest of a block are enough: whatever is nearer than a point within its block is
    so among all.

    Args:
        take: training points by their rows.

    Raises:
        KinepathError: for fewer than k different training points.
    """
    rows = np.concatenate([part.rows for part in found], axis=1)
    squares = np.concatenate([part.squares for part in found], axis=1)
    order = np.lexsort((rows, squares), axis=-1)
    rows, squares = np.take_along_axis(rows, order, 1), np.take_along_axis(squares, order, 1)
    copies = _copies(rows, squares, take) if len(found) > 1 else np.zeros(rows.shape, bool)
    different = int((~copies).sum(axis=1).min())
    if different < k:
        raise KinepathError(
            f"{k} nearest neighbours need {k} different training points, and there are {different}"
        )
    first = np.argsort(copies, axis=1, kind="stable")[:, :k]
    return Nearest(np.take_along_axis(rows, first, 1), np.take_along_axis(squares, first, 1))


def _copies(rows: I64, squares: F64, take: Callable[[I64], F32]) -> npt.NDArray[np.bool_]:
    """Whether each of the sorted candidates has the values of one before it."""
    copies = np.zeros(rows.shape, bool)
    for apart in range(1, rows.shape[1]):
        sample, place = np.nonzero(squares[:, apart:] == squares[:, :-apart])
        if not len(sample):
            break
        pairs = np.stack([rows[sample, place], rows[sample, place + apart]], axis=1)
        pairs, which = np.unique(pairs, axis=0, return_inverse=True)
        equal = _equal(pairs, take)[which.ravel()]
        copies[sample[equal], place[equal] + apart] = True
    return copies


def _equal(pairs: I64, take: Callable[[I64], F32]) -> npt.NDArray[np.bool_]:
    """Whether the two points of each pair of rows, ``[P, 2]``, have the same values."""
    equal = np.zeros(len(pairs), bool)
    at_once = 1
    first = 0
    while first < len(pairs):
        some = pairs[first : first + at_once]
        one, other = (take(column).reshape(len(some), -1) for column in some.T)
        equal[first : first + at_once] = (one == other).all(axis=1)
        first += len(some)
        at_once = max(1, COMPARED // one.shape[1])
    return equal
