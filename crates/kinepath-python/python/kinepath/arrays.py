"""Arguments as the arrays that the core takes."""

from __future__ import annotations

import operator
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ._kinepath import KinepathError

F32: TypeAlias = npt.NDArray[np.float32]
F64: TypeAlias = npt.NDArray[np.float64]
I64: TypeAlias = npt.NDArray[np.int64]

LARGEST = 2**63 - 1
"""The largest int64."""
HALF_BYTE = np.float32(127.5)
"""Half the range of a uint8, which is mapped to [−1, 1]."""


def f32(values: Any) -> F32:
    """As float32, from a torch tensor too: the array itself where it is one already.

    Strides may be any; memory that is not aligned is copied.

    Raises:
        KinepathError: for what is no array of real numbers.
    """
    return np.require(real(values), np.float32, ["ALIGNED"])


def data(values: Any) -> F32:
    """As float32 data, in the units of models and studies.

    uint8 are pictures and mapped to [−1, 1] by ``x / 127.5 − 1``, as the program maps them; values
    of any other type are taken as they are.

    Raises:
        KinepathError: for what is no array of real numbers.
    """
    array = real(values)
    if array.dtype == np.uint8:
        pictures: F32 = array.astype(np.float32)
        pictures /= HALF_BYTE
        pictures -= np.float32(1.0)
        return pictures
    return f32(array)


def column(values: npt.ArrayLike) -> F64:
    """As one float64 column, ``[N]``.

    Raises:
        KinepathError: for what is no array of real numbers, or has other axes.
    """
    array = f64(values)
    if array.ndim != 1:
        raise KinepathError(f"a column has one value per sample, [N]; got shape {array.shape}")
    return array


def f64(values: Any) -> F64:
    """As float64.

    Raises:
        KinepathError: for what is no array of real numbers.
    """
    return np.require(real(values), np.float64, ["ALIGNED"])


def whole(values: Any, what: str, *, least: int = -LARGEST - 1) -> list[int]:
    """As whole numbers, from whatever holds some: floats too, where they are whole.

    Args:
        values: ``[N]``.
        what: what they are, in the plural, for messages.
        least: the smallest that may be among them.

    Raises:
        KinepathError: for fractions, NaN, other axes, numbers out of range, or what is no array of
            real numbers.
    """
    array = real(values)
    if array.ndim != 1:
        raise KinepathError(f"{what} are a list of whole numbers, got shape {array.shape}")
    numbers = []
    for position, value in enumerate(array.tolist()):
        if isinstance(value, float) and not value.is_integer():
            raise KinepathError(f"{what} are whole numbers, got {value} at position {position}")
        number = int(value)
        if not least <= number <= LARGEST:
            bound = f"at least {least}" if number < least else f"at most {LARGEST}"
            raise KinepathError(f"{what} are {bound}, got {number} at position {position}")
        numbers.append(number)
    return numbers


def integer(value: Any, what: str, *, least: int = 0, most: int = 2 * LARGEST + 1) -> int:
    """As one whole number, of Python, NumPy or torch.

    Raises:
        KinepathError: for anything else, or a number out of range.
    """
    number = as_integer(value)
    if number is None:
        raise KinepathError(f"{what} must be a whole number, got {value!r}")
    if not least <= number <= most:
        bound = f"at least {least}" if number < least else f"at most {most}"
        raise KinepathError(f"{what} is {bound}, got {number}")
    return number


def as_integer(value: Any) -> int | None:
    """As one whole number, or None where it is anything else, such as a list of one."""
    if getattr(value, "ndim", 0) == 0:
        try:
            return operator.index(value)
        except TypeError:
            pass
    return None


def real(values: Any) -> npt.NDArray[Any]:
    """As an array of real numbers, of any type.

    Raises:
        KinepathError: for anything else.
    """
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        # NumPy has no such type.
        values = values.float() if str(values.dtype) == "torch.bfloat16" else values
    try:
        array = np.asarray(values)
    except (TypeError, ValueError) as error:
        raise KinepathError(f"an array of numbers is needed: {error}") from error
    if array.dtype.kind not in "buif":
        raise KinepathError(
            f"an array of real numbers is needed, got {type(values).__name__} of {array.dtype}"
        )
    return array
