"""What a loop of one's own has told of its steps, once it is read back: checked, and measured."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._kinepath import KinepathError, SamplingError
from ..arrays import F64
from .books import divided


class Measured(NamedTuple):
    """Figures of B samples, as in :class:`kinepath.Paths`."""

    launch: F64
    landing: F64
    terminal: F64
    profile: F64
    mean_gain: F64
    times: F64 | None


class Loop(NamedTuple):
    """The steps of a loop, and the evaluations that they are made of."""

    times: F64
    """Where each step begins, ``[steps, B]``."""
    sizes: F64
    """How long it is, ``[steps, B]``."""
    splits: F64
    """The time between launch and landing as each step's own type of time has it, ``[steps, 1]``."""
    counts: list[int]
    """How many evaluations each step has."""
    weights: F64
    """The weight of each evaluation within its step, ``[evaluations, 1]``."""
    gains: F64
    """``[evaluations, B]``."""
    speeds: F64
    """``‖v‖²`` before the gain, ``[evaluations, B]``."""
    rounding: float
    """How far from the end of a step the next may begin."""
    known_times: bool
    """Whether times are told in a type that has them, rather than what they are rounded to."""

    def check(self) -> None:
        """Names the first step that cannot be one of these conventions.

        Raises:
            KinepathError: for a step that does not go forward, leaves [0, 1] or does not begin where
                the one before ended, or a gain that is NaN or infinite.
            SamplingError: for a velocity that is.
        """
        times, sizes, ends = self.times, self.sizes, self.times + self.sizes
        if found := _first_without(sizes > 0.0):
            step, sample = found
            raise KinepathError(
                f"a step goes forward in time (0 noise, 1 data), got dt = "
                f"{sizes[step, sample]:g} at step {step}"
            )
        if found := _first_without((times >= -self.rounding) & (ends <= 1.0 + self.rounding)):
            step, sample = found
            raise KinepathError(
                f"times run from 0 (noise) to 1 (data), but step {step} goes from t = "
                f"{times[step, sample]:g} to {ends[step, sample]:g}: book the loop's times in these "
                "units, and velocities per such unit of time"
            )
        if found := _first_without(np.abs(times[1:] - ends[:-1]) <= self.rounding):
            step, sample = found
            raise KinepathError(
                f"step {step} ends at t = {ends[step, sample]:g}, but step {step + 1} begins at "
                f"{times[step + 1, sample]:g}: book every step of the loop, once, in the order of "
                "time from 0 (noise) to 1 (data)"
            )
        if found := _first_without(np.isfinite(self.gains)):
            row, sample = found
            raise KinepathError(
                f"the gain of sample {sample} is {self.gains[row, sample]} at step {self._step(row)}"
            )
        if found := _first_without(np.isfinite(self.speeds)):
            row, sample = found
            step = self._step(row)
            raise SamplingError(
                f"the velocity of sample {sample} became NaN or infinite at step {step}, t = "
                f"{times[step, sample]:g}"
            )

    def measured(self) -> Measured:
        """The figures of the samples."""
        firsts = np.cumsum([0, *self.counts[:-1]])
        shaped = self.gains**2 * self.speeds
        energies = 0.5 * self.sizes * np.add.reduceat(self.weights * shaped, firsts)
        etas = np.add.reduceat(self.weights * self.gains, firsts)
        launch, landing, terminal = divided(self.times, self.sizes, energies, self.splits)
        return Measured(
            launch=launch,
            landing=landing,
            terminal=terminal,
            profile=shaped[firsts].T.copy(),
            mean_gain=(self.sizes * etas).sum(0) / self.sizes.sum(0),
            times=self._nodes(),
        )

    def _nodes(self) -> F64 | None:
        """The nodes within [0, 1], ``[steps + 1]``, if all samples have the same."""
        if not self.known_times or self.times.shape[1] == 0:
            return None
        nodes = np.concatenate([self.times, self.times[-1:] + self.sizes[-1:]])
        if not (nodes == nodes[:, :1]).all():
            return None
        # A grid takes no other times, and those that are added up may end a little beyond.
        return nodes[:, 0].clip(0.0, 1.0)

    def _step(self, row: int) -> int:
        """The step that an evaluation belongs to."""
        return int(np.searchsorted(np.cumsum(self.counts), row, side="right"))


def _first_without(holds: NDArray[np.bool_]) -> tuple[int, int] | None:
    """The first row, and its first sample, of ``[rows, B]`` for which something does not hold."""
    if holds.all():
        return None
    row, sample = np.argwhere(~holds)[0].tolist()
    return row, sample
