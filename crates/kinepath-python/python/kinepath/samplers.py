"""Models as functions that sample, batch after batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from ._kinepath import Field, KinepathError, Plan
from .arrays import F32, whole
from .paths import Paths
from .sampling import Record, noise, sample
from .travelled import check_plan

Sampler: TypeAlias = Callable[..., Paths[Any]]
"""``sampler(noise, plan)``, or ``sampler(noise, plan, labels)`` where there are labels, with noise
``[B, *shape]``, returning what it measured."""


def sampler_of(model: Field | Sampler, record: Record) -> Sampler:
    """A field as a sampler that records ``record``; a function is one already, and records what it
    will."""
    if not isinstance(model, Field):
        return model
    field = model

    def sampler(noise: F32, plan: Plan, labels: Sequence[int] | None = None) -> Paths[F32]:
        return sample(field, noise, plan, record=record, labels=labels)

    return sampler


def in_batches(
    sampler: Sampler,
    plan: Plan,
    *,
    seed: int,
    rows: range,
    batch: int,
    shape: Sequence[int],
    labels: Sequence[int] | None,
    observe: Callable[[int], object] = lambda done: None,
) -> Paths[F32]:
    """The paths of the samples with the global indices ``rows``, at least one, ``batch`` at a time.

    Args:
        labels: one class for each of ``rows``.
        observe: told after each batch how many samples there are.

    Raises:
        KinepathError: for a sampler that returns no paths of its noise or such of another plan, or
            labels that are no whole numbers.
    """
    parts = []
    for first in range(0, len(rows), batch):
        start = noise(seed, rows[first : first + batch], shape)
        asked = () if labels is None else (whole(labels[first : first + batch], "labels"),)
        paths = sampler(start, plan, *asked)
        if not isinstance(paths, Paths) or len(paths) != len(start):
            raise KinepathError(
                f"the sampler must return the Paths of its {len(start)} samples, got {paths!r}"
            )
        check_plan(paths, plan)
        # Off the device: a run may have more states than it has memory for.
        parts.append(paths.numpy())
        observe(first + len(start))
    return Paths.joined(parts)
