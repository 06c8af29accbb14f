"""Kinetic path energy of PyTorch models, on the device where they are.

:func:`sample` runs a :class:`kinepath.Plan` over any ``model(x, t)``; :class:`EnergyMeter` measures
in a loop of your own. Energies are summed on the device and read back once, at the end: nothing
waits for the device within the loop.

    >>> import kinepath as kp, kinepath.torch as kpt, torch
    >>> plan = kp.Plan(50, "heun", kp.KTS(alpha=0.02, beta=0.0))
    >>> paths = kpt.sample(lambda x, t: -x, torch.randn(4, 3, 8, 8), plan)
    >>> paths.kpe.shape
    (4,)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from ._kinepath import KinepathError, Plan, SamplingError, Stage
from .paths import Paths
from .sampling import Record

Model: TypeAlias = Callable[..., Tensor]
"""``model(x, t)`` with states ``[B, *shape]`` and times ``[B]``, or ``model(x, t, condition)``."""

__all__ = ["AugmentedField", "EnergyMeter", "sample", "swapped"]

TERMINAL_START = 0.95
"""Time from which on energy counts towards the terminal spike, as in the core."""


@torch.no_grad()
def sample(
    model: Model,
    noise: Tensor,
    plan: Plan,
    *,
    guidance_scale: float | None = None,
    condition: Any = None,
    null_condition: Any = None,
    record: Record = Record(),
) -> Paths[Tensor]:
    """Integrates every sample of ``noise`` along ``plan`` and measures its energy.

    Runs the steps that the core compiled, so that times, gains and weights are those of
    :func:`kinepath.sample`. States are kept in float32, or in float64 where the noise is; the model
    gets the noise's own type.

    Args:
        model: ``model(x, t)``, or ``model(x, t, condition)`` where a condition is given; returns
            the velocity, in the straight-path convention (t = 0 noise, t = 1 data).
        noise: starting states at the plan's first node, ``[B, *shape]``, on the model's device.
        plan: grid, solver and gain; not ``dopri5``, whose steps the core chooses.
        guidance_scale: w of ``v = v_null + w (v_condition − v_null)``; the energy is that of the
            guided velocity. Needs ``condition`` and ``null_condition``.
        condition: passed to the model as it is.
        null_condition: passed in its place for the unguided velocity.
        record: what else to keep; states stay on the device.

    Raises:
        KinepathError: for a plan that chooses its steps, an incomplete guidance, or noise of a
            type without fractions.
        SamplingError: for a sample that became NaN or infinite, naming it and its step.
    """
    steps = plan.steps
    if steps is None:
        raise KinepathError(
            f"{plan.solver} chooses its own steps, which the core does on NumPy arrays; use a "
            'fixed-step solver here, or kinepath.sample, or torchdiffeq with AugmentedField'
        )
    if noise.ndim < 1 or not noise.is_floating_point():
        raise KinepathError(
            f"noise must be floating point of shape [B, …], got {noise.dtype} of shape "
            f"{list(noise.shape)}"
        )
    velocity = _guided(model, guidance_scale, condition, null_condition)
    kept = set(record.nodes(plan))
    state = noise if noise.dtype == torch.float64 else noise.float()
    start, batch = state, state.shape[0]
    times = torch.tensor(
        [stage.t for step in steps for stage in step.stages], dtype=torch.float64
    ).to(device=state.device, dtype=state.dtype)
    ledger = _Ledger(state, plan, record)
    trajectory = [state] if 0 in kept else []
    evaluation = 0
    for number, step in enumerate(steps):
        moves: list[Tensor] = []
        for stage in step.stages:
            x = _advance(state, moves, stage.state)
            t = times[evaluation].expand(batch)
            v = velocity(x.to(noise.dtype), t)
            if v.shape != noise.shape:
                raise KinepathError(
                    f"the model returned a velocity of shape {list(v.shape)} for states of shape "
                    f"{list(noise.shape)}"
                )
            move, speed = ledger.shape(v.to(state.dtype), stage)
            ledger.book(number, len(moves), step.landing, step.terminal, stage, move, speed)
            moves.append(move)
            evaluation += 1
        state = _advance(state, moves, [stage.update for stage in step.stages])
        if number + 1 in kept:
            trajectory.append(state)
    return ledger.close(start, state, trajectory, evaluation, guidance_scale is not None)


def _guided(
    model: Model, scale: float | None, condition: Any, null_condition: Any
) -> Callable[[Tensor, Tensor], Tensor]:
    if scale is None:
        if condition is None:
            return model
        return lambda x, t: model(x, t, condition)
    if condition is None or null_condition is None:
        raise KinepathError("guidance needs both condition and null_condition")

    def guided(x: Tensor, t: Tensor) -> Tensor:
        null = model(x, t, null_condition)
        return torch.lerp(null, model(x, t, condition), scale)

    return guided


def _advance(state: Tensor, moves: list[Tensor], weights: list[float]) -> Tensor:
    """``state + Σ weight · move``, without the terms that are 0."""
    for move, weight in zip(moves, weights, strict=True):
        if weight != 0.0:
            state = torch.add(state, move, alpha=weight)
    return state


class _Ledger:
    """What a run books of its samples, on the device."""

    def __init__(self, state: Tensor, plan: Plan, record: Record) -> None:
        steps = plan.steps or []
        self.plan = plan
        self.governed = any(stage.governor for step in steps for stage in step.stages)
        exact = torch.float32 if state.device.type == "mps" else torch.float64
        zeros = torch.zeros(state.shape[0], dtype=exact, device=state.device)
        self.launch, self.landing, self.terminal = zeros, zeros.clone(), zeros.clone()
        self.gain = zeros.clone()
        self.finite = torch.ones_like(zeros, dtype=torch.bool)
        self.failed_at = torch.full_like(zeros, len(steps), dtype=torch.int64)
        self.profile: list[Tensor] | None = [] if record.profile else None
        self.map = torch.zeros_like(state) if record.energy_map else None

    def shape(self, v: Tensor, stage: Stage) -> tuple[Tensor, Tensor]:
        """The shaped velocity ``k = η v`` and its squared speed."""
        if stage.governor is None:
            move = v if stage.eta == 1.0 else v * stage.eta
            return move, self.squared_speed(move)
        ceiling, exponent = stage.governor
        speed = self.squared_speed(v)
        eta = stage.eta * (ceiling / speed.clamp(min=ceiling)) ** exponent
        move = v * eta.to(v.dtype).reshape(-1, *[1] * (v.ndim - 1))
        self.eta = eta
        return move, speed * eta * eta

    def squared_speed(self, v: Tensor) -> Tensor:
        return v.reshape(v.shape[0], -1).square().sum(1).to(self.launch.dtype)

    def book(
        self,
        number: int,
        position: int,
        landing: bool,
        terminal: bool,
        stage: Stage,
        move: Tensor,
        speed: Tensor,
    ) -> None:
        """Books one stage of step ``number``."""
        finite = torch.isfinite(speed)
        self.failed_at = torch.where(
            self.finite & ~finite, torch.full_like(self.failed_at, number), self.failed_at
        )
        self.finite &= finite
        (self.landing if landing else self.launch).add_(speed, alpha=stage.energy)
        if terminal:
            self.terminal.add_(speed, alpha=stage.energy)
        if self.governed:
            self.gain += stage.update * (stage.eta if stage.governor is None else self.eta)
        if self.profile is not None and position == 0:
            self.profile.append(speed)
        if self.map is not None and stage.energy != 0.0:
            self.map.addcmul_(move, move, value=stage.energy)

    def close(
        self,
        start: Tensor,
        end: Tensor,
        trajectory: list[Tensor],
        evaluations: int,
        guided: bool,
    ) -> Paths[Tensor]:
        """Reads everything back, once."""
        batch = start.shape[0]
        displacement = 0.5 * self.squared_speed(end - start)
        columns = torch.stack(
            [
                self.launch,
                self.landing,
                self.terminal,
                displacement,
                self.gain,
                self.failed_at.to(self.launch.dtype),
                self.finite.to(self.launch.dtype),
            ]
        )
        launch, landing, terminal, straight, gain, failed_at, finite = (
            columns.to("cpu", torch.float64).numpy()
        )
        if not finite.all():
            sample = int(np.flatnonzero(finite == 0)[0])
            step = int(failed_at[sample])
            raise SamplingError(
                f"the velocity of sample {sample} became NaN or infinite at step {step}, "
                f"t = {self.plan.grid.nodes[step]:g}"
            )
        nodes = self.plan.grid.nodes
        if self.governed:
            mean_gain = gain / (nodes[-1] - nodes[0])
        else:
            mean_gain = np.full(batch, _mean_gain(self.plan))
        profile = None
        if self.profile is not None:
            profile = torch.stack(self.profile, 1).to("cpu", torch.float64).numpy()
        return Paths(
            endpoints=end,
            kpe=launch + landing,
            launch=launch,
            landing=landing,
            terminal=terminal,
            displacement=straight,
            mean_gain=mean_gain,
            nfe=np.full(batch, evaluations * (2 if guided else 1), dtype=np.uint32),
            noise_left=None if self.governed else _noise_left(self.plan, batch),
            profile=profile,
            energy_map=self.map,
            trajectory=torch.stack(trajectory, 1) if trajectory else None,
        )


def _mean_gain(plan: Plan) -> float:
    """Mean of η by the method's own quadrature."""
    stages = [stage for step in plan.steps or [] for stage in step.stages]
    nodes = plan.grid.nodes
    return float(sum(stage.update * stage.eta for stage in stages) / (nodes[-1] - nodes[0]))


