"""Calling a model for a velocity, and what is demanded of what it returns."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import torch
from torch import Tensor

from .._kinepath import KinepathError, ModelError

Model: TypeAlias = Callable[..., Tensor]
"""``model(x, t)`` with states ``[B, *shape]`` and times ``[B]``, returning velocities like ``x``.

A condition goes in as the third argument, ``model(x, t, condition)``; a mapping as keyword
arguments, ``model(x, t, **condition)``, as a ``ModelWrapper`` of flow_matching takes its extras.
"""

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
"""The types that states and velocities may have."""


def working_type(dtype: torch.dtype) -> torch.dtype:
    """The type that states and times are kept in for noise of ``dtype``."""
    return torch.float64 if dtype == torch.float64 else torch.float32


def check_tensor(name: str, given: object) -> None:
    """Refuses what is no tensor, such as the arrays of the NumPy functions.

    Raises:
        KinepathError: for anything else.
    """
    if not isinstance(given, Tensor):
        raise KinepathError(
            f"{name} must be a torch tensor, got {type(given).__name__}; torch.from_numpy({name}) "
            "makes one of a NumPy array"
        )


def called(model: Model, x: Tensor, t: Tensor, condition: Any) -> Tensor:
    """The velocity that ``model`` returns for ``x``, ``[B, *shape]``, and ``t``, ``[B]``.

    Raises:
        ModelError: unless it is a tensor of fractions of the shape and on the device of ``x``.
    """
    try:
        if condition is None:
            velocity = model(x, t)
        elif isinstance(condition, Mapping):
            velocity = model(x, t, **condition)
        else:
            velocity = model(x, t, condition)
    except RuntimeError as error:
        # PyTorch's own words name two types, and neither is known to be the time's.
        if sys.version_info >= (3, 11) and x.dtype != t.dtype and "type" in str(error):
            error.add_note(
                f"The states are in {x.dtype}, the times in {t.dtype}, which tells more of them apart. A "
                "model that mixes the two runs under torch.autocast, or is called as lambda x, t: "
                "model(x, t.to(x.dtype))."
            )
        raise
    return checked(velocity, x)


def checked(velocity: object, x: Tensor) -> Tensor:
    """What a model returned for ``x``, if it can be a velocity, or a prediction, of every state.

    Raises:
        ModelError: unless it is a tensor of fractions of the shape and on the device of ``x``.
    """
    if not isinstance(velocity, Tensor):
        raise ModelError(
            f"the model must return a tensor of shape {list(x.shape)}, got "
            f"{type(velocity).__name__}"
        )
    if velocity.shape != x.shape:
        raise ModelError(
            f"the model must return a velocity of shape {list(x.shape)}, got {list(velocity.shape)}"
        )
    if velocity.device != x.device:
        raise ModelError(
            f"the model returned a velocity on {velocity.device} for states on {x.device}"
        )
    if velocity.dtype not in FLOATS:
        raise ModelError(f"the model must return floating point, got {velocity.dtype}")
    return velocity
