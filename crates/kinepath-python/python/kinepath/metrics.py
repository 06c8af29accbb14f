"""Is it a copy, how dense are the data around it, are two sets alike?

Samples or their features, ``[N, *shape]``, are arrays, paths that the program takes for data, measured
:class:`kinepath.Paths`, whose endpoints they are, or data sets and loaders of PyTorch; they are flattened
to points. uint8 are pictures everywhere and mapped to
[−1, 1], as a study maps them. Searches are exact; results do not depend on the number of threads.
Formulas, sources and pitfalls are in the project's ``docs/metrics.md``.
"""

from __future__ import annotations

from os import PathLike, fspath
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from . import _kinepath
from .arrays import F32, F64, HALF_BYTE, I64, f32, integer
from .loaders import Data, both, loaded
from .stats import Interval, share
from .units import check_same_units

GAP_THRESHOLD = 1.0 / 3.0
"""The gap ratio below which a sample counts as memorized; Yoon et al. (2023)."""


class Neighbours(NamedTuple):
    """The k nearest points of each query, nearest first."""

    indices: I64
    """Rows of the points, ``[Q, k]``; of equal distances the lower row first."""
    distances: F64
    """Euclidean distances, ``[Q, k]``, in data units."""


class Memorization(NamedTuple):
    """Distances of samples to the training set, in which duplicates count once."""

    d1: F64
    """Distance to the nearest training point, ``[N]``, in data units."""
    d2: F64
    """Distance to the second nearest, ``[N]``."""
    ratio: F64
    """Gap ratio ``d1 / d2``, ``[N]``; small for a copy."""
    nearest: I64
    """Row of the nearest training point, ``[N]``."""
    authentic: npt.NDArray[np.bool_]
    """Whether a sample is further from its nearest training point than that is from its own."""

    def memorized(self, threshold: float = GAP_THRESHOLD) -> npt.NDArray[np.bool_]:
        """Whether each sample counts as memorized: its gap ratio is below ``threshold``."""
        return self.ratio < threshold

    @property
    def f_mem(self) -> float:
        """The share of memorized samples at the usual threshold of a third."""
        return float(self.memorized().mean())

    def f_mem_interval(self, threshold: float = GAP_THRESHOLD, *, level: float = 0.95) -> Interval:
        """The share of memorized samples with its interval, that of :func:`kinepath.share`.

        Raises:
            KinepathError: for a level outside (0, 1).
        """
        memorized = self.memorized(threshold)
        return share(int(memorized.sum()), len(memorized), level=level)


class Prdc(NamedTuple):
    """How well generated features cover real ones, and how well they stay among them."""

    precision: float
    """Share of generated points inside the k-NN ball of some real point."""
    recall: float
    """Share of real points inside the k-NN ball of some generated point."""
    density: float
    """Mean number of real balls a generated point lies in, over k; can exceed 1."""
    coverage: float
    """Share of real points whose ball holds a generated point."""


def neighbours(queries: Data, points: Data, k: int = 1) -> Neighbours:
    """The exact k nearest ``points``, ``[N, *shape]``, of each of ``queries``, ``[Q, *shape]``.

    Args:
        queries: ``[Q, *shape]``; uint8 is mapped to [−1, 1].
        points: ``[N, *shape]``, likewise. The path (a string or ``Path``) of an ``.npy`` file, with an
            array in row-major order, may be that of more than memory holds: it is read in blocks of
            128 MB. Where it holds uint8, distances are those of its values in [−1, 1], and to a copy
            next to 0 rather than 0.
        k: neighbours of each query.

    Raises:
        KinepathError: for shapes that do not fit, NaN or infinity, fewer than k points, or a file
            that cannot be read or is incomplete.
    """
    k = integer(k, "the number of neighbours k", least=1)
    if isinstance(points, (str, PathLike)) and fspath(points).lower().endswith(".npy"):
        return _neighbours_in_file(loaded(queries), fspath(points), k)
    return Neighbours(*_kinepath.neighbours(*both(queries, points), k))


