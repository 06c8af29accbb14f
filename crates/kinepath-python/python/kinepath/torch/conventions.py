"""Models of other conventions on the straight path; the project's ``docs/conventions.md`` derives
them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from .._kinepath import KinepathError
from .model import Model, checked

Prediction = Literal["velocity", "data", "noise"]

ELSEWHERE = (
    "networks of diffusion paths are converted by the core: kinepath.export_onnx, then "
    "kinepath.OnnxField(path, trained_on=…)"
)


def converted(model: Model, *, predicts: Prediction = "velocity", time: str = "unit") -> Model:
    """A model of another convention as one of velocities, ``v(x, t)`` with t = 0 noise and 1 data.

    The words are those of :class:`kinepath.OnnxField`, for models of the straight path
    ``(1 − t) x0 + t x1`` between noise x0 and data x1:

        >>> import kinepath as kp, kinepath.torch as kpt, torch
        >>> denoiser = lambda x, t: torch.zeros_like(x)  # all data are 0, its time is 1000 (1 − t)
        >>> model = kpt.converted(denoiser, predicts="data", time="reversed+scaled:1000")
        >>> paths = kpt.sample(model, torch.ones(1, 2), kp.Plan(10))
        >>> paths.endpoints.abs().max() < 1e-6, paths.kpe.round(6)
        (tensor(True), array([1.]))

    What follows state and time is passed on. Guidance by :func:`kinepath.torch.sample` is the same
    before and after a conversion. Velocities are in the type of the times, at least float32.

    Args:
        model: called as ``model(x, time, …)`` with its own times, ``[B]``.
        predicts: what it returns: ``velocity`` (``x1 − x0``, or ``x0 − x1`` where its time is
            reversed), ``data`` (x1) or ``noise`` (x0). Data prediction leaves the velocity
            undefined at t = 1, noise prediction at t = 0: begin such a grid later, with
            ``kp.Grid.uniform(50).within(0.01, 1.0)``.
        time: what it calls time: ``unit`` (0 noise, 1 data), ``reversed`` (``1 − t``),
            ``scaled:S`` (S times the time), ``discrete:T`` (the index ``floor(t (T − 1))``, as
            int64), or ``reversed+`` one of the last two.

    Raises:
        KinepathError: for words that are none of these. The function itself raises ModelError for
            a prediction that is no tensor like the states.
    """
    if predicts not in get_args(Prediction):
        raise KinepathError(
            f"a model of the straight path predicts velocity, data or noise, got {predicts!r}; "
            + ELSEWHERE
        )
    reverse, told = _time(time)

    def velocity(x: Tensor, t: Tensor, *rest: Any, **extras: Any) -> Tensor:
        own = told(1.0 - t if reverse else t)
        if predicts == "velocity":
            given = checked(model(x, own, *rest, **extras), x)
            return -given if reverse else given
        # Copies: the model may change its states and times in place.
        wide = torch.promote_types(x.dtype, t.dtype)
        given = checked(model(x.clone(), own, *rest, **extras), x).to(wide)
        column = t.to(wide).reshape(-1, *[1] * (x.ndim - 1))
        if predicts == "data":
            return (given - x) / (1.0 - column)
        return (x - given) / column

    return velocity


def _time(text: str) -> tuple[bool, Callable[[Tensor], Tensor]]:
    """Whether a model's time is reversed, and what number it is given for its own time."""
    reverse = text == "reversed" or text.startswith("reversed+")
    own = "unit" if text == "reversed" else text.removeprefix("reversed+")
    kind, _, parameter = own.partition(":")
    number = _number(parameter)
    if own == "unit":
        return reverse, lambda t: t.clone()
    if kind == "scaled" and number is not None:
        if not 0.0 < number < math.inf:
            raise KinepathError(f"the time scale must be positive, got {parameter}")
        return reverse, lambda t: t * number
    if kind == "discrete" and number is not None and number.is_integer():
        steps = int(number)
        if steps < 2:
            raise KinepathError(f"discrete time needs T ≥ 2, got {steps}")
        return reverse, lambda t: _index(t, steps)
    raise KinepathError(
        f"unknown time convention {text!r}; use unit, reversed, discrete:T, scaled:S, "
        f"reversed+discrete:T or reversed+scaled:S; {ELSEWHERE}"
    )


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _index(own: Tensor, steps: int) -> Tensor:
    # A time that is an index but for the rounding of its type is that index.
    rounding = max(1e-9, steps * torch.finfo(own.dtype).eps)
    return (own * (steps - 1) + rounding).floor().long()
