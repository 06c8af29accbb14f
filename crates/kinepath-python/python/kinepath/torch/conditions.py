"""What models are conditioned on, row by row: tensors, and mappings or sequences of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from .._kinepath import KinepathError

ONE_BY_ONE = 'guidance_style="calls" evaluates them one after the other'
"""What helps where two conditions have no common batch."""
PLAIN = (bool, int, float, str)
"""What is for all samples, and so for both halves of a batch if both conditions have the same."""


def rows_of(condition: Any, batch: int, rows: slice) -> Any:
    """The condition of some of ``batch`` samples.

    What has a row for each is cut, anything else is for all.
    """
    if rows == slice(0, batch):
        return condition

    def cut(value: Any) -> Any:
        return value[rows] if tuple(getattr(value, "shape", ()))[:1] == (batch,) else value

    return _each(condition, cut)


def doubled(condition: Any, null: Any, batch: int) -> Any:
    """One condition for twice ``batch`` rows: of the samples, then of none.

    A tensor of one row, or of one number, is for all, and so is a null condition without the axis of
    rows that the condition has.

    Raises:
        KinepathError: for conditions of different kinds or shapes, and for tensors of another number
            of rows, which a model would take for other samples' once they are twice as many.
    """
    if isinstance(condition, Mapping) and isinstance(null, Mapping):
        if condition.keys() != null.keys():
            raise KinepathError(
                f"the condition has {_names(condition)}, the null condition {_names(null)}, which do "
                f"not go in one batch: {ONE_BY_ONE}"
            )
        return {name: doubled(value, null[name], batch) for name, value in condition.items()}
    if isinstance(condition, (list, tuple)) and isinstance(null, (list, tuple)):
        if len(condition) == len(null):
            values = [doubled(*pair, batch) for pair in zip(condition, null)]
            return _like(condition, values)
    elif isinstance(condition, Tensor) and isinstance(null, Tensor):
        wide = null[None] if null.ndim == condition.ndim - 1 else null
        wanted, given = (_in_rows(value, batch) for value in (condition, wide))
        alike = given.shape == wanted.shape and given.device == wanted.device
        if alike and len(wanted) == batch:
            return torch.cat([wanted, given])
    elif condition is null or (
        isinstance(condition, PLAIN) and isinstance(null, PLAIN) and condition == null
    ):
        return condition
    raise KinepathError(
        f"{_shown(condition)} and its null {_shown(null)} do not go in one batch of {2 * batch} rows: "
        f"{ONE_BY_ONE}"
    )


def _each(condition: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(condition, Mapping):
        return {name: _each(value, change) for name, value in condition.items()}
    if isinstance(condition, (list, tuple)):
        return _like(condition, [_each(value, change) for value in condition])
    return change(condition)


def _like(condition: list[Any] | tuple[Any, ...], values: list[Any]) -> Any:
    """``values`` in a sequence of the kind of ``condition``, whose names a model may read."""
    if isinstance(condition, list):
        return values
    make = getattr(condition, "_make", tuple)
    return make(values)


def _in_rows(value: Tensor, batch: int) -> Tensor:
    """``value`` with a row for each sample, where one is for all."""
    if value.ndim == 0 or value.shape[0] == 1:
        return value.expand(batch, *value.shape[1:])
    return value


def _names(condition: Mapping[str, Any]) -> str:
    return ", ".join(map(str, condition)) or "nothing"


def _shown(condition: Any) -> str:
    if isinstance(condition, Tensor):
        return f"a tensor of shape {list(condition.shape)} on {condition.device}"
    return f"a {type(condition).__name__}"
