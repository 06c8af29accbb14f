"""What exact integration says of paths through an empirical field."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .arrays import F64, I64


class Certificate(NamedTuple):
    """How far the velocities along paths can be from those of the whole training set.

    Training points of negligible weight are dropped; this bounds what they can change. Rounding
    comes on top.
    """

    tau: float
    """The gap τ, in nats: points of a posterior weight below ``exp(−tau)`` were dropped. Above the
    one asked for where the training set is so large that this would drop likely points."""
    velocity_error: float
    """Bound on ``‖v − v*‖`` over all samples and steps, in data units per unit of time."""
    dropped_mass: float
    """Bound on the posterior weight of all dropped points, relative to those that stay."""
    need: float
    """The largest gap that a step needed to be sure that dropped points stay negligible, in nats;
    infinite where no gap would have been enough for one of them."""
    rescans: int
    """How many times the points of a sample were looked at again, because its guarantee fell."""

    def __str__(self) -> str:
        rescans = "no rescans" if self.rescans == 0 else f"{self.rescans} rescans"
        return (
            f"velocity error ≤ {self.velocity_error:.1e}, τ = {self.tau:g}, "
            f"largest need {self.need:.1f}, {rescans}"
        )

    def both(self, other: Certificate) -> Certificate:
        """The certificate of both together."""
        return Certificate(
            tau=min(self.tau, other.tau),
            velocity_error=max(self.velocity_error, other.velocity_error),
            dropped_mass=max(self.dropped_mass, other.dropped_mass),
            need=max(self.need, other.need),
            rescans=self.rescans + other.rescans,
        )


@dataclass(frozen=True, eq=False)
class PosteriorPaths:
    """The posteriors over training points that B paths had on their way."""

    top: I64
    """Row of the training point of largest weight at the last evaluation, ``[B]``; the first of
    equal points."""
    collapse: F64
    """Collapse time, ``[B]``: that of the first evaluation from which on the largest weight stayed
    above 0.99, equal training points taken together. NaN where it did not."""
    entropy: F64 | None
    """Entropy of the posterior at the start of every step, ``[B, steps]``, in nats, if profiles are
    recorded."""
    effective_count: F64 | None
    """``1 / Σ λ²`` at the start of every step, ``[B, steps]``, if profiles are recorded."""
    certificate: Certificate
    """What the integration guarantees for all B paths."""

    def of_samples(self, change: Callable[[Any], Any]) -> PosteriorPaths:
        """The same, with the columns of samples, ``[B, …]`` each, changed."""
        steps = [self.entropy, self.effective_count]
        entropy, effective_count = (None if each is None else change(each) for each in steps)
        return PosteriorPaths(
            top=change(self.top),
            collapse=change(self.collapse),
            entropy=entropy,
            effective_count=effective_count,
            certificate=self.certificate,
        )

    @staticmethod
    def joined(parts: Sequence[PosteriorPaths], *, steps: bool) -> PosteriorPaths:
        """The posteriors of all parts, at least one, one after the other.

        Args:
            parts: the posteriors.
            steps: whether all took the same steps, without which there is nothing for each of them.
        """

        def of_steps(name: str) -> F64 | None:
            arrays: list[F64 | None] = [getattr(part, name) for part in parts]
            there = [array for array in arrays if array is not None]
            return np.concatenate(there) if steps and len(there) == len(arrays) else None

        certificate = parts[0].certificate
        for part in parts[1:]:
            certificate = certificate.both(part.certificate)
        return PosteriorPaths(
            top=np.concatenate([part.top for part in parts]),
            collapse=np.concatenate([part.collapse for part in parts]),
            entropy=of_steps("entropy"),
            effective_count=of_steps("effective_count"),
            certificate=certificate,
        )
