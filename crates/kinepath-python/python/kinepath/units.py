"""Whether samples and training data can be in the same units."""

from __future__ import annotations

import warnings

from . import _kinepath
from .arrays import F32


def check_same_units(samples: F32, train: F32) -> None:
    """Warns the caller's caller where two sets, ``[·, *shape]``, clearly are in different units.

    A study finds it by the same rule: ``ValueSummary::may_share_units`` of the crate.
    """
    if not _kinepath.may_share_units(samples, train):
        warnings.warn(
            f"the samples lie in {_range(samples)}, the training data in {_range(train)}: distances "
            "between them mean something only if both are in the same units, those in which the "
            "model was trained; bring one of them to the units of the other",
            UserWarning,
            stacklevel=3,
        )


def _range(records: F32) -> str:
    return f"[{records.min():.4g}, {records.max():.4g}]"
