"""Energies within the solvers of other libraries."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .._kinepath import Gain, Grid, KinepathError, Plan, SamplingError
from ..arrays import f64
from ..paths import Paths
from .adapters import Adapter
from .books import ROUNDING, TERMINAL_START, divided
from .model import Model, called, check_tensor, working_type
from .speed import exact, governed, read_back, scaled, squared_speed
from .training import warn_of_training

FAR = 100.0
"""Further beyond 1 than the last step of an adaptive solver goes, which may be many times as long as
the one before."""
NUDGE = 1e-6
"""How far around a time the slope of a gain is taken."""


class AugmentedField(Adapter):
    """A field for the solvers of other libraries, whose state carries the energy of every sample.

    A state is ``[B, D + 2]``: the sample, flattened, its energy e with ``de/dt = ½ ‖dx/dt‖²``, and
    the gain it has had, ``∫ η dt``; so the energy is integrated to the solver's own order and
    tolerance, adaptive steps included. An adaptive solver then controls the error of e too, and
    takes other steps than for x alone.

        >>> field = AugmentedField(lambda x, t: -x, shape=(2,))
        >>> state = field.start(torch.randn(4, 2))
        >>> # torchdiffeq: state = odeint(field, state, torch.tensor([0.0, 1.0]))[-1]
        >>> # flow_matching: state = ODESolver(field).sample(state, step_size=0.02)
        >>> x, energy = field.split(state)
        >>> x.shape, energy.shape
        (torch.Size([4, 2]), torch.Size([4]))

    Every figure of a path, for tables, runs and studies, takes states on the way too::

        states = odeint(field, field.start(noise), field.times)
        paths = field.paths(states, field.times)

    Gradients go through samples and energies, so that a loss may have energies in it; solvers that
    ask for the model's parameters find them.

    Energies have the state's own type, in which torchdiffeq solves: float32 noise sums them in
    float32. States in half precision are refused, as they would round energies or run out of
    numbers; a model in half precision is given what it takes by a function,
    ``lambda x, t: model(x.half(), t)``, and may return it.

    Args:
        model: ``model(x, t)`` with states ``[B, *shape]`` and times ``[B]``.
        shape: shape of one sample.
        gain: what shapes the velocity, or its text expression. η is looked up on the host, so every
            evaluation then waits for the time it is at; without a gain none does.

    Raises:
        KinepathError: for a text that is no gain, or a gain that is negative within [0, 1].
    """

    def __init__(
        self, model: Model, shape: Sequence[int], gain: Gain | str | None = None
    ) -> None:
        super().__init__(model)
        self.shape: tuple[int, ...] = tuple(shape)
        # A solver may ask at any time: a plan of many refuses what is negative at one of them.
        self.gain: Gain | None = None if gain is None else Plan(1000, "heun", gain).gain
        self._first: float | None = None
        self._calls = 0

    @property
    def times(self) -> Tensor:
        """The times at which :meth:`paths` wants states, on the CPU: noise, the split τ between
        launch and landing, the beginning of the terminal spike, and data."""
        times = {0.0, (self.gain or Gain()).split, TERMINAL_START, 1.0}
        return torch.tensor(sorted(times), dtype=torch.float64)

    def start(self, noise: Tensor) -> Tensor:
        """The state ``[B, D + 2]`` at the start: ``noise``, ``[B, *shape]``, and no energy yet.

        Begins a solution: call it for each, one solution after the other. Where no gradient is
        recorded, a module in training mode with dropout or batch statistics is warned of.

        Raises:
            KinepathError: for noise of another shape, or in neither float32 nor float64.
        """
        check_tensor("noise", noise)
        if noise.dtype not in (torch.float32, torch.float64):
            raise KinepathError(
                f"the state carries energies, which {noise.dtype} cannot: start from noise.float(), "
                "and let a model in half precision take it by lambda x, t: model(x.half(), t)"
            )
        if noise.shape[1:] != self.shape:
            raise KinepathError(
                f"noise must have shape [B, {', '.join(map(str, self.shape))}], got "
                f"{list(noise.shape)}"
            )
        if not torch.is_grad_enabled():
            warn_of_training(self.model, stacklevel=2)
        self._first, self._calls = None, 0
        rows = noise.reshape(noise.shape[0], math.prod(self.shape))
        return torch.cat([rows, rows.new_zeros(len(rows), 2)], 1)

    def split(self, state: Tensor) -> tuple[Tensor, Tensor]:
        """States ``[…, D + 2]`` as samples ``[…, *shape]`` and energies ``[…]``.

        Energies are in squared data units.
        """
        samples = state[..., :-2].reshape(*state.shape[:-1], *self.shape)
        return samples, state[..., -2]

    @torch.no_grad()
    def paths(self, states: Tensor, times: npt.ArrayLike | Tensor) -> Paths[Tensor]:
        """What the samples of a solution have travelled, for tables, runs and studies.

        From one time to the next counts as a step: to launch by where it begins, to the terminal
        spike by the share that is later than 0.95. So give states at :attr:`times`, which an adaptive
        solver reaches without ado, or at every step of a solver that has fixed ones.

        Args:
            states: ``[T, B, D + 2]``, as torchdiffeq returns them, and flow_matching with
                ``return_intermediates=True``.
            times: when they were, ``[T]``, increasing.

        Returns:
            The figures, detached. ``nfe`` counts the calls of the field since :meth:`start`, of which
            an adjoint method makes more for its gradients. There is no profile, and ``times`` is
            None, as the steps within are the solver's affair.

        Raises:
            KinepathError: for states of another shape, times that do not increase within [0, 1] or
                have none from the split on but the last, or a field whose calls were not counted.
            SamplingError: for a state that is NaN or infinite.
        """
        check_tensor("states", states)
        nodes = Grid(f64(times)).nodes
        width = math.prod(self.shape) + 2
        if states.ndim != 3 or states.shape[0] != len(nodes) or states.shape[2] != width:
            raise KinepathError(
                f"states must be those of all {len(nodes)} times, [{len(nodes)}, B, {width}], got "
                f"{list(states.shape)}"
            )
        split = (self.gain or Gain()).split
        divides = nodes[0] < split - ROUNDING and split + ROUNDING < nodes[-1]
        if divides and not (nodes[:-1] >= split - ROUNDING).any():
            raise KinepathError(
                f"there is no state between the split {split:g} and the end, so that launch "
                "and landing cannot be told apart: solve at the times field.times, or at every step"
            )
        if self._calls == 0:
            raise KinepathError(
                "no evaluation was counted since start: compile the model rather than this field, and "
                "read the paths before another start"
            )
        kind, x = exact(states.device), self.split(states[[0, -1]])[0]
        displacement = squared_speed(x[1].to(kind) - x[0].to(kind)) * 0.5
        held = states[:, :, -2:].to(kind)
        rows = read_back([*held[:, :, 0], *held[[0, -1], :, 1], displacement])
        bad = np.argwhere(~np.isfinite(rows[: len(nodes)]))
        if len(bad) > 0:
            raise SamplingError(
                f"the state of sample {bad[0][1]} became NaN or infinite by t = {nodes[bad[0][0]]:g}"
            )
        sizes = np.diff(nodes)
        energies = np.diff(rows[: len(nodes)], axis=0)
        launch, landing, terminal = divided(nodes[:-1, None], sizes[:, None], energies, split)
        return Paths(
            endpoints=x[1].clone(),
            kpe=launch + landing,
            launch=launch,
            landing=landing,
            terminal=terminal,
            displacement=rows[-1],
            mean_gain=(rows[-2] - rows[-3]) / (nodes[-1] - nodes[0]),
            nfe=np.full(len(launch), self._calls, dtype=np.uint32),
        )

    def forward(self, t: Tensor, x: Tensor, **extras: Any) -> Tensor:
        """The time derivative of the states ``x``, ``[B, D + 2]``, at the time ``t`` of all.

        torchdiffeq calls it by position, flow_matching by keyword and with the model's extras. The
        model gets times in float32, or float64 where x is.

        Raises:
            KinepathError: for a solution that does not begin within [0, 1] (0 noise, 1 data), goes
                back in time, where energies would be negative, or goes far beyond 1. A step across
                1, of which an adaptive solver keeps the part before it, is none of these; η is that
                of t = 1 there. Times on a device are not waited for without a gain, and so not
                looked at.
        """
        # What is compiled has no numbers to look at.
        compiling, time = torch.compiler.is_compiling(), None
        if self.gain is not None or (t.device.type == "cpu" and not compiling):
            time = float(t.detach())
        if not compiling:
            self._calls += 1
            # A gradient in time is the adjoint method's, which goes back and is meant to.
            if time is not None and not t.requires_grad:
                self._check(time)
        # A copy, in one piece: the model may change it in place.
        samples = self.split(x)[0].clone(memory_format=torch.contiguous_format)
        v = called(self.model, samples, t.to(working_type(x.dtype)).repeat(len(x)), extras)
        speed = squared_speed(v)
        # Before the gain, which half precision would round away next to 1.
        v, had = v.to(x.dtype), x.new_ones(len(x))
        if self.gain is not None and time is not None:
            eta = _eta(self.gain, time, t, speed)
            v, speed, had = scaled(v, eta), speed * eta.square(), eta.to(x.dtype)
        energy = (0.5 * speed).to(x.dtype)
        return torch.cat([v.reshape(len(x), -1), energy[:, None], had[:, None]], 1)

    def _check(self, time: float) -> None:
        first = time if self._first is None else self._first
        if not (-ROUNDING <= first <= 1.0 + ROUNDING and time <= FAR):
            raise KinepathError(
                f"times run from 0 (noise) to 1 (data), but the solver asks at t = {time:g}: give it "
                "times in these units"
            )
        if time < first - ROUNDING:
            raise KinepathError(
                f"the solver goes back in time, from t = {first:g} to {time:g}, where energies would "
                "be negative: solve from noise to data, and call start before every solution"
            )
        self._first = first

    def told(self) -> list[str]:
        return [f"shape={self.shape}"] + ([] if self.gain is None else [f"gain={self.gain}"])


def _eta(gain: Gain, time: float, t: Tensor, speed: Tensor) -> Tensor:
    """η of every sample, ``[B]``, at the time ``t``, which is ``time``, given its ``‖v‖²``."""
    # A gain may jump at its split, and a float32 0.7 is below 0.7.
    if gain.split - ROUNDING <= time < gain.split:
        time = gain.split
    first = gain.split if time >= gain.split else 0.0

    def at(function: Callable[[float], float]) -> float | Tensor:
        """A function of time now, with its slope as the gradient.

        Adaptive solvers carry gradients in their step sizes, whose errors cancel only if every
        dependence on time is among them.
        """
        inside = min(max(time, 0.0), 1.0)
        value = function(inside)
        if not t.requires_grad or inside != time:
            return value
        low, high = max(time - NUDGE, first), min(time + NUDGE, 1.0)
        moved = (t - t.detach()).to(speed)
        return value + (function(high) - function(low)) / (high - low) * moved

    eta = torch.ones_like(speed) * at(lambda time: gain.factor(time, 0.0))
    governor = gain.governor(min(max(time, 0.0), 1.0))
    if governor is None:
        return eta
    ceiling = at(lambda time: (gain.governor(time) or governor)[0])
    return eta * governed(speed, (ceiling, governor[1]))
