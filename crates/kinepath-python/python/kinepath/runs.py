"""Run folders: samples with their energies and settings, on the disk.

The program's ``sample`` writes them, and so does :func:`write_run`, for samples of a model in any
framework, or samples that somebody had already. ``kinepath evaluate``, ``compare`` and ``report``
read them, and so do :func:`read_run` and :func:`kinepath.study`.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from . import _kinepath
from ._kinepath import KinepathError, Plan
from .arrays import F32, as_integer, f32, f64, integer, real, whole
from .fields import OnnxField
from .loaders import Data, in_memory
from .paths import STATES, TIMES, PartEnergies, Paths
from .posteriors import Certificate, PosteriorPaths
from .sampling import Record, check_asked
from .tables import Tabular
from .travelled import check_plan

Source: TypeAlias = "Paths[Any] | Data"
"""Samples: measured paths, or data ``[N, *shape]``."""


class Run(Tabular):
    """A finished run folder. Arrays are read from the disk when asked for.

    Args:
        path: the folder.

    Raises:
        KinepathError: for a folder without a finished run, or a damaged one.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._run = _kinepath.Run(os.fspath(path))

    @property
    def path(self) -> Path:
        """The folder."""
        return Path(self._run.path)

    @property
    def settings(self) -> dict[str, Any]:
        """What ``run.toml`` says: counts, shape, field, sampler, noise, record and, where the paths
        of an empirical field were followed, certificate."""
        settings: dict[str, Any] = json.loads(self._run.settings())
        return settings

    def table(self) -> dict[str, npt.NDArray[Any]]:
        """The columns of ``samples.parquet``, ``[N]`` each; what evaluation added is among them.

        Without measured paths there is an index and a label only. Where some labels are absent the
        column is of floats, with NaN for them.
        """
        return self._run.table()

    @property
    def samples(self) -> F32:
        """The endpoints, ``[N, *shape]``."""
        return self._run.samples()

    @property
    def profile(self) -> F32 | None:
        """``‖dx/dt‖²`` at the start of every step, ``[N, steps]``, if recorded."""
        return self._run.profile()

    @property
    def energy_map(self) -> F32 | None:
        """Element-wise share of the energy, ``[N, *shape]``, if recorded."""
        return self._run.energy_map()

    @property
    def trajectory(self) -> F32 | None:
        """States at the times of ``settings["record"]["trajectory"]``, ``[N, K, *shape]``, if
        recorded."""
        return self._run.trajectory()

    @property
    def posterior_entropy(self) -> F32 | None:
        """Entropy of the posterior over training points at the start of every step, in nats,
        ``[N, steps]``, where profiles of followed paths were recorded."""
        return self._run.posterior_entropy()

    @property
    def effective_count(self) -> F32 | None:
        """``1 / Σ λ²`` of the posterior at the start of every step, ``[N, steps]``, where profiles
        of followed paths were recorded."""
        return self._run.effective_count()

    @property
    def certificate(self) -> Certificate | None:
        """What exact integration guarantees of all samples, where their paths were followed."""
        found: dict[str, Any] | None = self.settings.get("certificate")
        # A need beyond any gap has no number in the file.
        return None if found is None else Certificate(**{"need": math.inf, **found})

    def __reduce__(self) -> tuple[type[Run], tuple[Path]]:
        return Run, (self.path,)

    def __len__(self) -> int:
        count: int = self.settings["count"]
        return count

    def __repr__(self) -> str:
        return f"<kinepath.Run: {len(self)} samples in {self.path}>"


def read_run(path: str | os.PathLike[str]) -> Run:
    """Opens a run folder.

    Raises:
        KinepathError: for a folder without a finished run, or a damaged one.
    """
    return Run(path)


