"""Whether samples and training data can be in the same units."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np

from .arrays import F32, F64

FEWEST = 16
"""Records of a set below which its scale says nothing."""
LOOKED_AT = 1 << 21
"""Values of a set that are looked at, so that the look costs next to nothing."""
FACTOR = 2.0
"""Ratio of standard deviations beyond which scales differ."""


class _Scale(NamedTuple):
    deviation: float
    """Of all values."""
    norms: F64
    """Euclidean norms of the records, ``[N]``."""
    signed: float
    """Share of records that reach as far below 0 as a quarter of their largest magnitude."""


def check_same_units(samples: F32, train: F32) -> None:
    """Warns the caller's caller where the two sets, ``[·, *shape]``, clearly differ in scale.

    They do if their standard deviations differ by more than a factor of 2 while the usual norm of a
    sample is one that no training record has; or if nearly all records of one set are signed and
    nearly none of the other, as those of [−1, 1] and of [0, 1]. Neither is true of samples that all
    copy one record, of two sets of non-negative features, or of points in few dimensions; sets of
    fewer than 16 records are not judged.
    """
    if min(len(samples), len(train)) < FEWEST:
        return
    own, other = _scale(samples), _scale(train)
    small, large = sorted((own.deviation, other.deviation))
    usual = np.median(own.norms)
    apart = large > FACTOR * small and not other.norms.min() <= usual <= other.norms.max()
    unsigned, signed = sorted((own.signed, other.signed))
    if apart or (unsigned <= 0.1 and signed >= 0.9):
        warnings.warn(
            f"the samples lie in {_range(samples)}, the training data in {_range(train)}: distances "
            "between them mean something only if both are in the same units, those in which the "
            "model was trained; bring one of them to the units of the other",
            UserWarning,
            stacklevel=3,
        )


def _scale(records: F32) -> _Scale:
    values = records.reshape(len(records), -1)
    rows = max(LOOKED_AT // max(values.shape[1], 1), 8 * FEWEST)
    some = values[:: -(-len(values) // rows)].astype(np.float64)
    below = -some.min(1, initial=0.0)
    return _Scale(
        deviation=float(some.std()),
        norms=np.linalg.norm(some, axis=1),
        signed=float((below > 0.25 * np.abs(some).max(1, initial=0.0)).mean()),
    )


def _range(records: F32) -> str:
    return f"[{records.min():.4g}, {records.max():.4g}]"
