"""A study of a model: what do gains do to its samples?"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from ._kinepath import Field, Gain, KinepathError, Plan
from .arrays import F32, f32
from .fields import OnnxField
from .paths import Paths
from .posteriors import PosteriorPaths
from .runs import write_run
from .sampling import Record, noise, sample
from .study import BASELINE, Study, run_folder_of, study

Sampler: TypeAlias = Callable[..., Paths[Any]]
"""``sampler(noise, plan)``, or ``sampler(noise, plan, labels)`` where there are labels, with noise
``[B, *shape]``, returning what it measured."""


def study_model(
    model: Field | Sampler,
    plan: Plan,
    gains: Mapping[str, Gain | str],
    *,
    count: int,
    shape: Sequence[int] | None = None,
    labels: Sequence[int] | None = None,
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
            that calls :func:`kinepath.torch.sample`: ``model(noise, plan)``, and with ``labels``
            ``model(noise, plan, labels)``.
        plan: grid and solver, without a gain.
        gains: what to compare with no gain, by name.
        count: samples of each, at least 2.
        shape: shape of one sample; a field knows its own.
        labels: the class, or number of the prompt, of each sample, ``[count]``.
        seed: seed of the noise.
        batch: samples integrated together.
        name: what the model is called in results; an ``OnnxField`` is known by its file.
        out: the folder for runs, results and report.
        **judged_by: ``train`` and what else :func:`kinepath.study` judges samples by.

    Raises:
        KinepathError: for a plan that has a gain, an unknown shape, labels of another number, a
            function that returns no paths of its noise, and what :func:`kinepath.study` refuses.
        SamplingError, ModelError: as :func:`kinepath.sample`.
    """
    if plan.gain != Gain():
        raise KinepathError("the plan of a study has no gain: name it in gains")
    if BASELINE in gains:
        raise KinepathError(f"{BASELINE!r} is the name of the samples without a gain")
    if count < 2 or batch < 1:
        raise KinepathError(f"a study needs 2 samples and batches of 1, got {count} and {batch}")
    if labels is not None and len(labels) != count:
        raise KinepathError(f"there are {len(labels)} labels for {count} samples")
    if isinstance(model, Field):
        shape, sampler = model.shape, _sampler_of(model)
    elif shape is None:
        raise KinepathError("shape is needed where the model is a function")
    else:
        sampler = model
    called = model if isinstance(model, OnnxField) else name
    runs = {}
    for number, (variant, gain) in enumerate({BASELINE: Gain(), **gains}.items()):
        shaped = plan.with_gain(gain)
        parts = []
        for first in range(0, count, batch):
            rows = range(first, min(first + batch, count))
            start = noise(seed, rows, shape)
            asked = () if labels is None else ([labels[row] for row in rows],)
            paths = sampler(start, shaped, *asked)
            if not isinstance(paths, Paths) or len(paths) != len(start):
                raise KinepathError(
                    f"the sampler must return the Paths of its {len(start)} samples, got {paths!r}"
                )
            parts.append(paths)
        folder = run_folder_of(Path(out), number, variant)
        runs[variant] = write_run(
            folder,
            _joined(parts),
            plan=shaped,
            model=called,
            noise=seed,
            labels=labels,
            overwrite=True,
        )
    return study(runs.pop(BASELINE), runs, out=out, **judged_by)


def _sampler_of(field: Field) -> Sampler:
    record = Record(profile=True)

    def sampler(noise: F32, plan: Plan, labels: Sequence[int] | None = None) -> Paths[F32]:
        return sample(field, noise, plan, record=record, labels=labels)

    return sampler


def _joined(parts: Sequence[Paths[Any]]) -> Paths[F32]:
    """The paths of all batches, one after the other, as far as all have recorded the same."""
    joined: dict[str, Any] = {}
    for field in fields(Paths):
        values = [getattr(part, field.name) for part in parts]
        if any(value is None for value in values):
            joined[field.name] = None
        elif field.name in ("endpoints", "energy_map"):
            joined[field.name] = np.concatenate([f32(value) for value in values])
        elif field.name == "posterior":
            joined[field.name] = PosteriorPaths.joined(values)
        elif field.name != "trajectory":
            joined[field.name] = np.concatenate(values)
    return Paths(**joined)
