"""The runs of a study of a model: sampled, or kept from a call that was interrupted."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from . import _kinepath
from ._kinepath import KinepathError, Plan
from .fields import OnnxField
from .runs import Run, read_run, write_run
from .samplers import Sampler, in_batches
from .study_folder import claim, note_sampled, sampled


@dataclass(frozen=True)
class ModelRuns:
    """How the runs of a study are sampled: all but for their plans alike."""

    sampler: Sampler
    model: OnnxField | str
    """The network, or what the model is called."""
    count: int
    shape: Sequence[int]
    labels: list[int] | None
    seed: int
    batch: int

    def all(
        self,
        folder: Path,
        plans: Mapping[Path, Plan],
        *,
        resume: bool,
        observe: Callable[[float], object],
    ) -> list[Run]:
        """The run of every plan.

        Args:
            folder: of the study.
            plans: by the folders in there for their runs.
            resume: whether to keep runs that a call which was interrupted has sampled whole.
            observe: told after each batch the fraction of all samples that there are.

        Raises:
            KinepathError: for a sampler that leaves its plan or returns no paths, and folders that
                cannot be written.
        """
        before = sampled(folder) if resume else set()
        kept = {place: self._kept(place, plan) for place, plan in plans.items() if place in before}
        runs = {place: run for place, run in kept.items() if run is not None}
        note_sampled(folder, runs)
        for place, plan in plans.items():
            if place not in runs:
                paths = in_batches(
                    self.sampler,
                    plan,
                    seed=self.seed,
                    rows=range(self.count),
                    batch=self.batch,
                    shape=self.shape,
                    labels=self.labels,
                    observe=lambda done: observe(
                        (len(runs) * self.count + done) / (len(plans) * self.count)
                    ),
                )
                claim(folder, [place])
                runs[place] = write_run(
                    place,
                    # The times of its states are the sampler's affair.
                    replace(paths, trajectory=None),
                    plan=plan,
                    model=self.model,
                    noise=self.seed,
                    labels=self.labels,
                    overwrite=True,
                )
                note_sampled(folder, runs)
        return [runs[place] for place in plans]

    def _kept(self, place: Path, plan: Plan) -> Run | None:
        """The run in a folder, if it is the one that would be sampled."""
        try:
            run = read_run(place)
        except KinepathError:
            # Moved away, or damaged.
            return None
        own = run.settings
        told: dict[str, Any] = {
            **json.loads(_kinepath.run_settings(self.model, plan)),
            "noise": {"source": "seed", "seed": self.seed},
            "count": self.count,
            "shape": list(self.shape),
        }
        same = all(own.get(name) == value for name, value in told.items())
        classes = run.table()["label"]
        # Absent ones are NaN.
        labels = None if classes.dtype.kind == "f" else classes.tolist()
        return run if same and labels == self.labels else None