def _noise_left(plan: Plan, batch: int) -> np.ndarray[Any, np.dtype[np.float64]] | None:
    """The distance y to a settled target, ``dy/dt = −η y / (1 − t)``, stepped by the method."""
    y = 1.0
    for step in plan.steps or []:
        slopes: list[float] = []
        for stage in step.stages:
            if stage.t >= 1.0:
                return None
            at = y + sum(w * k for w, k in zip(stage.state, slopes, strict=True))
            slopes.append(-stage.eta * at / (1.0 - stage.t))
        y += sum(stage.update * k for stage, k in zip(step.stages, slopes, strict=True))
    return np.full(batch, y)


class EnergyMeter:
    """Measures the energy of a loop of your own, wrapping nothing.

        >>> meter = EnergyMeter()
        >>> x = torch.randn(4, 2)
        >>> with meter:
        ...     for i in range(10):
        ...         v = -x
        ...         meter.step(v, t=i / 10, dt=0.1)
        ...         x = x + 0.1 * v
        >>> meter.kpe.shape
        (4,)

    Energies are by left quadrature, ``½ Σ dt ‖η v‖²``: Euler's own. They are summed on the device
    and read back when the block ends; :attr:`kpe` and its parts are there from then on.

    Args:
        split: the time τ that divides launch from landing.
    """

    kpe: np.ndarray[Any, np.dtype[np.float64]]
    """Kinetic path energy of each sample, ``[B]``, in squared data units."""
    launch: np.ndarray[Any, np.dtype[np.float64]]
    """The part from steps before the split, ``[B]``."""
    landing: np.ndarray[Any, np.dtype[np.float64]]
    """The part from steps at the split or later, ``[B]``."""
    terminal: np.ndarray[Any, np.dtype[np.float64]]
    """The part from steps at t = 0.95 or later, ``[B]``."""
    profile: np.ndarray[Any, np.dtype[np.float64]]
    """``‖η v‖²`` of every step, ``[B, steps]``."""

    def __init__(self, *, split: float = 0.6) -> None:
        if not 0.0 < split < 1.0:
            raise KinepathError(f"the split must be a time strictly between 0 and 1, got {split}")
        self.split = split
        self._speeds: list[Tensor] = []
        self._steps: list[tuple[float, float]] = []

    def __enter__(self) -> EnergyMeter:
        self._speeds.clear()
        self._steps.clear()
        return self

    def step(self, v: Tensor, t: float, dt: float, gain: float = 1.0) -> None:
        """Books a step of size ``dt`` from time ``t`` with velocity ``v``, ``[B, *shape]``.

        Args:
            v: the velocity before the gain, in data units per unit of time.
            t: where the step begins, 0 noise and 1 data. A Python number: one on the device would
                have to be waited for.
            dt: its size, positive.
            gain: η of this step.

        Raises:
            KinepathError: for a step that goes backwards, or another number of samples than before.
        """
        if not dt > 0.0:
            raise KinepathError(f"a step goes forward in time (0 noise, 1 data), got dt = {dt}")
        if self._speeds and v.shape[0] != self._speeds[0].shape[0]:
            raise KinepathError(
                f"this step has {v.shape[0]} samples, those before had {self._speeds[0].shape[0]}"
            )
        moved = v.detach().reshape(v.shape[0], -1)
        if moved.dtype not in (torch.float32, torch.float64):
            moved = moved.float()
        self._speeds.append(moved.square().sum(1).mul(gain * gain))
        self._steps.append((float(t), float(dt)))

    def __exit__(self, *error: object) -> None:
        if error[0] is not None:
            return
        if not self._speeds:
            raise KinepathError("the block ended without a step: call meter.step in the loop")
        speeds = torch.stack(self._speeds, 1).cpu().to(torch.float64).numpy()
        times, sizes = np.array(self._steps).T
        energy = 0.5 * sizes * speeds
        self.profile = speeds
        self.kpe = energy.sum(1)
        self.launch = energy[:, times < self.split].sum(1)
        self.landing = energy[:, times >= self.split].sum(1)
        self.terminal = energy[:, times >= TERMINAL_START].sum(1)


