"""What follows from the speeds or energies of a run, once they are read back: the core's ledger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._kinepath import Stage, Step
from ..arrays import F64
from ..paths import PartEnergies


TERMINAL_START = 0.95
"""Time from which on energy counts towards the terminal spike, as in the core."""
ROUNDING = 1e-5
"""How far a time may be from where it has to be: room for times that are added up in float32."""


class Books(NamedTuple):
    """Energies and gains of B samples."""

    launch: F64
    landing: F64
    terminal: F64
    profile: F64
    mean_gain: F64
    noise_left: F64 | None
    parts: PartEnergies | None


class PartSpeeds(NamedTuple):
    """``‖v‖²`` of the velocities that a guided one is made of, before the gain."""

    conditional: F64
    """At every stage: ``[stages, B]``."""
    unconditional: F64
    """At the stages that are guided: ``[guided, B]``."""
    guided: NDArray[np.bool_]
    """Which stages are, ``[stages]``."""


def close(steps: Sequence[Step], speeds: F64, parts: PartSpeeds | None = None) -> Books:
    """Books the evaluations of a run.

    Args:
        steps: the steps of the plan.
        speeds: ``‖v‖²`` of the field, before the gain, at every stage: ``[stages, B]``.
        parts: those of a guided field.
    """
    stages = [stage for step in steps for stage in step.stages]
    etas = np.stack([_eta(stage, row) for stage, row in zip(stages, speeds, strict=True)])
    shaped = etas**2 * speeds
    weights = np.array([stage.energy for stage in stages])[:, None]
    energies = weights * shaped
    counts = [len(step.stages) for step in steps]
    landing = np.repeat([step.landing for step in steps], counts)
    terminal = np.repeat([step.terminal for step in steps], counts)
    updates = np.array([stage.update for stage in stages])
    return Books(
        launch=energies[~landing].sum(0),
        landing=energies[landing].sum(0),
        terminal=terminal @ energies,
        profile=shaped[np.cumsum([0, *counts[:-1]])].T.copy(),
        mean_gain=updates @ etas / sum(step.size for step in steps),
        noise_left=_noise_left(steps, etas),
        parts=parts and _part_energies(weights, etas, parts),
    )


def divided(
    starts: F64, sizes: F64, energies: F64, split: float | F64
) -> tuple[F64, F64, F64]:
    """Launch, landing and terminal energy, ``[B]`` each, of steps that are known by their energies.

    Args:
        starts: where each step begins, ``[steps, B]`` or ``[steps, 1]``.
        sizes: how long it is, of the same shape.
        energies: ``[steps, B]``.
        split: the time τ, one for all or ``[steps, 1]``; a step that begins within ``ROUNDING`` before
            it begins there.
    """
    late = starts >= split - ROUNDING
    late_share = np.clip((starts + sizes - TERMINAL_START) / sizes, 0.0, 1.0)
    return (
        np.where(late, 0.0, energies).sum(0),
        np.where(late, energies, 0.0).sum(0),
        (late_share * energies).sum(0),
    )


def _part_energies(weights: F64, etas: F64, parts: PartSpeeds) -> PartEnergies:
    factors = weights * etas**2
    unconditional = (factors[parts.guided] * parts.unconditional).sum(0)
    # Where no guided stage has a weight, nothing is known of it.
    known = weights[parts.guided].any()
    return PartEnergies(
        (factors * parts.conditional).sum(0),
        unconditional if known else np.full_like(unconditional, np.nan),
    )


def _eta(stage: Stage, speeds: F64) -> F64:
    """The gain of every sample at a stage, ``[B]``."""
    if stage.governor is None:
        return np.full_like(speeds, stage.eta)
    ceiling, exponent = stage.governor
    return stage.eta * (ceiling / np.maximum(speeds, ceiling)) ** exponent


def _noise_left(steps: Sequence[Step], etas: F64) -> F64 | None:
    """The distance y to a settled target, ``dy/dt = −η y / (1 − t)``, stepped by the method.

    It starts at ``1 − t`` and stays there without a gain. A stage at t = 1, where the equation has
    no meaning, leaves it unknown.
    """
    left = np.full(etas.shape[1], 1.0 - steps[0].start)
    rows = iter(etas)
    for step in steps:
        slopes: list[F64] = []
        for stage in step.stages:
            if stage.t >= 1.0:
                return None
            y = left + sum(a * slope for a, slope in zip(stage.state, slopes, strict=True))
            slopes.append(-next(rows) * y / (1.0 - stage.t))
        left = left + sum(stage.update * k for stage, k in zip(step.stages, slopes, strict=True))
    return left
