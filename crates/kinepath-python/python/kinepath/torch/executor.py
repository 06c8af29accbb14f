"""The executor of compiled plans over device tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .._kinepath import KinepathError, Plan, SamplingError, Step
from ..arrays import F64
from ..paths import Paths
from ..sampling import Record, check_asked
from . import books
from .model import FLOATS, Model, check_tensor, velocity_of, working_type
from .speed import exact, governed, read_back, scaled, squared_speed
from .training import warn_of_training


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
    :func:`kinepath.sample`. States and times are float32, or float64 where the noise is; the model
    gets states in the noise's own type. Energies are in float64, on devices without it in float32
    for one evaluation and in float64 for their sum.

    Results are detached: no gradient is recorded, whatever the model's parameters. Where energies
    are part of a loss, solve for an :class:`AugmentedField`.

    The model may change its states and times in place, which are copies. A velocity is used up
    before the model is called again, so that a model may return the same memory every time, as one
    compiled with CUDA graphs does.

    Args:
        model: ``model(x, t)``, or ``model(x, t, condition)`` where a condition is given; returns
            the velocity, in the straight-path convention (t = 0 noise, t = 1 data). A module in
            training mode with dropout or batch statistics is warned of.
        noise: starting states at the plan's first node, ``[B, *shape]``, on the model's device.
        plan: grid, solver and gain; not ``dopri5``, whose steps the core chooses.
        guidance_scale: w of ``v = v_null + w (v_condition − v_null)``; the energy is that of the
            guided velocity, and an evaluation counts twice. Needs both conditions.
        condition: passed to the model as its third argument; a mapping, as keyword arguments.
        null_condition: passed in its place for the unguided velocity; ``{}`` to leave it out.
        record: what else to keep; states stay on the device. The parts are those of a guided
            velocity.

    Raises:
        KinepathError: for what is no plan or no record, a plan that chooses its steps, an incomplete guidance, noise that is no
            tensor, not floating point or holds NaN or infinity, a recorded node that the grid
            lacks, or parts without guidance.
        SamplingError: for a velocity that became NaN or infinite, naming sample, step and time.
            Noticed at the end: nothing waits for the device before.
        ModelError: for a velocity of another shape or device than the states, or without
            fractions. What the model raises is raised as it is.
    """
    check_asked(plan, record)
    steps = plan.steps
    if steps is None:
        raise KinepathError(
            f"{plan.solver} chooses its own steps, which the core does on NumPy arrays; use a "
            "fixed-step solver here, or kinepath.sample, or torchdiffeq with AugmentedField"
        )
    check_tensor("noise", noise)
    if noise.ndim < 1 or noise.dtype not in FLOATS:
        raise KinepathError(
            f"noise must be floating point of shape [B, …], got {noise.dtype} of shape "
            f"{list(noise.shape)}"
        )
    # Beyond the decorator that turns gradients off.
    warn_of_training(model, stacklevel=3)
    evaluated = velocity_of(
        model, guidance_scale, condition, null_condition, parts=record.parts
    )
    nodes = record.nodes(plan)
    state = noise.to(working_type(noise.dtype))
    start, batch = state, state.shape[0]
    times = torch.tensor(
        [stage.t for step in steps for stage in step.stages],
        dtype=state.dtype,
        device=state.device,
    )
    time = iter(times.unbind())
    energy_map = None
    if record.energy_map:
        energy_map = torch.zeros_like(state, dtype=exact(state.device))
    kept = {0: state} if 0 in nodes else {}
    speeds: list[Tensor] = []
    parts: list[Tensor] = []
    for number, step in enumerate(steps, start=1):
        # Where each stage is evaluated, and last the state after the step.
        states = [state] * (len(step.stages) + 1)
        for position, stage in enumerate(step.stages):
            # A copy, which the model may change: states are read again, and noise is the caller's.
            x = states[position].to(noise.dtype, copy=True)
            v, speeds_of_parts = evaluated(x, next(time).repeat(batch), state.dtype)
            parts += speeds_of_parts
            speeds.append(squared_speed(v))
            v = v.to(state.dtype)
            if stage.governor is not None:
                v = scaled(v, governed(speeds[-1], stage.governor))
            for later, other in enumerate(step.stages[position + 1 :], start=position + 1):
                weight = other.state[position] * stage.eta
                states[later] = _pushed(states[later], state, v, weight)
            states[-1] = _pushed(states[-1], state, v, stage.update * stage.eta)
            if energy_map is not None and stage.energy != 0.0:
                energy_map.addcmul_(v, v, value=stage.energy * stage.eta**2)
        state = states[-1]
        if number in nodes:
            kept[number] = state
    displacement = squared_speed(state - start).mul_(0.5)
    columns = read_back([*speeds, displacement, *parts])
    rows, of_parts = np.split(columns, [len(speeds) + 1])
    _check_finite(rows, noise, steps)
    booked = books.close(steps, rows[:-1], (of_parts[::2], of_parts[1::2]) if parts else None)
    calls = len(speeds) * (1 if guidance_scale is None else 2)
    return Paths(
        endpoints=state,
        kpe=booked.launch + booked.landing,
        launch=booked.launch,
        landing=booked.landing,
        terminal=booked.terminal,
        displacement=rows[-1],
        mean_gain=booked.mean_gain,
        nfe=np.full(batch, calls, dtype=np.uint32),
        noise_left=booked.noise_left,
        profile=booked.profile if record.profile else None,
        energy_map=None if energy_map is None else energy_map.to(state.dtype),
        trajectory=torch.stack([kept[node] for node in nodes], 1) if nodes else None,
        parts=booked.parts,
        times=plan.grid.nodes,
    )


def _pushed(total: Tensor, base: Tensor, v: Tensor, weight: float) -> Tensor:
    """``total + weight · v``, in place unless ``total`` is still ``base``."""
    if weight == 0.0:
        return total
    if total is base:
        return torch.add(base, v, alpha=weight)
    return total.add_(v, alpha=weight)


def _check_finite(rows: F64, noise: Tensor, steps: Sequence[Step]) -> None:
    """Names the first evaluation and sample that is NaN or infinite; the last row is the end."""
    failed = np.argwhere(~np.isfinite(rows))
    if len(failed) == 0:
        return
    bad = torch.isfinite(noise.reshape(noise.shape[0], -1)).all(1).logical_not().nonzero()
    if len(bad) > 0:
        raise KinepathError(f"the noise of sample {int(bad[0])} holds NaN or infinity")
    evaluations = [(step, stage) for step, s in enumerate(steps) for stage in s.stages]
    row, sample = failed[0]
    if row == len(evaluations):
        raise SamplingError(f"the endpoint of sample {sample} is too large for {noise.dtype}")
    step, stage = evaluations[row]
    raise SamplingError(
        f"the velocity of sample {sample} became NaN or infinite at step {step}, t = {stage.t:g}"
    )
