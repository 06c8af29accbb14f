"""Sampling one part, as a task of a worker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .._kinepath import Field, KinepathError, Plan
from ..arrays import F32, I64
from ..paths import Paths
from ..samplers import Sampler, in_batches, sampler_of
from ..sampling import Record
from . import parts
from .store import Store

ModelFactory = Callable[[], "Field | Sampler"]
"""Loads a model in the process that calls it: a field of this package, or a function
``sampler(noise, plan)``, with labels ``sampler(noise, plan, labels)``, of noise ``[B, *shape]`` that
returns :class:`kinepath.Paths`."""


@dataclass(frozen=True, eq=False)
class SampleTask:
    """A part to sample."""

    rows: range
    """The global indices of its samples."""
    labels: I64 | None
    """One class for each."""

    def __str__(self) -> str:
        return f"sampling {self.rows.start}..{self.rows.stop}"


@dataclass(frozen=True)
class Sampling:
    """What a worker needs to know; called in the worker, it loads the model."""

    model_factory: ModelFactory
    store: Store
    plan: Plan
    shape: Sequence[int]
    seed: int
    batch: int
    record: Record
    settings_sha256: str
    """The digest of the data set's settings, which tell of all this."""

    def __call__(self) -> Callable[[SampleTask], None]:
        sampler = sampler_of(self.model_factory(), self.record)

        def work(task: SampleTask) -> None:
            # A worker may have been lost after its last word to the store.
            if parts.find(self.store, task.rows, self.settings_sha256) is not None:
                return
            labels = None if task.labels is None else task.labels.tolist()
            paths = in_batches(
                sampler,
                self.plan,
                seed=self.seed,
                rows=task.rows,
                batch=self.batch,
                shape=self.shape,
                labels=labels,
            )
            if paths.endpoints is None:
                raise KinepathError("the model's paths have no endpoints, which are the samples")
            if paths.endpoints.shape[1:] != tuple(self.shape):
                raise KinepathError(
                    f"the model's samples have shape {paths.endpoints.shape[1:]}, and "
                    f"{tuple(self.shape)} was asked for"
                )
            parts.publish(
                self.store,
                task.rows,
                self._as_asked(paths),
                labels,
                settings_sha256=self.settings_sha256,
            )

        return work

    def _as_asked(self, paths: Paths[F32]) -> Paths[F32]:
        """The paths with what is to be kept, so that settings tell of every part."""
        record = self.record
        nodes = len(record.nodes(self.plan))
        asked = {
            "profile": record.profile,
            "energy_map": record.energy_map,
            "parts": record.parts,
            "trajectory": nodes > 0,
        }
        for name, kept in asked.items():
            if kept and getattr(paths, name) is None:
                raise KinepathError(f"{name} was asked for, and the model did not record it")
        if paths.trajectory is not None and nodes not in (0, paths.trajectory.shape[1]):
            raise KinepathError(
                f"{nodes} states of a trajectory were asked for, and the model recorded "
                f"{paths.trajectory.shape[1]}"
            )
        others: dict[str, Any] = {name: None for name, kept in asked.items() if not kept}
        if paths.posterior is not None and not record.profile:
            others["posterior"] = replace(paths.posterior, entropy=None, effective_count=None)
        return replace(paths, **others)
