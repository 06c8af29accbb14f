"""The executor of compiled plans over device tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .._kinepath import Field, KinepathError, Plan, SamplingError, Step
from ..arrays import F64, integer
from ..paths import Paths
from ..sampling import Record, check_asked
from . import books
from .conditions import rows_of
from .guidance import Guided, Style, Velocity
from .model import FLOATS, Model, check_tensor, working_type
from .speed import exact, governed, read_back, scaled, squared_speed
from .training import warn_of_training


@torch.no_grad()
def sample(
    model: Model,
    noise: Tensor,
    plan: Plan,
    *,
    condition: Any = None,
    guidance_scale: float | Tensor | None = None,
    null_condition: Any = None,
    guidance_interval: tuple[float, float] | None = None,
    guidance_style: Style = "calls",
    batch_size: int | None = None,
    record: Record = Record(),
) -> Paths[Tensor]:
    """Integrates every sample of ``noise`` along ``plan`` and measures its energy.

    Runs the steps that the core compiled, so that times, gains and weights are those of
    :func:`kinepath.sample`. States and times are float32, or float64 where the noise is. Energies are
    in float64, on devices without it in float32 for one evaluation and in float64 for their sum.

    The model gets states in the noise's own type, and times in float32 beside half precision, as the
    models of diffusers take them; bfloat16 has only 128 times between ½ and 1. A model that does not
    bring the two together itself, as SiT, is sampled under ``torch.autocast``.

    Results are detached: no gradient is recorded, whatever the model's parameters. Where energies
    are part of a loss, solve for an :class:`AugmentedField`.

    The model may change its states and times in place, which are copies. A velocity is used up
    before the model is called again, so that a model may return the same memory every time, as one
    compiled with CUDA graphs does.

    Args:
        model: ``model(x, t)``, or ``model(x, t, condition)`` where a condition is given; returns
            the velocity, in the straight-path convention (t = 0 noise, t = 1 data). A module in
            training mode with dropout or batch statistics, alone or behind an adapter, is warned of.
        noise: starting states at the plan's first node, ``[B, *shape]``, on the model's device.
        plan: grid, solver and gain; not ``dopri5``, whose steps the core chooses.
        condition: passed to the model as its third argument; a mapping, as keyword arguments.
        guidance_scale: w of ``v = v_null + w (v_condition − v_null)``, one for all or ``[B]``; the
            energy is that of the guided velocity, and an evaluation counts twice. Needs both
            conditions.
        null_condition: passed in its place for the unguided velocity; ``{}`` to leave it out.
        guidance_interval: the first and the last time of guidance, noise at 0 and data at 1; the
            whole path if None. Elsewhere only the conditional velocity is evaluated, and counted.
            Each stage of a solver goes by its own time.
        guidance_style: ``calls`` makes the two evaluations one after the other, ``doubled`` in one
            call with twice the rows, those of the condition first. Both conditions are then tensors,
            or mappings or sequences of them, of the same shapes, with a row for each sample or one
            for all; a null condition may lack the axis of rows.
        batch_size: how many samples to integrate together, all if None; the device is waited for
            after each batch. Of a condition, and of guidance scales, tensors and arrays with B rows
            are cut, and all else is for every batch.
        record: what else to keep; states stay on the device. The parts are those of a guided
            velocity.

    Raises:
        KinepathError: for what is no plan or no record, a plan that chooses its steps, a field of the
            core, an incomplete guidance, an interval or a style that is none, conditions that have
            no common batch, noise that is no tensor, not floating point, without data or holds NaN or
            infinity, a recorded node that the grid lacks, or parts without guidance.
        SamplingError: for a velocity that became NaN or infinite, naming sample, step and time.
            Noticed at the end of a batch: nothing waits for the device before.
        ModelError: for a velocity of another shape or device than the states, or without
            fractions. What the model raises is raised as it is.

    Sources: guidance: Ho & Salimans, arXiv 2207.12598; its interval: Kynkäänniemi et al., arXiv
    2404.07724.
    """
    check_asked(plan, record)
    if plan.steps is None:
        raise KinepathError(
            f"{plan.solver} chooses its own steps, which the core does on NumPy arrays; use a "
            "fixed-step solver here, or kinepath.sample, or torchdiffeq with AugmentedField"
        )
    if isinstance(model, Field):
        raise KinepathError(
            f"{type(model).__name__} is a field of the core: kinepath.sample integrates it, on NumPy "
            "arrays"
        )
    _check_noise(noise)
    record.nodes(plan)
    guided = None
    if guidance_scale is not None:
        guided = Guided.of(
            guidance_scale, condition, null_condition, guidance_interval, guidance_style
        )
        guided.check(noise)
    else:
        _check_unguided(null_condition, guidance_interval, guidance_style, record)
    # Beyond the decorator that turns gradients off.
    warn_of_training(model, stacklevel=3)
    batch = noise.shape[0]
    size = max(batch, 1) if batch_size is None else integer(batch_size, "batch_size", least=1)
    parts = []
    for first in range(0, max(batch, 1), size):
        rows = slice(first, min(first + size, batch))
        asked = Velocity(
            model, rows_of(condition, batch, rows), guided and guided.rows(rows, batch), record.parts
        )
        parts.append(_integrated(asked, noise[rows], plan, record, first=first))
    return parts[0] if len(parts) == 1 else Paths.joined(parts)


def _integrated(
    velocity: Velocity, noise: Tensor, plan: Plan, record: Record, *, first: int
) -> Paths[Tensor]:
    """The paths of samples that are integrated together, the first of which is number ``first``."""
    steps, nodes = plan.steps or [], record.nodes(plan)
    state = noise.to(working_type(noise.dtype))
    start, batch = state, state.shape[0]
    velocity.prepare(state)
    stages = [stage for step in steps for stage in step.stages]
    times = torch.tensor([stage.t for stage in stages], dtype=state.dtype, device=state.device)
    time = iter(times.unbind())
    energy_map = None
    if record.energy_map:
        energy_map = torch.zeros_like(state, dtype=exact(state.device))
    kept = {0: state} if 0 in nodes else {}
    speeds: list[Tensor] = []
    conditional: list[Tensor] = []
    unconditional: list[Tensor] = []
    for number, step in enumerate(steps, start=1):
        # Where each stage is evaluated, and last the state after the step.
        states = [state] * (len(step.stages) + 1)
        for position, stage in enumerate(step.stages):
            # A copy, which the model may change: states are read again, and noise is the caller's.
            x = states[position].to(noise.dtype, copy=True)
            v, *of_parts = velocity.at(x, next(time).repeat(batch), stage.t)
            conditional += of_parts[:1]
            unconditional += of_parts[1:]
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
    columns = read_back([*speeds, displacement, *conditional, *unconditional])
    ends = np.cumsum([len(speeds), 1, len(conditional)])
    seen, ends_moved, with_condition, without = np.split(columns, ends)
    _check_finite(np.concatenate([seen, ends_moved]), noise, steps, first)
    guided = np.array([velocity.calls(stage.t) == 2 for stage in stages])
    parts = books.PartSpeeds(with_condition, without, guided) if record.parts else None
    booked = books.close(steps, seen, parts)
    return Paths(
        endpoints=state,
        kpe=booked.launch + booked.landing,
        launch=booked.launch,
        landing=booked.landing,
        terminal=booked.terminal,
        displacement=ends_moved[0],
        mean_gain=booked.mean_gain,
        nfe=np.full(batch, len(stages) + guided.sum(), dtype=np.uint32),
        noise_left=booked.noise_left,
        profile=booked.profile if record.profile else None,
        energy_map=None if energy_map is None else energy_map.to(state.dtype),
        trajectory=torch.stack([kept[node] for node in nodes], 1) if nodes else None,
        parts=booked.parts,
        times=plan.grid.nodes,
        trajectory_times=plan.grid.nodes[nodes] if nodes else None,
    )


def _check_noise(noise: Tensor) -> None:
    check_tensor("noise", noise)
    if noise.ndim < 1 or noise.dtype not in FLOATS:
        raise KinepathError(
            f"noise must be floating point of shape [B, …], got {noise.dtype} of shape "
            f"{list(noise.shape)}"
        )
    if noise.device.type == "meta":
        raise KinepathError("noise on the meta device has no data: sample on the model's device")


def _check_unguided(
    null_condition: Any, interval: object, style: Style, record: Record
) -> None:
    """Refuses what is for guidance only."""
    if null_condition is not None:
        raise KinepathError("null_condition is for guidance: give guidance_scale as well")
    if interval is not None or style != "calls":
        raise KinepathError(
            "guidance_interval and guidance_style are for guidance: give guidance_scale as well"
        )
    if record.parts:
        raise KinepathError(
            "energies of parts can be recorded of a guided velocity only: give guidance_scale and "
            "both conditions, or leave parts out of the record"
        )


def _pushed(total: Tensor, base: Tensor, v: Tensor, weight: float) -> Tensor:
    """``total + weight · v``, in place unless ``total`` is still ``base``."""
    if weight == 0.0:
        return total
    if total is base:
        return torch.add(base, v, alpha=weight)
    return total.add_(v, alpha=weight)


def _check_finite(rows: F64, noise: Tensor, steps: Sequence[Step], first: int) -> None:
    """Names the first evaluation and sample that is NaN or infinite; the last row is the end."""
    failed = np.argwhere(~np.isfinite(rows))
    if len(failed) == 0:
        return
    bad = torch.isfinite(noise.reshape(noise.shape[0], -1)).all(1).logical_not().nonzero()
    if len(bad) > 0:
        raise KinepathError(f"the noise of sample {first + int(bad[0])} holds NaN or infinity")
    evaluations = [(step, stage) for step, s in enumerate(steps) for stage in s.stages]
    row, sample = failed[0][0], first + failed[0][1]
    if row == len(evaluations):
        raise SamplingError(f"the endpoint of sample {sample} is too large for {noise.dtype}")
    step, stage = evaluations[row]
    raise SamplingError(
        f"the velocity of sample {sample} became NaN or infinite at step {step}, t = {stage.t:g}"
    )
