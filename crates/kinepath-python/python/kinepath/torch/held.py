"""Numbers as they were when something was booked: for all samples, or one for each."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .._kinepath import KinepathError
from ..arrays import F64
from .model import FLOATS
from .speed import exact

Number: TypeAlias = "float | Tensor | np.number[Any] | NDArray[Any]"
"""A number for all samples, or ``[B]``: of Python, NumPy, or a tensor on the device of the velocities."""


class Held(NamedTuple):
    """A number, and the type that it came in."""

    value: float | Tensor | F64
    """For all, or ``[B]``: as a tensor where it is one that has to be waited for."""
    kind: torch.dtype


def held(name: str, number: Any, v: Tensor) -> Held:
    """``number`` as it is now: a loop may go on to change the memory it has its time in.

    Args:
        name: what it is, for messages.
        number: one for all samples, or ``[B]``.
        v: velocities of the samples, ``[B, *shape]``.

    Raises:
        KinepathError: for another shape, kind or device.
    """
    wanted = f"{name} must be a number, or [{v.shape[0]}] with one for each sample"
    if isinstance(number, (np.ndarray, np.floating)):
        if number.dtype.kind != "f":
            raise KinepathError(f"{wanted}, of fractions; got an array of {number.dtype}")
        # In the order of bytes, and up to the width, that torch has.
        native = np.dtype(f"f{min(number.dtype.itemsize, 8)}")
        kind = torch.from_numpy(np.empty(0, native)).dtype
        if number.shape in ((), (1,)):
            return Held(float(number.reshape(())), kind)
        if number.shape != (v.shape[0],):
            raise KinepathError(f"{wanted}; got shape {list(number.shape)}")
        return Held(np.array(number, dtype=np.float64), kind)
    if not isinstance(number, Tensor):
        try:
            return Held(float(number), torch.float64)
        except (TypeError, ValueError) as error:
            raise KinepathError(f"{wanted}; got {number!r}") from error
    if number.dtype not in FLOATS:
        raise KinepathError(
            f"{name} must be floating point, got a tensor of {number.dtype}: times run from 0 (noise) "
            "to 1 (data)"
        )
    if number.shape == (1,):
        number = number.reshape(())
    if number.ndim == 0 and number.device.type == "cpu":
        return Held(float(number), number.dtype)
    if number.shape not in ((), (v.shape[0],)) or number.device != v.device:
        raise KinepathError(
            f"{wanted}, on {v.device}; got shape {list(number.shape)} on {number.device}"
        )
    return Held(number.detach().to(exact(v.device), copy=True), number.dtype)