def write_run(
    path: str | os.PathLike[str],
    samples: Source,
    *,
    plan: Plan | None = None,
    model: OnnxField | str = "unnamed",
    noise: int | str | npt.ArrayLike | None = None,
    labels: npt.ArrayLike | None = None,
    record: Record = Record(),
    overwrite: bool = False,
) -> Run:
    """Writes a run folder, and says in its ``run.toml`` where the samples come from.

    What is not told here is not made up: the file says ``unknown``, and samples that are no
    :class:`kinepath.Paths` get no energies. A study of such samples leaves out what needs them.

    Args:
        path: the folder.
        samples: paths that :func:`kinepath.sample` or an adapter measured; or samples from
            elsewhere: an array ``[N, *shape]``, or a folder of pictures or another path that the
            program takes for data. uint8 is mapped to [−1, 1], as in training data.
        plan: what the paths were sampled along.
        model: the field, if it is an ONNX network, which a study can then evaluate again for its
            controls; else a name. Runs are compared if their model is the same.
        noise: what the samples started from: a seed, whose streams 0, 1, … :func:`kinepath.noise`
            gives, as they are or, where the plan starts at t > 0, times 1 − t; the array itself; or,
            if you do not have it, a name by which runs from the same noise, row by row, say so.
            Without it the run cannot be compared with others.
        labels: one class per sample, ``[N]``.
        record: as given to sampling; tells the times of a trajectory.
        overwrite: whether to replace a run that the folder holds.

    Raises:
        KinepathError: for shapes or lengths that do not fit, NaN or infinity, noise that the paths
            did not start from, a plan that their mean gain, evaluations or times are not of, a
            folder that holds a run, or one that cannot be written.
    """
    if plan is not None:
        check_asked(plan, record)
    columns, endpoints = _columns(samples)
    nodes = [] if plan is None else record.nodes(plan)
    if columns is not None and columns["trajectory"] is not None:
        if plan is None:
            raise KinepathError("a trajectory needs the plan and the record that it was sampled with")
        states = columns["trajectory"].shape[1:2]
        if states != (len(nodes),):
            raise KinepathError(
                f"the paths have a trajectory of {states[0] if states else 0} states, but record= "
                f"tells {len(nodes)} times: give the record that they were sampled with, as "
                "record=kinepath.Record(trajectory=…)"
            )
    if isinstance(samples, Paths) and plan is not None:
        check_plan(samples, plan)
    return Run(
        _kinepath.write_run(
            os.fspath(path),
            endpoints,
            columns,
            model=model,
            plan=plan,
            noise=_start(noise),
            labels=None if labels is None else whole(labels, "labels"),
            nodes=nodes,
            overwrite=overwrite,
        ).path
    )


def _start(noise: int | str | npt.ArrayLike | None) -> int | str | F32 | None:
    seed = as_integer(noise)
    if seed is not None:
        return integer(seed, "a seed")
    return noise if noise is None or isinstance(noise, str) else f32(noise)


def _columns(samples: Source) -> tuple[dict[str, Any] | None, Any]:
    """The fields of paths beside their endpoints, and the endpoints; or samples alone."""
    if isinstance(samples, (str, os.PathLike)):
        return None, os.fspath(samples)
    if not isinstance(samples, Paths):
        return None, records(samples)
    if samples.endpoints is None:
        raise KinepathError(
            "these paths have no endpoints: note them by meter.ends(first, last) in the block of the "
            "EnergyMeter, which measures the displacement from them too"
        )
    columns: dict[str, Any] = {}
    for name in (field.name for field in fields(Paths) if field.name not in TIMES):
        value = getattr(samples, name)
        if value is not None:
            if isinstance(value, PosteriorPaths):
                value = vars(value)
            elif isinstance(value, PartEnergies):
                value = tuple(value)
            else:
                value = f32(value) if name in STATES else f64(value)
        columns[name] = value
    return columns, columns.pop("endpoints")


def records(values: Data) -> npt.NDArray[Any]:
    """Data as the core takes them: uint8 as it is, anything else as float32."""
    array = real(in_memory(values))
    return array if array.dtype == np.uint8 else f32(array)
