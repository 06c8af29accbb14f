"""A study of a model: what do gains do to its samples?"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from ._kinepath import Field, Gain, KinepathError, Plan
from .arrays import F32
from .fields import OnnxField
from .paths import Paths
from .posteriors import PosteriorPaths
from .runs import host, write_run
from .sampling import Record, noise, sample
from .study import BASELINE, Study, run_folder_of, study

Sampler: TypeAlias = Callable[[F32, Plan], Paths[Any]]
"""``sampler(noise, plan)`` with noise ``[B, *shape]``, returning what it measured."""


def study_model(
    model: Field | Sampler,
    plan: Plan,
    gains: Mapping[str, Gain | str],
    *,
    count: int,
    shape: Sequence[int] | None = None,
    seed: int = 0,
    batch: int = 64,
    name: str = "model",
    out: str | os.PathLike[str] = "kinepath-study",
    **judged_by: Any,
) -> Study:
    """Samples a model without a gain and with each of ``gains``, from the same noise, and compares.

        >>> import kinepath.torch as kpt, torch                                   # doctest: +SKIP
        >>> def sampler(noise, plan):
        ...     return kpt.sample(model, torch.from_numpy(noise).to("cuda"), plan)
        >>> kp.study_model(                                                       # doctest: +SKIP
        ...     sampler, kp.Plan(50), {"KTS": kp.KTS(0.02, 0.0)},
        ...     count=512, shape=(3, 32, 32), train=images,
        ... )

    Args:
        model: a field of this package, or a function that samples noise along a plan, such as one
            that calls :func:`kinepath.torch.sample`.
        plan: grid and solver, without a gain.
        gains: what to compare with no gain, by name.
        count: samples of each, at least 2.
        shape: shape of one sample; a field knows its own.
        seed: seed of the noise.
        batch: samples integrated together.
        name: what the model is called in results; an ``OnnxField`` is known by its file.
        out: the folder for runs, results and report.
        **judged_by: ``train`` and what else :func:`kinepath.study` judges samples by.

    Raises:
        KinepathError: for a plan that has a gain, an unknown shape, a function that returns no
            paths of its noise, and what :func:`kinepath.study` refuses.
        SamplingError, ModelError: as :func:`kinepath.sample`.
    """
    if plan.gain != Gain():
        raise KinepathError("the plan of a study has no gain: name it in gains")
    if BASELINE in gains:
        raise KinepathError(f"{BASELINE!r} is the name of the samples without a gain")
    if count < 2 or batch < 1:
        raise KinepathError(f"a study needs 2 samples and batches of 1, got {count} and {batch}")
    if isinstance(model, Field):
        shape, sampler = model.shape, _sampler_of(model)
    elif shape is None:
        raise KinepathError("shape is needed where the model is a function")
    else:
        sampler = model
    called = model if isinstance(model, OnnxField) else name
    runs = {}
    for number, (label, gain) in enumerate({BASELINE: Gain(), **gains}.items()):
        shaped = plan.with_gain(gain)
        parts = []
        for first in range(0, count, batch):
            start = noise(seed, range(first, min(first + batch, count)), shape)
            paths = sampler(start, shaped)
            if not isinstance(paths, Paths) or len(paths) != len(start):
                raise KinepathError(
                    f"the sampler must return the Paths of its {len(start)} samples, got {paths!r}"
                )
            parts.append(paths)
        folder = run_folder_of(Path(out), number, label)
        runs[label] = write_run(
            folder, _joined(parts), plan=shaped, model=called, noise=seed, overwrite=True
        )
    return study(runs.pop(BASELINE), runs, out=out, **judged_by)


def _sampler_of(field: Field) -> Sampler:
    record = Record(profile=True)
    return lambda noise, plan: sample(field, noise, plan, record=record)


def _joined(parts: Sequence[Paths[Any]]) -> Paths[F32]:
    """The paths of all batches, one after the other, as far as all have recorded the same."""
    joined: dict[str, Any] = {}
    for field in fields(Paths):
        values = [getattr(part, field.name) for part in parts]
        if any(value is None for value in values):
            joined[field.name] = None
        elif field.name in ("endpoints", "energy_map"):
            joined[field.name] = np.concatenate([host(value) for value in values])
        elif field.name == "posterior":
            joined[field.name] = PosteriorPaths.joined(values)
        elif field.name != "trajectory":
            joined[field.name] = np.concatenate(values)
    return Paths(**joined)
