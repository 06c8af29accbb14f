"""Calling a model for a velocity, and what is demanded of what it returns."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor

from .._kinepath import KinepathError, ModelError
from .speed import squared_speed

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


class Evaluation(NamedTuple):
    """What one evaluation of a field gives."""

    velocity: Tensor
    """``[B, *shape]``, of any type."""
    parts: Sequence[Tensor]
    """``‖v‖²`` of the conditional and of the unconditional velocity, ``[B]`` each, if asked for."""


def velocity_of(
    model: Model,
    guidance_scale: float | None,
    condition: Any,
    null_condition: Any,
    *,
    parts: bool = False,
) -> Callable[[Tensor, Tensor, torch.dtype], Evaluation]:
    """``velocity(x, t, dtype)``: the model's, or the guided one, which is formed in ``dtype``.

    Args:
        parts: whether to measure the two velocities that a guided one is made of.

    Raises:
        KinepathError: for guidance without both conditions or a finite scale, or a null condition
            without guidance; for parts without guidance.
    """
    if guidance_scale is None:
        if null_condition is not None:
            raise KinepathError("null_condition is for guidance: give guidance_scale as well")
        if parts:
            raise KinepathError(
                "energies of parts can be recorded of a guided velocity only: give guidance_scale "
                "and both conditions, or leave parts out of the record"
            )
        return lambda x, t, dtype: Evaluation(called(model, x, t, condition), ())
    if condition is None or null_condition is None:
        raise KinepathError(
            "guidance needs both condition and null_condition; for a model that is called without "
            "one where it is unconditional, give null_condition={}"
        )
    scale = float(guidance_scale)
    if not math.isfinite(scale):
        raise KinepathError(f"the guidance scale is {scale}")

    def guided(x: Tensor, t: Tensor, dtype: torch.dtype) -> Evaluation:
        # Copies in every case: the first call may change its states and times in place, and the
        # second overwrite what the first returned.
        velocity = called(model, x.clone(), t.clone(), null_condition).to(dtype, copy=True)
        unconditional = [squared_speed(velocity)] if parts else []
        conditional = called(model, x, t, condition)
        speeds = [squared_speed(conditional), *unconditional] if parts else []
        return Evaluation(velocity.mul_(1.0 - scale).add_(conditional, alpha=scale), speeds)

    return guided


def called(model: Model, x: Tensor, t: Tensor, condition: Any) -> Tensor:
    """The velocity that ``model`` returns for ``x``, ``[B, *shape]``, and ``t``, ``[B]``.

    Raises:
        ModelError: unless it is a tensor of fractions of the shape and on the device of ``x``.
    """
    if condition is None:
        velocity = model(x, t)
    elif isinstance(condition, Mapping):
        velocity = model(x, t, **condition)
    else:
        velocity = model(x, t, condition)
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
