"""The runs of a study of a model: sampled, or kept from a call that was interrupted."""

from __future__ import annotations

import json
import pickle
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from . import _kinepath
from ._kinepath import Field, KinepathError, Plan
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
    field: str | None
    """The digest of a field that is known by no file."""
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
        before = sampled(folder, self.field) if resume else set()
        kept = {place: self._kept(place, plan) for place, plan in plans.items() if place in before}
        runs = {place: run for place, run in kept.items() if run is not None}
        note_sampled(folder, runs, self.field)
        if runs:
            observe(len(runs) / len(plans))
            self._tell(f"{len(runs)} of {len(plans)} runs in {folder}")
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
                    replace(paths, trajectory=None, trajectory_times=None),
                    plan=plan,
                    model=self.model,
                    noise=self.seed,
                    labels=self.labels,
                    overwrite=True,
                )
                note_sampled(folder, runs, self.field)
        return [runs[place] for place in plans]

    def _tell(self, kept: str) -> None:
        """Warns that runs of a function are kept, which nothing but its name tells from another."""
        if self.field is None and isinstance(self.model, str):
            warnings.warn(
                f"{kept} are kept from a call that was interrupted, as they are of a "
                f"function that was called {self.model!r} too: if it has changed, give it another name=, "
                "or begin anew with resume=False",
                UserWarning,
                # Beyond all and study_model.
                stacklevel=4,
            )

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


def digest_of(field: Field) -> str:
    """The SHA-256 of the kind of a field and of what it is made from, as pickles have it."""
    made_from: Any = field
    digest = _Digest()
    pickle.Pickler(digest, protocol=5).dump((type(field).__qualname__, made_from.__getnewargs__()))
    return digest.sha256.hexdigest()


class _Digest:
    """A file that keeps nothing but a digest, as a training set may be half of the memory."""

    def __init__(self) -> None:
        self.sha256 = sha256()

    def write(self, data: bytes, /) -> int:
        self.sha256.update(data)
        return len(data)
