"""Measuring in a loop of one's own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from .._kinepath import KinepathError
from ..arrays import F64
from ..paths import Paths
from .books import ROUNDING
from .held import Held, Number, held
from .loops import Loop
from .model import FLOATS, check_tensor
from .speed import exact, read_back, squared_speed


class _Step(NamedTuple):
    time: Held
    size: Held
    gains: list[Held]
    speeds: list[Tensor]
    weights: list[float]


class EnergyMeter:
    """Measures the energy of a loop of your own, wrapping nothing.

        >>> x = torch.randn(4, 2)
        >>> with EnergyMeter() as meter:
        ...     for i in range(10):
        ...         v = -x
        ...         meter.step(v, t=i / 10, dt=0.1)
        ...         x = x + 0.1 * v
        >>> meter.kpe.shape
        (4,)

    A step with one velocity is booked by left quadrature, ``½ dt ‖η v‖²``: Euler's own, and of first
    order for another method's first stage. With the velocities of all stages and the method's weights
    the energy has the order of the method, as that of :func:`kinepath.torch.sample` has:

        >>> with meter:
        ...     for i in range(10):  # Heun's method
        ...         v = -x
        ...         ahead = -(x + 0.1 * v)
        ...         meter.step([v, ahead], t=i / 10, dt=0.1, weights=[0.5, 0.5])
        ...         x = x + 0.05 * (v + ahead)

    Squared speeds stay on the device and are read back, once, when the block ends; :attr:`paths` is
    there from then on. A block that an exception leaves has none.

    Times and sizes are looked at then, so that a loop in other conventions is not measured as if
    it were in these: steps go forward within [0, 1], and each begins where the one before ended.
    Samples may be at different times, and the loop may begin and end anywhere.

    Args:
        split: the time τ strictly between 0 and 1 that divides launch from landing.

    Raises:
        KinepathError: for a split out of range.
    """

    def __init__(self, *, split: float = 0.6) -> None:
        if not 0.0 < split < 1.0:
            raise KinepathError(f"the split must be a time strictly between 0 and 1, got {split}")
        self.split = split
        self._open = False
        self._clear()

    def _clear(self) -> None:
        self._steps: list[_Step] = []
        self._displacement: Tensor | None = None
        self._end: Tensor | None = None
        self._paths: Paths[Tensor | None] | None = None

    def __enter__(self) -> EnergyMeter:
        self._clear()
        self._open = True
        return self

    @torch.no_grad()
    def step(
        self,
        v: Tensor | Sequence[Tensor],
        t: Number,
        dt: Number,
        gain: Number | Sequence[Number] = 1.0,
        *,
        weights: Sequence[float] | None = None,
    ) -> None:
        """Books a step of size ``dt`` from time ``t`` with velocity ``v``, ``[B, *shape]``.

        Nothing is waited for, and nothing of ``v`` kept but its squared norms.

        Args:
            v: the velocity before the gain, in data units per unit of time; or those of all stages of
                the step, in their order.
            t: where the step begins, 0 noise and 1 data: a number for all samples, or ``[B]``.
            dt: its size, positive; as ``t``.
            gain: η of this step, as ``t``; or a list of those of its stages.
            weights: with which the step takes the velocities of its stages, 1 in all: the b of a
                Runge–Kutta method.

        Raises:
            KinepathError: outside a block, and for what is no tensor, another number of samples
                than before, a number of another shape, device or kind, or weights or gains that are
                not one for each stage; nothing of the step is booked then. When the block ends: for
                a step that does not go forward, leaves [0, 1] or does not begin where the one before
                ended, or a gain that is NaN or infinite.
            SamplingError: when the block ends, for a velocity that is.
        """
        self._check_open()
        velocities: list[Any] = list(v) if isinstance(v, (list, tuple)) else [v]
        shares = _weights(weights, len(velocities))
        for velocity in velocities:
            self._check_velocity(velocity, velocities[0])
        gains = list(gain) if isinstance(gain, (list, tuple)) else [gain] * len(velocities)
        if len(gains) != len(velocities):
            raise KinepathError(f"there are {len(gains)} gains for {len(velocities)} velocities")
        first = velocities[0]
        # All or nothing: a caller may go on after a step that was refused.
        self._steps.append(
            _Step(
                time=held("t", t, first),
                size=held("dt", dt, first),
                gains=[held("gain", each, first) for each in gains],
                speeds=[squared_speed(velocity) for velocity in velocities],
                weights=shares,
            )
        )

    def _check_velocity(self, v: Tensor, first: Tensor) -> None:
        check_tensor("v", v)
        if v.ndim < 1 or v.dtype not in FLOATS:
            raise KinepathError(
                f"a velocity must be floating point of shape [B, …], got {v.dtype} of shape "
                f"{list(v.shape)}"
            )
        if v.shape != first.shape or v.device != first.device:
            raise KinepathError(
                f"the stages of a step have velocities of one shape and device, got {list(v.shape)} on "
                f"{v.device} after {list(first.shape)} on {first.device}"
            )
        if self._steps and v.shape[0] != len(self._steps[0].speeds[0]):
            raise KinepathError(
                f"this step has {v.shape[0]} samples, those before had "
                f"{len(self._steps[0].speeds[0])}"
            )

    @torch.no_grad()
    def ends(self, start: Tensor, end: Tensor) -> None:
        """Notes the first and last states, ``[B, *shape]``, for the displacement; keeps a copy of
        the last.

        Raises:
            KinepathError: outside a block, and for states of different shapes, or that are no
                tensors.
        """
        self._check_open()
        check_tensor("start", start)
        check_tensor("end", end)
        if start.shape != end.shape:
            raise KinepathError(
                f"the first states have shape {list(start.shape)}, the last {list(end.shape)}"
            )
        wide = end.to(exact(end.device)) - start.to(exact(start.device))
        self._displacement, self._end = squared_speed(wide).mul_(0.5), end.detach().clone()

    def _check_open(self) -> None:
        if not self._open:
            raise KinepathError(
                "a meter measures within its block only: call this inside `with meter:`, which "
                "begins anew"
            )

    def __exit__(self, *error: object) -> None:
        self._open = False
        if error[0] is None:
            self._paths = self._read()

    def _read(self) -> Paths[Tensor | None]:
        if not self._steps:
            raise KinepathError("the block ended without a step: call meter.step in the loop")
        batch = len(self._steps[0].speeds[0])
        if self._displacement is not None and len(self._displacement) != batch:
            raise KinepathError(
                f"the states at the ends are of {len(self._displacement)} samples, the velocities "
                f"of {batch}"
            )
        loop, displacement = self._loop(batch)
        loop.check()
        measured = loop.measured()
        return Paths(
            endpoints=self._end,
            kpe=measured.launch + measured.landing,
            launch=measured.launch,
            landing=measured.landing,
            terminal=measured.terminal,
            displacement=displacement,
            mean_gain=measured.mean_gain,
            nfe=np.full(batch, len(loop.speeds), dtype=np.uint32),
            profile=measured.profile,
            times=measured.times,
        )

    def _loop(self, batch: int) -> tuple[Loop, F64]:
        """What was booked, and the displacement, by one copy from the device."""
        steps = self._steps
        speeds = [speed for step in steps for speed in step.speeds]
        times, sizes = [step.time for step in steps], [step.size for step in steps]
        gains = [gain for step in steps for gain in step.gains]
        columns = [n.value for n in (*times, *sizes, *gains) if isinstance(n.value, Tensor)]
        ends = [] if self._displacement is None else [self._displacement]
        rows = iter(read_back([*speeds, *(column.expand(batch) for column in columns), *ends]))
        seen = np.stack([next(rows) for _ in speeds])

        def column(numbers: Sequence[Held]) -> F64:
            values = [n.value for n in numbers]
            return np.stack(
                [next(rows) if isinstance(n, Tensor) else np.full(batch, n) for n in values]
            )

        kinds = {number.kind for number in (*times, *sizes)}
        # A bfloat16 0.7 is further below 0.7 than times are rounded that are added up in float32.
        splits = {kind: torch.tensor(self.split, dtype=kind).item() for kind in kinds}
        rounding = 2.0 * max(torch.finfo(kind).eps for kind in kinds)
        loop = Loop(
            times=column(times),
            sizes=column(sizes),
            splits=np.array([[splits[time.kind]] for time in times]),
            counts=[len(step.speeds) for step in steps],
            weights=np.array([weight for step in steps for weight in step.weights])[:, None],
            gains=column(gains),
            speeds=seen,
            rounding=max(ROUNDING, rounding),
            known_times=rounding < ROUNDING,
        )
        return loop, next(rows) if ends else np.full(batch, np.nan)

    @property
    def paths(self) -> Paths[Tensor | None]:
        """Every figure of the block: energies, ``profile``, mean gain.

        ``nfe`` counts the velocities, and ``times`` are there if all samples had the same, in float32
        at least. Without :meth:`ends`, ``endpoints`` is None and ``displacement`` and what follows
        from it are NaN.

        Raises:
            KinepathError: before the block has ended, or after one that an exception left.
        """
        if self._paths is None:
            raise KinepathError("nothing is measured yet: read it after the `with` block has ended")
        return self._paths

    @property
    def kpe(self) -> F64:
        """Kinetic path energy of each sample, ``[B]``, in squared data units."""
        return self.paths.kpe

    def __repr__(self) -> str:
        if self._paths is not None:
            told = repr(self._paths)
        else:
            told = f"{len(self._steps)} steps so far" if self._open else "nothing measured yet"
        return f"<kinepath.torch.EnergyMeter: {told}>"


def _weights(given: Sequence[float] | None, stages: int) -> list[float]:
    """The weights of a step's stages."""
    if given is None and stages == 1:
        return [1.0]
    try:
        weights = [] if given is None else [float(weight) for weight in given]
    except (TypeError, ValueError):
        weights = []
    if len(weights) != stages or not math.isclose(sum(weights), 1.0, rel_tol=1e-6):
        raise KinepathError(
            f"a step of {stages} velocities needs as many weights, 1 in all, such as "
            f"weights=[0.5, 0.5] of Heun's method; got {given}"
        )
    return weights
