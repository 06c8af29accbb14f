"""Arguments as the arrays that the core takes."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

F32: TypeAlias = npt.NDArray[np.float32]
F64: TypeAlias = npt.NDArray[np.float64]
I64: TypeAlias = npt.NDArray[np.int64]


def f32(values: npt.ArrayLike) -> F32:
    """As float32: the array itself where it is one already, whatever its strides."""
    return np.asarray(values, dtype=np.float32)


def column(values: npt.ArrayLike) -> F64:
    """As one float64 column."""
    return np.asarray(values, dtype=np.float64)
