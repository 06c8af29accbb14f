"""Speeds on the device: how they are measured, governed and read back."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..arrays import F64


def exact(device: torch.device) -> torch.dtype:
    """The widest type of fractions that ``device`` has."""
    return torch.float32 if device.type == "mps" else torch.float64


def squared_speed(v: Tensor) -> Tensor:
    """``‖v‖²`` of every row, ``[B]``, summed in the widest type of the device."""
    # Over all axes but the first as they lie: flattening copies what is not contiguous.
    rows = v if v.ndim > 1 else v[:, None]
    norm: Tensor = torch.linalg.vector_norm(
        rows, dim=tuple(range(1, rows.ndim)), dtype=exact(v.device)
    )
    # Not in place: a backward pass through the norm needs it as it is.
    return norm.square()


def governed(speed: Tensor, governor: tuple[float | Tensor, float]) -> Tensor:
    """What a closed-loop gain multiplies every row by, ``[B]``, given its ``‖v‖²``.

    Args:
        governor: ceiling and exponent.
    """
    ceiling, exponent = governor
    return (ceiling / speed.clamp(min=ceiling)).pow(exponent)


def scaled(v: Tensor, factors: Tensor) -> Tensor:
    """Every row of ``v``, ``[B, *shape]``, times its factor, ``[B]``."""
    return v * factors.to(v.dtype).reshape(-1, *[1] * (v.ndim - 1))


def read_back(columns: Sequence[Tensor]) -> F64:
    """Columns of ``[B]`` as the rows of one array, by one copy from the device."""
    rows: F64 = torch.stack(list(columns)).cpu().double().numpy()
    return rows
