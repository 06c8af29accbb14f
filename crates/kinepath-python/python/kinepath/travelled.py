"""Whether paths were sampled along a plan, as far as what they keep tells."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np

from ._kinepath import Gain, KinepathError, Plan
from .arrays import F64
from .paths import Paths

SAME_TIME = 1e-6
"""Times closer than this may be one: loops and schedules often have theirs in float32. A gain is
looked up this much earlier and later, as it jumps at its split."""
SAME_NODE = 1e-4
"""Nodes closer than this may be one: loops add up their times in float32."""
SAME_GAIN = 1e-4
"""Mean gains closer than this may be one."""
COARSE_GAIN = 1e-3
"""A gain whose mean is closer to 1 than this cannot be missed where a method chose its steps, nor a
closed-loop one that multiplies a speed by so little less than 1."""
EXACT_GAIN = 1e-9
"""Mean gains closer than this to 1 are of paths that no gain changed."""
POINTS = 1001
"""Times at which the gain of such a method is looked up."""

WHAT_TO_DO = (
    "Sample along the plan as it is, gain included (a sampler of a study is given one for each "
    "gain), or give the plan that these paths were sampled along"
)


def check_plan(paths: Paths[Any], plan: Plan) -> None:
    """Refuses paths that were not sampled along ``plan``.

    Mean gains are compared, so are evaluations and times where they are known, and the speeds of a
    profile with the ceiling of a closed-loop gain. Evaluations may be those of the plan, up to two
    for each under guidance, a multiple where a model counts its own, or one a step, as an
    ``EnergyMeter`` counts.

    Raises:
        KinepathError: for what differs, and both of its values.
    """
    grid = plan.grid
    times = paths.times
    if times is not None and not _close(np.asarray(times), grid.nodes):
        raise KinepathError(
            f"these paths travelled from t = {times[0]:.6g} to {times[-1]:.6g} in {len(times) - 1} "
            f"steps at times of their own, which are not those of {plan!r}: "
            "kinepath.Grid(paths.times) has them"
        )
    _check_governed(paths, plan)
    gains, ranges = np.asarray(paths.mean_gain), _mean_gains(plan)
    # NaN is for the core to refuse, by name.
    known = np.isnan(gains)
    for low, high in ranges:
        known |= (gains >= low - SAME_GAIN) & (gains <= high + SAME_GAIN)
    if not known.all() or _goes_without(gains, plan):
        sample = int(np.argmin(known))
        raise KinepathError(
            f"sample {sample} travelled with a mean gain of {gains[sample]:.6g}, but that of "
            f"{plan!r} is {_words(plan, *ranges[0])}. {WHAT_TO_DO}"
        )
    steps = plan.steps
    if plan.nfe is None or steps is None:
        return
    # A schedule may end with a step of Euler's method.
    least = plan.nfe - len(steps[-1].stages) + 1
    for sample, nfe in enumerate(np.asarray(paths.nfe).tolist()):
        if nfe < grid.steps or not (nfe % grid.steps == 0 or least <= nfe <= 2 * plan.nfe):
            raise KinepathError(
                f"sample {sample} took {nfe} evaluations of the field, but {plan!r} takes "
                f"{plan.nfe}. {WHAT_TO_DO}"
            )


def _close(times: F64, nodes: F64) -> bool:
    return times.shape == nodes.shape and bool((np.abs(times - nodes) < SAME_NODE).all())


def _check_governed(paths: Paths[Any], plan: Plan) -> None:
    """Refuses paths that a closed-loop gain should have damped and did not, as far as profiles tell.

    Raises:
        KinepathError: for the first step, and its first sample, that was faster than the ceiling
            although nothing damped that sample.
    """
    if paths.profile is None or paths.profile.shape[1] != plan.grid.steps:
        return
    undamped = np.abs(np.asarray(paths.mean_gain) - 1.0) < EXACT_GAIN
    for t, speeds in zip(plan.grid.nodes.tolist(), paths.profile.T):
        governor = plan.gain.governor(t)
        if governor is None or plan.gain.governor(t - SAME_TIME) is None:
            continue
        missed = undamped & (plan.gain.factor(t, speeds) < 1.0 - COARSE_GAIN)
        if missed.any():
            sample = int(np.argmax(missed))
            raise KinepathError(
                f"the gain was not applied: sample {sample} had a squared speed of "
                f"{speeds[sample]:.6g} at t = {t:.6g}, where the ceiling of {plan!r} is "
                f"{governor[0]:.6g}, and travelled with a mean gain of 1. Sample by kinepath.sample "
                "or kinepath.torch.sample; a loop of your own multiplies its velocities by "
                "plan.gain.factor(t, speeds), and tells its EnergyMeter the same gain"
            )


def _mean_gains(plan: Plan) -> list[tuple[float, float]]:
    """Ranges in one of which the mean gain of a path along ``plan`` lies."""
    gain, steps = plan.gain, plan.steps
    if steps is None:
        etas = _etas(plan)
        ranges = [(float(etas.min()), float(etas.max()))]
    else:
        by_solver = [[(stage.update, stage.t) for stage in step.stages] for step in steps]
        # An EnergyMeter books the first stage of a step for all of it, and the Heun scheduler of
        # diffusers ends with a step of Euler's method.
        left = [[(step.size, step.start)] for step in steps]
        ways = [by_solver, left, [*by_solver[:-1], left[-1]]]
        ranges = [_weighted(gain, list(chain(*weights))) for weights in ways]
    if gain.governor(plan.grid.nodes[-1]) is not None:
        # As far as its samples were damped.
        ranges = [(0.0, max(high for _, high in ranges))]
    return ranges


def _weighted(gain: Gain, weights: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The smallest and the largest mean of a gain, given weights and times that may be rounded."""
    whole = sum(weight for weight, _ in weights)
    parts, times = np.array(weights).T
    around = [
        # As far as nothing is too fast.
        parts * gain.factor(np.clip(times + shift, 0.0, 1.0), 0.0)
        for shift in (-SAME_TIME, 0.0, SAME_TIME)
    ]
    return float(np.min(around, 0).sum() / whole), float(np.max(around, 0).sum() / whole)


def _goes_without(gains: F64, plan: Plan) -> bool:
    """Whether a gain was not applied, where nobody knows the steps and 1 may be among its values."""
    if plan.steps is not None or not np.allclose(gains, 1.0, rtol=0.0, atol=EXACT_GAIN):
        return False
    return abs(float(np.mean(_etas(plan))) - 1.0) > COARSE_GAIN


def _etas(plan: Plan) -> F64:
    """The gain all along a plan, as far as nothing is too fast."""
    nodes = plan.grid.nodes
    return plan.gain.factor(np.linspace(nodes[0], nodes[-1], POINTS), 0.0)


def _words(plan: Plan, low: float, high: float) -> str:
    if plan.steps is None:
        return f"about {np.mean(_etas(plan)):.4g}"
    if high - low < SAME_GAIN:
        return f"{0.5 * (low + high):.6g}"
    return f"from {low:.6g} to {high:.6g}"
