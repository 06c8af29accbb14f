"""Gains η(t) by name: how hard the velocity is pushed at each time.

A shaped sampler integrates ``dx/dt = η(t) v(x, t)``. Kinetic trajectory shaping (KTS) boosts the
launch and damps the landing; it costs no evaluation and no training.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from ._kinepath import Gain

Shape = Literal["constant", "linear", "exponential"]
"""How a phase of KTS changes over its time."""


class KTS(Gain):
    """Kinetic trajectory shaping: ``η = 1 + α(t)`` before the split τ, ``1 − β(t)`` from it on.

    Args:
        alpha: strength of the launch, dimensionless.
        beta: strength of the landing, dimensionless.
        split: the time τ in (0, 1) that divides launch from landing.
        launch: shape of α over [0, τ).
        landing: shape of β over [τ, 1].
        rate: growth rate of exponential shapes.

    Raises:
        KinepathError: for a parameter out of range. Whether η stays at or above 0 depends on the
            time grid and is checked by :class:`kinepath.Plan`.

    Source: Li et al., arXiv 2602.07928, eq. 9–11. The shapes as formulas, and η in numbers, are in
    the project's ``docs/gains.md``.
    """

    def __new__(
        cls,
        alpha: float = 0.01,
        beta: float = 0.01,
        *,
        split: float = 0.6,
        launch: Shape = "linear",
        landing: Shape = "exponential",
        rate: float = 3.0,
    ) -> KTS:
        return super().__new__(
            cls,
            f"kts:alpha={float(alpha)!r},beta={float(beta)!r},split={float(split)!r},"
            f"launch={launch},landing={landing},rate={float(rate)!r}",
        )


class SSC(Gain):
    """``η = 1 + α (1 − t)^p``; Li et al., "The Velocity Deficit", arXiv 2605.14819.

    Args:
        alpha: strength at t = 0, dimensionless.
        power: decay p, at least 0.

    Raises:
        KinepathError: for a parameter out of range.
    """

    def __new__(cls, alpha: float, power: float) -> SSC:
        return super().__new__(cls, f"ssc:alpha={float(alpha)!r},power={float(power)!r}")


class TableGain(Gain):
    """Piecewise linear through ``(t, η)`` points, constant beyond the first and the last.

    Args:
        points: pairs of a time and a gain, times increasing; an array ``[P, 2]`` will do.

    Raises:
        KinepathError: unless the points are finite and their times increase.
    """

    def __new__(cls, points: Iterable[tuple[float, float]]) -> TableGain:
        pairs = ",".join(f"{float(t)!r}={float(eta)!r}" for t, eta in points)
        return super().__new__(cls, f"table:{pairs}")


class Governed(Gain):
    """Damps a sample only while it is faster than a ceiling, from the split on.

    With ``s = ‖v‖²`` and the ceiling ``c(t)``, ``η = (c/s)^{strength/2}`` where ``s > c``, else 1.
    :func:`kinepath.sample` and :func:`kinepath.torch.sample` apply it; a loop of your own multiplies
    velocities by :meth:`factor`, as there is no η of the time alone.

        >>> plan = kp.Plan(50, gain=kp.Governed([(0.0, 4.0)], split=0.5))
        >>> plan.gain.factor(0.6, [1.0, 16.0])
        array([1. , 0.5])

    Args:
        ceiling: pairs of a time and a squared speed, in squared data units per squared unit of
            time; meant to be a quantile of the profile of a run without a gain.
        strength: 1 holds a sample at the ceiling, 0 changes nothing.
        split: the time τ in (0, 1) from which samples are governed.

    Raises:
        KinepathError: for a parameter out of range.
    """

    def __new__(
        cls,
        ceiling: Iterable[tuple[float, float]],
        *,
        strength: float = 1.0,
        split: float = 0.6,
    ) -> Governed:
        points = ";".join(f"{float(t)!r}:{float(speed)!r}" for t, speed in ceiling)
        return super().__new__(
            cls, f"governed:strength={float(strength)!r},split={float(split)!r},ceiling={points}"
        )
