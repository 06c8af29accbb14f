"""The methods of integration by name."""

from __future__ import annotations

from enum import Enum


class Solver(str, Enum):
    """An explicit Runge–Kutta method; :class:`kinepath.Plan` takes it or its name."""

    EULER = "euler"
    """Order 1, one evaluation per step."""
    MIDPOINT = "midpoint"
    """Order 2, two evaluations, both within the step."""
    HEUN = "heun"
    """Order 2, two evaluations, the second at the end of the step."""
    RK4 = "rk4"
    """The classical method of order 4, four evaluations."""
    DOPRI5 = "dopri5"
    """Dormand and Prince's method of order 5 with step-size control, seven evaluations."""
