"""Models of other conventions on the straight path; the project's ``docs/conventions.md`` derives
them."""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple, get_args

import torch
from torch import Tensor

from .._kinepath import KinepathError
from .adapters import Adapter
from .model import Model, checked

Prediction = Literal["velocity", "data", "noise"]

ELSEWHERE = (
    "networks of diffusion paths are converted by the core: kinepath.export_onnx, then "
    "kinepath.OnnxField(path, trained_on=…)"
)


def converted(model: Model, *, predicts: Prediction = "velocity", time: str = "unit") -> Converted:
    """A model of another convention as one of velocities, ``v(x, t)`` with t = 0 noise and 1 data.

    The words are those of :class:`kinepath.OnnxField`, for models of the straight path
    ``(1 − t) x0 + t x1`` between noise x0 and data x1:

        >>> import kinepath as kp, kinepath.torch as kpt, torch
        >>> denoiser = lambda x, t: torch.zeros_like(x)  # all data are 0, its time is 1000 (1 − t)
        >>> model = kpt.converted(denoiser, predicts="data", time="reversed+scaled:1000")
        >>> paths = kpt.sample(model, torch.ones(1, 2), kp.Plan(10))
        >>> paths.endpoints.abs().max() < 1e-6, paths.kpe.round(6)
        (tensor(True), array([1.]))

    What follows state and time is passed on. It is a module, which has the parameters and modes of a
    model that is one. Guidance by :func:`kinepath.torch.sample` is the same before and after a
    conversion. Velocities are in the type of the times, at least float32.

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
        KinepathError: for words that are none of these. What is returned raises ModelError for a
            prediction that is no tensor like the states.
    """
    if predicts not in get_args(Prediction):
        raise KinepathError(
            f"a model of the straight path predicts velocity, data or noise, got {predicts!r}; "
            + ELSEWHERE
        )
    return Converted(model, predicts, time)


class Converted(Adapter):
    """What :func:`converted` returns."""

    def __init__(self, model: Model, predicts: Prediction, time: str) -> None:
        super().__init__(model)
        self.predicts: Prediction = predicts
        self.time = time
        self._clock = Clock.of(time)

    def forward(self, x: Tensor, t: Tensor, *rest: Any, **extras: Any) -> Tensor:
        own = self._clock.read(t)
        if self.predicts == "velocity":
            given = checked(self.model(x, own, *rest, **extras), x)
            return -given if self._clock.reverse else given
        # Copies: the model may change its states and times in place.
        wide = torch.promote_types(x.dtype, t.dtype)
        given = checked(self.model(x.clone(), own, *rest, **extras), x).to(wide)
        column = t.to(wide).reshape(-1, *[1] * (x.ndim - 1))
        if self.predicts == "data":
            return (given - x) / (1.0 - column)
        return (x - given) / column

    def told(self) -> list[str]:
        return [f"predicts={self.predicts}", f"time={self.time}"]


class Clock(NamedTuple):
    """What a model calls time."""

    reverse: bool
    """Whether it counts ``1 − t``."""
    scale: float = 1.0
    """What the time is multiplied by."""
    steps: int | None = None
    """Where it is an index, of how many."""

    @staticmethod
    def of(text: str) -> Clock:
        """The clock of a convention.

        Raises:
            KinepathError: for what is none.
        """
        if not isinstance(text, str):
            raise _unknown(text)
        reverse = text == "reversed" or text.startswith("reversed+")
        own = "unit" if text == "reversed" else text.removeprefix("reversed+")
        kind, _, parameter = own.partition(":")
        number = _number(parameter)
        if own == "unit":
            return Clock(reverse)
        if kind == "scaled" and number is not None:
            if not 0.0 < number < math.inf:
                raise KinepathError(f"the time scale must be positive, got {parameter}")
            return Clock(reverse, scale=number)
        if kind == "discrete" and number is not None and number.is_integer():
            if number < 2:
                raise KinepathError(f"discrete time needs T ≥ 2, got {int(number)}")
            return Clock(reverse, steps=int(number))
        raise _unknown(text)

    def read(self, t: Tensor) -> Tensor:
        """What the model is given for the times ``t``, in memory of its own."""
        own = 1.0 - t if self.reverse else t.clone()
        if self.steps is None:
            return own.mul_(self.scale) if self.scale != 1.0 else own
        # A time that is an index but for the rounding of its type is that index.
        rounding = max(1e-9, self.steps * torch.finfo(own.dtype).eps)
        return (own * (self.steps - 1) + rounding).floor().long()


def _unknown(time: object) -> KinepathError:
    return KinepathError(
        f"unknown time convention {time!r}; use unit, reversed, discrete:T, scaled:S, "
        f"reversed+discrete:T or reversed+scaled:S; {ELSEWHERE}"
    )


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
