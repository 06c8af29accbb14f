"""Classifier-free guidance of a model, as the core's guided fields have it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from .._kinepath import KinepathError
from .conditions import doubled, rows_of
from .model import FLOATS, Model, called
from .speed import squared_speed

Style = Literal["calls", "doubled"]
"""How the two evaluations of a guided velocity are made."""


@dataclass(frozen=True, eq=False)
class Guided:
    """What ``v = v_null + w (v_condition − v_null)`` is made of beside the model."""

    scale: float | Tensor
    """w, for all samples or ``[B]``."""
    null_condition: Any
    interval: tuple[float, float]
    """The first and the last time of guidance; elsewhere the velocity is the conditional one."""
    style: Style

    @staticmethod
    def of(
        scale: float | Tensor,
        condition: Any,
        null_condition: Any,
        interval: tuple[float, float] | None,
        style: Style,
    ) -> Guided:
        """The guidance of these arguments, at all times if there is no interval.

        Raises:
            KinepathError: for what is missing or out of range.
        """
        if condition is None or null_condition is None:
            raise KinepathError(
                "guidance needs both condition and null_condition; for a model that is called without "
                "one where it is unconditional, give null_condition={}"
            )
        if style not in get_args(Style):
            raise KinepathError(f"unknown guidance style {style!r}; use calls or doubled")
        try:
            start, end = (float(time) for time in ((0.0, 1.0) if interval is None else interval))
            scale = scale if isinstance(scale, Tensor) else float(scale)
        except (TypeError, ValueError) as error:
            raise KinepathError(
                "a guidance scale is a number or a tensor of shape [B], and an interval two times: "
                f"{error}"
            ) from error
        if not 0.0 <= start < end <= 1.0:
            raise KinepathError(
                f"guidance from t = {start} to {end}: an interval lies in [0, 1] and has a length"
            )
        if not isinstance(scale, Tensor) and not math.isfinite(scale):
            raise KinepathError(f"the guidance scale is {scale}")
        return Guided(scale, null_condition, (start, end), style)

    def check(self, noise: Tensor) -> None:
        """Refuses a scale that is not one for all samples of ``noise``, or one for each."""
        scale = self.scale
        if not isinstance(scale, Tensor):
            return
        batch = noise.shape[0]
        if scale.dtype not in FLOATS or scale.shape not in ((), (batch,)) or scale.device != noise.device:
            raise KinepathError(
                f"a guidance scale is a number, or a floating-point tensor of shape [{batch}] on "
                f"{noise.device}; got {scale.dtype} of shape {list(scale.shape)} on {scale.device}"
            )
        if not bool(torch.isfinite(scale).all()):
            raise KinepathError("the guidance scale of a sample is NaN or infinite")

    def rows(self, rows: slice, batch: int) -> Guided:
        """The guidance of some of ``batch`` samples."""
        scale = rows_of(self.scale, batch, rows)
        return replace(self, scale=scale, null_condition=rows_of(self.null_condition, batch, rows))

    def applies(self, t: float) -> bool:
        """Whether there is guidance at ``t``."""
        return self.interval[0] <= t <= self.interval[1]


class Velocity:
    """The velocity of a model, guided or not.

    Args:
        model: what is asked.
        condition: what it is given.
        guided: the guidance, if there is one.
        parts: whether to measure the two velocities that a guided one is made of.
    """

    def __init__(self, model: Model, condition: Any, guided: Guided | None, parts: bool) -> None:
        self._model = model
        self._condition = condition
        self._guided = guided
        self._parts = parts

    def prepare(self, state: Tensor) -> None:
        """Gets ready for states like ``state``, in whose type guided velocities are formed."""
        if self._guided is None:
            return
        scale = torch.as_tensor(self._guided.scale, dtype=state.dtype, device=state.device)
        self._scale = scale.reshape(-1, *[1] * (state.ndim - 1))
        if self._guided.style == "doubled":
            null_condition = self._guided.null_condition
            self._both: Any = doubled(self._condition, null_condition, len(state))

    def calls(self, time: float) -> int:
        """How many evaluations of the model one at ``time`` counts."""
        return 2 if self._guided is not None and self._guided.applies(time) else 1

    def at(self, x: Tensor, t: Tensor, time: float) -> list[Tensor]:
        """The velocity for ``x``, ``[B, *shape]``, and the times ``t``, ``[B]``, all of them ``time``.

        If parts are asked for, then also ``‖v‖²`` of the conditional velocity, and, where there is
        guidance, of the unconditional one, ``[B]`` each.
        """
        if self._guided is None or not self._guided.applies(time):
            velocity = called(self._model, x, t, self._condition)
            return [velocity, squared_speed(velocity)] if self._parts else [velocity]
        kind = self._scale.dtype
        if self._guided.style == "doubled":
            both = called(self._model, torch.cat([x, x]), torch.cat([t, t]), self._both)
            conditional, unconditional = both[: len(x)], both[len(x) :].to(kind, copy=True)
        else:
            # Copies in every case: the first call may change its states and times in place, and the
            # second overwrite what the first returned.
            null_condition = self._guided.null_condition
            unconditional = called(self._model, x.clone(), t.clone(), null_condition)
            unconditional = unconditional.to(kind, copy=True)
            conditional = called(self._model, x, t, self._condition)
        speeds = [squared_speed(v) for v in (conditional, unconditional)] if self._parts else []
        guided = unconditional.mul_(1.0 - self._scale).addcmul_(conditional.to(kind), self._scale)
        return [guided, *speeds]
