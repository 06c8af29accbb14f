"""Measuring in a loop of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .._kinepath import KinepathError, SamplingError
from ..arrays import F64
from ..paths import Paths
from .model import FLOATS, check_tensor
from .speed import exact, read_back, squared_speed

TERMINAL_START = 0.95
"""Time from which on energy counts towards the terminal spike, as in the core."""

ROUNDING = 1e-5
"""How far from the end of a step the next may begin: room for times that are added up in float32.
Times of shorter types have as much more as they are rounded by."""

Number: TypeAlias = "float | Tensor"
"""A Python number, or a tensor of no axes or ``[B]`` on the device of the velocities."""


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

    Energies are by left quadrature, ``½ Σ dt ‖η v‖²``: Euler's own, and of first order for another
    method, whose first stage of each step is then what to book. Squared speeds stay on the device
    and are read back, once, when the block ends; :attr:`paths` is there from then on. A block that
    an exception leaves has none.

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
        self._speeds: list[Tensor] = []
        self._times: list[Number] = []
        self._time_types: list[torch.dtype] = []
        self._rounding = ROUNDING
        self._sizes: list[Number] = []
        self._gains: list[Number] = []
        self._displacement: Tensor | None = None
        self._end: Tensor | None = None
        self._paths: Paths[Tensor | None] | None = None

    def __enter__(self) -> EnergyMeter:
        self._clear()
        self._open = True
        return self

    @torch.no_grad()
    def step(self, v: Tensor, t: Number, dt: Number, gain: Number = 1.0) -> None:
        """Books a step of size ``dt`` from time ``t`` with velocity ``v``, ``[B, *shape]``.

        Nothing is waited for, and nothing of ``v`` kept but its squared norms.

        Args:
            v: the velocity before the gain, in data units per unit of time.
            t: where the step begins, 0 noise and 1 data: a number, or a tensor of no axes or
                ``[B]``.
            dt: its size, positive; a number or a tensor, as ``t``.
            gain: η of this step; a number or a tensor, as ``t``.

        Raises:
            KinepathError: outside a block, and for what is no tensor, another number of samples
                than before, or a tensor of another shape or device, or without fractions; nothing
                of the step is booked then. When the block ends: for a step that does not go
                forward, leaves [0, 1] or does not begin where the one before ended, or a gain that
                is NaN or infinite.
            SamplingError: when the block ends, for a velocity that is.
        """
        self._check_open()
        check_tensor("v", v)
        if v.ndim < 1 or v.dtype not in FLOATS:
            raise KinepathError(
                f"a velocity must be floating point of shape [B, …], got {v.dtype} of shape "
                f"{list(v.shape)}"
            )
        if self._speeds and v.shape[0] != len(self._speeds[0]):
            raise KinepathError(
                f"this step has {v.shape[0]} samples, those before had {len(self._speeds[0])}"
            )
        time, size, eta = _held("t", t, v), _held("dt", dt, v), _held("gain", gain, v)
        speed = squared_speed(v)
        # All or nothing: a caller may go on after a step that was refused.
        self._times.append(time)
        self._time_types.append(t.dtype if isinstance(t, Tensor) else torch.float64)
        self._sizes.append(size)
        for number in (t, dt):
            if isinstance(number, Tensor):
                self._rounding = max(self._rounding, 2.0 * torch.finfo(number.dtype).eps)
        self._gains.append(eta)
        self._speeds.append(speed)

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
        if not self._speeds:
            raise KinepathError("the block ended without a step: call meter.step in the loop")
        batch = len(self._speeds[0])
        if self._displacement is not None and len(self._displacement) != batch:
            raise KinepathError(
                f"the states at the ends are of {len(self._displacement)} samples, the velocities "
                f"of {batch}"
            )
        numbers = [*self._times, *self._sizes, *self._gains]
        held = [number.expand(batch) for number in numbers if isinstance(number, Tensor)]
        ends = [] if self._displacement is None else [self._displacement]
        rows = iter(read_back([*self._speeds, *held, *ends]))
        speeds = np.stack([next(rows) for _ in self._speeds])

        def column(numbers: Sequence[Number]) -> F64:
            values = [next(rows) if isinstance(n, Tensor) else np.full(batch, n) for n in numbers]
            return np.stack(values)

        times, sizes, gains = column(self._times), column(self._sizes), column(self._gains)
        self._check(times, sizes, gains, speeds)
        shaped = gains**2 * speeds
        energies = 0.5 * sizes * shaped
        late = times >= self._rounded(self.split)
        launch = np.where(late, 0.0, energies).sum(0)
        landing = np.where(late, energies, 0.0).sum(0)
        late_share = np.clip((times + sizes - TERMINAL_START) / sizes, 0.0, 1.0)
        terminal = (late_share * energies).sum(0)
        return Paths(
            endpoints=self._end,
            kpe=launch + landing,
            launch=launch,
            landing=landing,
            terminal=terminal,
            displacement=next(rows) if ends else np.full(batch, np.nan),
            mean_gain=(sizes * gains).sum(0) / sizes.sum(0),
            nfe=np.full(batch, len(speeds), dtype=np.uint32),
            profile=shaped.T.copy(),
        )

    def _check(self, times: F64, sizes: F64, gains: F64, speeds: F64) -> None:
        """Names the first step, of arrays ``[steps, B]``, that cannot be one of these conventions."""
        if found := _first_without(sizes > 0.0):
            step, sample = found
            raise KinepathError(
                f"a step goes forward in time (0 noise, 1 data), got dt = "
                f"{sizes[step, sample]:g} at step {step}"
            )
        ends = times + sizes
        if found := _first_without((times >= -self._rounding) & (ends <= 1.0 + self._rounding)):
            step, sample = found
            raise KinepathError(
                f"times run from 0 (noise) to 1 (data), but step {step} goes from t = "
                f"{times[step, sample]:g} to {ends[step, sample]:g}: book the loop's times in these "
                "units, and velocities per such unit of time"
            )
        if found := _first_without(np.abs(times[1:] - ends[:-1]) <= self._rounding):
            step, sample = found
            raise KinepathError(
                f"step {step} ends at t = {ends[step, sample]:g}, but step {step + 1} begins at "
                f"{times[step + 1, sample]:g}: book every step of the loop, once, in the order of "
                "time from 0 (noise) to 1 (data)"
            )
        if found := _first_without(np.isfinite(gains)):
            step, sample = found
            raise KinepathError(f"the gain of sample {sample} is {gains[step, sample]} at step {step}")
        if found := _first_without(np.isfinite(speeds)):
            step, sample = found
            raise SamplingError(
                f"the velocity of sample {sample} became NaN or infinite at step {step}, t = "
                f"{times[step, sample]:g}"
            )

    def _rounded(self, time: float) -> F64:
        """``time`` in the type of each step's own, ``[steps, 1]``: a float32 0.7 is below 0.7."""
        return np.array([[torch.tensor(time, dtype=kind).item()] for kind in self._time_types])

    @property
    def paths(self) -> Paths[Tensor | None]:
        """Every figure of the block: energies, ``profile``, mean gain.

        ``nfe`` counts the steps. Without :meth:`ends`, ``endpoints`` is None and ``displacement``
        and what follows from it are NaN.

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


def _held(name: str, number: Number, v: Tensor) -> Number:
    """``number`` as it is now: a loop may go on to change the tensor it has its time in."""
    if not isinstance(number, Tensor):
        return float(number)
    if number.dtype not in FLOATS:
        raise KinepathError(
            f"{name} must be floating point, got a tensor of {number.dtype}: times run from 0 (noise) "
            "to 1 (data)"
        )
    if number.ndim == 0 and number.device.type == "cpu":
        return float(number)
    if number.shape not in ((), (v.shape[0],)) or number.device != v.device:
        raise KinepathError(
            f"{name} must be a number or a tensor of shape [] or [{v.shape[0]}] on {v.device}, got "
            f"shape {list(number.shape)} on {number.device}"
        )
    return number.detach().to(exact(v.device), copy=True)


def _first_without(holds: NDArray[np.bool_]) -> tuple[int, int] | None:
    """The first step, and its first sample, of ``[steps, B]`` for which something does not hold."""
    if holds.all():
        return None
    step, sample = np.argwhere(~holds)[0].tolist()
    return step, sample