def _neighbours_in_file(queries: F32, file: str, k: int) -> Neighbours:
    if not _holds_bytes(file):
        return Neighbours(*_kinepath.neighbours_in_file(queries, file, k))
    # The core reads values as they are: the queries go to their units, distances come back.
    as_stored = (queries.astype(np.float64) + 1.0) * float(HALF_BYTE)
    indices, distances = _kinepath.neighbours_in_file(f32(as_stored), file, k)
    return Neighbours(indices, distances / float(HALF_BYTE))


def _holds_bytes(file: str) -> bool:
    try:
        return bool(np.load(file, mmap_mode="r").dtype == np.uint8)
    except (OSError, ValueError, EOFError):
        # The core says what is wrong with it.
        return False


def memorization(samples: Data, train: Data) -> Memorization:
    """How close each of ``samples`` is to the training set ``train``, both ``[·, *shape]``.

    uint8, on either side, is mapped to [−1, 1]. Both must be in the same units: where they clearly
    are not, as [0, 1] and [−1, 1], a ``UserWarning`` gives the range of each.

    Raises:
        KinepathError: for shapes that do not fit, NaN or infinity, or fewer than two different
            training points.
    """
    own, points = both(samples, train)
    found = Memorization(**_kinepath.memorization(own, points))
    check_same_units(own, points)
    return found


def support(
    samples: Data,
    train: Data,
    *,
    k: int = 10,
    method: Literal["knn", "kde"] = "knn",
) -> F64:
    """Log density of the training set at each sample, ``[N]``, up to a constant.

    Both must be in the same units: where they clearly are not, a ``UserWarning`` says so.

    Args:
        samples: ``[N, *shape]``; uint8 is mapped to [−1, 1].
        train: ``[M, *shape]``, likewise.
        k: neighbours; for ``kde`` the median distance to the k-th is the bandwidth.
        method: k nearest neighbours, or a Gaussian kernel.

    Raises:
        KinepathError: for shapes that do not fit, NaN or infinity, or too few training points.
    """
    if method not in ("knn", "kde"):
        raise _kinepath.KinepathError(f'unknown method {method!r}; use "knn" or "kde"')
    k = integer(k, "the number of neighbours k", least=1)
    own, points = both(samples, train)
    density = _kinepath.support(own, points, k, method == "kde")
    check_same_units(own, points)
    return density


def frechet_distance(generated: Data, real: Data) -> float:
    """Squared Fréchet distance between Gaussians fitted to two sets of features ``[·, F]``.

    The "FID" of Heusel et al. (2017) when the features are Inception's. It falls with the number
    of rows: compare equal counts. uint8 is mapped to [−1, 1].

    Raises:
        KinepathError: for shapes that do not fit, NaN or infinity, or fewer than two rows.
    """
    return _kinepath.frechet_distance(*both(generated, real))


def kernel_distance(generated: Data, real: Data) -> float:
    """Kernel inception distance of two sets of features ``[·, F]``, unbiased, over all rows.

    uint8 is mapped to [−1, 1].

    Source: Bińkowski et al., arXiv 1801.01401, eq. 4.

    Raises:
        KinepathError: for shapes that do not fit, NaN or infinity, or fewer than two rows.
    """
    return _kinepath.kernel_distance(*both(generated, real))


def prdc(generated: Data, real: Data, k: int = 5) -> Prdc:
    """Precision, recall, density and coverage of features ``[·, F]``.

    uint8 is mapped to [−1, 1]. Agrees with the package ``prdc``; Naeem et al., arXiv 2002.09797.

    Raises:
        KinepathError: for shapes that do not fit, NaN or infinity, or fewer than k + 2 rows.
    """
    k = integer(k, "the number of neighbours k", least=1)
    return Prdc(*_kinepath.prdc(*both(generated, real), k))


def vendi_score(features: Data) -> float:
    """The effective number of different rows of ``features``, ``[N, F]``, between 1 and N.

    Cosine similarity, of uint8 after mapping it to [−1, 1]; Friedman & Dieng, arXiv 2210.02410.
    Agrees with the package ``vendi-score``.

    Raises:
        KinepathError: without rows, for NaN or infinity, or for a row of zeros.
    """
    return _kinepath.vendi_score(loaded(features))
