"""One way down a schedule: the gains of its evaluations, and what the device saw of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np
import torch
from torch import Tensor

from .._kinepath import Gain, Grid, KinepathError, Plan, SamplingError, Step
from ..torch import books
from ..torch.speed import governed, read_back, scaled, squared_speed
from .paths import PipelinePaths

SAME_SIGMA = 1e-6
"""Noise levels closer than this are the same, as in diffusers' per-token steps."""


class Run:
    """The steps of one schedule, and the speeds of those taken so far, kept on the device.

    Holds nothing that cannot be copied or pickled, as schedulers are.

    Args:
        legs: times of the nodes (0 noise, 1 data) and the solver between them; every leg starts
            where the one before ended.
        gain: η(t).

    Raises:
        KinepathError: for nodes that do not increase within [0, 1], or a gain that is negative at
            one of the evaluations.
    """

    def __init__(self, legs: Sequence[tuple[Sequence[float], str]], gain: Gain) -> None:
        self._legs = legs
        self._gain = gain
        steps = self._steps()
        self._stages = [(stage.eta, stage.governor) for step in steps for stage in step.stages]
        # Numbers of the evaluations that begin a step, and last that of the end.
        self._bounds = list(accumulate((len(step.stages) for step in steps), initial=0))
        self._first = 0
        self._speeds: list[Tensor] = []
        self._late: Tensor | None = None

    def _steps(self) -> list[Step]:
        plans = (Plan(Grid(nodes), solver, self._gain) for nodes, solver in self._legs)
        return [step for plan in plans for step in plan.steps or []]

    def check(self, number: int, batch: int) -> None:
        """Refuses evaluation ``number`` of ``batch`` samples unless it is the next."""
        if not self._speeds:
            if number not in self._bounds[:-1]:
                raise KinepathError(
                    f"a run cannot begin with evaluation {number} of the {len(self._stages)} that "
                    "the schedule has: it lies beyond the end or within a step"
                )
            return
        due = self._first + len(self._speeds)
        if number != due:
            raise KinepathError(
                f"steps out of order: evaluation {number} came where {due} was due; call "
                "set_timesteps before every run"
            )
        if number == len(self._stages):
            raise KinepathError(
                f"all {number} evaluations of the schedule are done; call set_timesteps before "
                "another run"
            )
        if batch != len(self._speeds[0]):
            raise KinepathError(
                f"this step has {batch} samples, those before had {len(self._speeds[0])}; call "
                "set_timesteps before every run"
            )

    def moving(self, sigmas: Tensor, now: Tensor) -> Tensor:
        """Which tokens move at this step: those that the schedule has reached, ``[B, L]``.

        Remembers whether there was one that it had passed, which has no place in its time.

        Args:
            sigmas: the noise level of every token, ``[B, L]``.
            now: that of the schedule.
        """
        late = (sigmas > now + SAME_SIGMA).any()
        self._late = late if self._late is None else self._late | late
        return sigmas > now - SAME_SIGMA

    def shape(
        self, number: int, velocity: Tensor, moving: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """The velocity times its gain, and its ``‖v‖²`` before that, ``[B]``.

        A half-precision velocity is shaped in float32: next to 1, a gain of less than 1 % would be
        rounded away. Where the gain is 1 the velocity comes back untouched.
        """
        seen = velocity.detach()
        if moving is not None:
            seen = seen * moving.unsqueeze(-1)
        speed = squared_speed(seen)
        eta, governor = self._stages[number]
        if governor is None and eta == 1.0:
            return velocity, speed
        wide = _wide(velocity)
        if governor is None:
            return wide * eta, speed
        return scaled(wide, eta * governed(speed, governor)), speed

    def book(self, number: int, speed: Tensor, sample: Tensor, moved: Tensor) -> None:
        """Books evaluation ``number``, which took ``sample`` to ``moved``.

        A loop may have its samples in the same memory throughout: the first are copied, and so are
        those that end the schedule, with which it may go on.
        """
        if not self._speeds:
            self._first, self._start = number, sample.detach().clone()
        self._speeds.append(speed)
        self._end = moved.detach()
        if number + 1 == len(self._stages):
            self._end = self._end.clone()

    def paths(self) -> PipelinePaths:
        """Reads everything back, by one copy from the device.

        Raises:
            KinepathError: before the first step, or within one, or for tokens that the schedule
                had left behind.
            SamplingError: for a velocity that became NaN or infinite.
        """
        if not self._speeds:
            raise KinepathError("no step was taken since set_timesteps: call the pipeline first")
        last = self._first + len(self._speeds)
        if last not in self._bounds:
            raise KinepathError(
                "the last step is half taken: a Heun step has two evaluations, and its energy is "
                "known after the second"
            )
        if self._late is not None and bool(self._late):
            raise KinepathError(
                "a token was noisier than its step of the schedule (per_token_timesteps above the "
                "timestep): energies count time along the schedule, which such tokens do not follow"
            )
        steps = self._steps()[self._bounds.index(self._first) : self._bounds.index(last)]
        straight = squared_speed(_wide(self._end) - _wide(self._start)).mul_(0.5)
        rows = read_back([*self._speeds, straight])
        failed = np.argwhere(~np.isfinite(rows[:-1]))
        if len(failed) > 0:
            row, sample = failed[0]
            t = [stage.t for step in steps for stage in step.stages][row]
            raise SamplingError(
                f"the model output for sample {sample} became NaN or infinite at t = {t:g}"
            )
        booked = books.close(steps, rows[:-1])
        return PipelinePaths(
            endpoints=self._end.clone(),
            kpe=booked.launch + booked.landing,
            launch=booked.launch,
            landing=booked.landing,
            terminal=booked.terminal,
            displacement=rows[-1],
            mean_gain=booked.mean_gain,
            nfe=np.full(rows.shape[1], len(self._speeds), dtype=np.uint32),
            noise_left=booked.noise_left,
            profile=booked.profile,
            times=np.array([step.start for step in steps] + [steps[-1].start + steps[-1].size]),
        )


def _wide(x: Tensor) -> Tensor:
    """In float32, or wider where it is."""
    return x.to(torch.promote_types(x.dtype, torch.float32))
