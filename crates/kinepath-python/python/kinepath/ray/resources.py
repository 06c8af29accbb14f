"""What a worker takes of a node, in the names and steps of Ray."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from .._kinepath import KinepathError

STEPS = 10_000
"""Steps of one of anything: Ray counts in ten-thousandths."""

Resources: TypeAlias = Mapping[str, float]
"""Amounts by name."""


def checked(resources: Resources) -> dict[str, float]:
    """Resources of one worker as Ray takes them.

    Raises:
        KinepathError: for what is no amount of a resource, and parts of GPUs above one.
    """
    return {name: _amount(name, amount) for name, amount in resources.items()}


def room(resources: Resources, nodes: Sequence[Resources]) -> int:
    """How many workers nodes have room for, given what each node has; one where they take nothing."""
    needs = _needs(resources)
    if not needs:
        return 1
    return sum(min(_fitting(name, need, node) for name, need in needs.items()) for node in nodes)


def lacking(resources: Resources, nodes: Sequence[Resources]) -> str:
    """Why no node has room for a worker."""
    short = []
    for name, need in _needs(resources).items():
        most = max((node.get(name, 0.0) for node in nodes), default=0.0)
        if not most:
            short.append(f"none has {name}")
        elif _steps(most) < need:
            short.append(f"none has more than {most:g} of {name}")
    return ", ".join(short) or "none has all of it at once"


def _amount(name: str, amount: float) -> float:
    try:
        found = float(amount)
    except (TypeError, ValueError, OverflowError) as error:
        raise KinepathError(f"a worker takes a number of {name}, got {amount!r}") from error
    if not 0.0 <= found < math.inf:
        raise KinepathError(f"a worker takes at least 0 of {name}, got {amount!r}")
    if 0.0 < found * STEPS < 1.0:
        raise KinepathError(f"Ray counts in steps of {1 / STEPS}, got {amount!r} of {name}")
    if found.is_integer():
        return int(found)
    if name == "GPU" and found > 1.0:
        raise KinepathError(
            f"a worker takes a part of one GPU or some whole ones, got {amount!r}: ask for "
            f"{math.floor(found)} or {math.ceil(found)}"
        )
    return found


def _needs(resources: Resources) -> dict[str, int]:
    return {name: _steps(amount) for name, amount in resources.items() if amount}


def _steps(amount: float) -> int:
    return round(amount * STEPS)


def _fitting(name: str, need: int, node: Resources) -> int:
    there = _steps(node.get(name, 0.0))
    if name == "GPU" and need < STEPS:
        # What is left of two GPUs is not one.
        return there // STEPS * (STEPS // need)
    return there // need
