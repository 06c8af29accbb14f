"""A study of a model: what do gains do to its samples?"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from ._kinepath import Field, Gain, KinepathError, Plan
from .arrays import integer, whole
from .fields import OnnxField
from .judging import Judges
from .model_runs import ModelRuns, digest_of
from .progress import Progress, on_stderr
from .runs import Run, Source
from .samplers import Sampler, sampler_of
from .sampling import Record, check_asked
from .sources import run_folder_of
from .study import BASELINE, Study, study
from .study_folder import REPORT_FILE, RESULTS_FILE, check_free, note_sampled

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .judging import JudgedBy


def study_model(
    model: Field | Sampler,
    plan: Plan,
    gains: Mapping[str, Gain | str],
    *,
    count: int,
    shape: Sequence[int] | None = None,
    labels: npt.ArrayLike | None = None,
    seed: int = 0,
    batch: int = 64,
    name: str = "model",
    out: str | os.PathLike[str] = "kinepath-study",
    resume: bool = True,
    progress: Progress | None = None,
    **judged_by: Unpack[JudgedBy],
) -> Study:
    """Samples a model without a gain and with each of ``gains``, from the same noise, and compares.

        >>> import kinepath.torch as kpt, torch                                   # doctest: +SKIP
        >>> def sampler(noise, plan):
        ...     return kpt.sample(model, torch.from_numpy(noise).to("cuda"), plan)
        >>> kp.study_model(                                                       # doctest: +SKIP
        ...     sampler, kp.Plan(50), {"KTS": kp.KTS(0.02, 0.0)},
        ...     count=512, shape=(3, 32, 32), train=images,
        ... )

    Without controls: a gain that stops paths short leaves noise in the samples, and noise alone may
    look as if the gain improved them. An :class:`OnnxField`, which the core can evaluate again, has
    two of them, noise of the same size and one denoising step. ``kinepath study`` on an exported
    model also runs a constant gain and an early stop (:func:`kinepath.export_onnx` exports it).

    Args:
        model: a field of this package, or a function that samples noise along a plan, such as one
            that calls :func:`kinepath.torch.sample`: ``model(noise, plan)``, and with ``labels``
            ``model(noise, plan, labels)``.
        plan: grid and solver, without a gain.
        gains: what to compare with no gain, by name.
        count: samples of each: at least 5, or 7 with a reference.
        shape: shape of one sample; a field knows its own.
        labels: the class, or number of the prompt, of each sample, ``[count]``.
        seed: seed of the noise.
        batch: samples integrated together.
        name: what the model is called in results; an ``OnnxField`` is known by its file. A function
            is taken for the one that an interrupted call sampled where it is called as that was.
        out: the folder for runs, results and report.
        resume: whether to keep what an interrupted call in ``out`` sampled whole from the same field,
            network file or, with a warning, function of the same name.
        progress: as for :func:`kinepath.study`; told of the sampling after every batch.
        **judged_by: ``train`` and what else :func:`kinepath.study` judges samples by.

    Raises:
        KinepathError: for a plan that has a gain, an unknown shape, labels of another number, a
            function that returns no paths of its noise, or leaves the plan that it is given, gain
            included, and what :func:`kinepath.study` refuses, before anything is sampled where it
            can be told.
        TypeError: for arguments that :func:`kinepath.study` does not have, and without ``train``.
        SamplingError, ModelError: as :func:`kinepath.sample`.
    """
    check_asked(plan)
    if plan.gain != Gain():
        raise KinepathError("the plan of a study has no gain: name it in gains")
    if BASELINE in gains:
        raise KinepathError(f"{BASELINE!r} is the name of the samples without a gain")
    count = integer(count, "the number of samples", least=1)
    batch = integer(batch, "the number of samples integrated together", least=1)
    classes = None if labels is None else whole(labels, "labels")
    if classes is not None and len(classes) != count:
        raise KinepathError(f"there are {len(classes)} labels for {count} samples")
    if isinstance(model, Field):
        shape = model.shape
    elif shape is None:
        raise KinepathError("shape is needed where the model is a function")
    # Before an hour of sampling rather than after it.
    judges = _judges_of(out=out, **judged_by)
    judges.check_samples(count, shape)
    plans = {name: plan.with_gain(gain) for name, gain in {BASELINE: Gain(), **gains}.items()}
    folder = Path(out)
    folders = {name: run_folder_of(folder, number, name) for number, name in enumerate(plans)}
    others = [folder / RESULTS_FILE, folder / REPORT_FILE, *judges.files(folder)]
    check_free(folder, [*folders.values(), *others])
    told = progress or on_stderr()
    sampling = ModelRuns(
        sampler=sampler_of(model, Record(profile=True)),
        model=model if isinstance(model, OnnxField) else name,
        field=digest_of(model)
        if isinstance(model, Field) and not isinstance(model, OnnxField)
        else None,
        count=count,
        shape=shape,
        labels=classes,
        seed=integer(seed, "a seed"),
        batch=batch,
    )
    sampled = sampling.all(
        folder,
        {folders[variant]: shaped for variant, shaped in plans.items()},
        resume=resume,
        observe=lambda done: told("sampling", done),
    )
    runs: dict[str, Run | Source] = dict(zip(plans, sampled, strict=True))
    # As they are now: a loader may yield its records only once.
    judged_by["train"], judged_by["reference"] = judges.train, judges.reference
    done = study(runs.pop(BASELINE), runs, out=out, progress=told, **judged_by)
    note_sampled(folder, [])
    return done


def _judges_of(**given: Any) -> Judges:
    """What :func:`kinepath.study` is to judge by; refuses what it would."""
    told = signature(study).bind(None, **given)
    told.apply_defaults()
    return Judges.of(**{name: told.arguments[name] for name in signature(Judges.of).parameters})