def swapped(model: Model) -> Model:
    """A model called as ``model(t, x, …)`` (torchcfm, torchdyn) as one called ``model(x, t, …)``."""
    return lambda x, t, *rest: model(t, x, *rest)


class AugmentedField(torch.nn.Module):
    """A field for ``torchdiffeq.odeint`` whose state carries the energy of every sample.

    The state is ``(x, e)`` with ``de/dt = ½ ‖dx/dt‖²``, so that the energy is integrated to the
    solver's own order and tolerance, adaptive steps included. The error control then sees e too.

        >>> field = AugmentedField(lambda x, t: -x)
        >>> x, e = field.start(torch.randn(4, 2))
        >>> t = torch.tensor([0.0, 1.0])
        >>> # ends, energies = torchdiffeq.odeint(field, (x, e), t)

    Args:
        model: ``model(x, t)`` with states ``[B, *shape]`` and times ``[B]``.
        gain: η at a time, such as ``kinepath.KTS().eta``.
    """

    def __init__(self, model: Model, gain: Callable[[float], float] | None = None) -> None:
        super().__init__()
        self.model = model
        self.gain = gain

    @staticmethod
    def start(noise: Tensor) -> tuple[Tensor, Tensor]:
        """The state at the start: the noise, and no energy yet."""
        return noise, torch.zeros(noise.shape[0], dtype=noise.dtype, device=noise.device)

    def forward(self, t: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """The time derivative of the state, in the order of arguments that torchdiffeq calls."""
        x, _ = state
        v = self.model(x, t.expand(x.shape[0]))
        if self.gain is not None:
            v = v * self.gain(float(t))
        return v, 0.5 * v.reshape(x.shape[0], -1).square().sum(1)
