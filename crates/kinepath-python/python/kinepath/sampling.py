"""Noise, and sampling with NumPy arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from . import _kinepath
from ._kinepath import Field, KinepathError, Plan
from .arrays import F32, F64, I64, as_integer, f32, integer, real, whole
from .paths import PartEnergies, Paths
from .posteriors import Certificate, PosteriorPaths


class Tensor(Protocol):
    """What a torch tensor can do that no array can."""

    def detach(self) -> Any: ...
    def is_floating_point(self) -> bool: ...


VelocityFunction: TypeAlias = Callable[[F32, F64], "npt.NDArray[np.floating[Any]] | Tensor"]
"""``f(x, t)`` with states ``[B, *shape]`` and times ``[B]``, returning velocities of the shape of
``x``, which are rounded to float32; a torch tensor of them will do."""


@dataclass(frozen=True)
class Record:
    """What to keep beside endpoints and energies, which are always kept."""

    profile: bool = False
    """``‖dx/dt‖²`` at the start of every step; along exact paths through an
    :class:`EmpiricalField` also entropy and effective count of the posterior."""
    energy_map: bool = False
    """The element-wise share of the energy."""
    parts: bool = False
    """The energies of the conditional and the unconditional part of a guided field."""
    trajectory: int | Sequence[int] = ()
    """Numbers of the grid nodes whose states to keep, or how many, spread evenly."""

    def nodes(self, plan: Plan) -> list[int]:
        """The numbers of the nodes whose states to keep.

        Raises:
            KinepathError: for a node that the grid lacks, or what is no whole number.
        """
        count, last = as_integer(self.trajectory), plan.grid.steps
        if count is not None:
            return plan.grid.spread(integer(count, "the number of recorded states"))
        nodes = whole(self.trajectory, "trajectory nodes")
        for node in nodes:
            if not 0 <= node <= last:
                raise KinepathError(
                    f"trajectory node {node} is beyond the time grid, whose last node is {last}"
                )
        return nodes


def check_asked(plan: object, record: object = Record()) -> None:
    """Refuses what is no plan, such as a number of steps, and what is no record.

    Raises:
        KinepathError: for either, with what is wanted.
    """
    if not isinstance(plan, Plan):
        raise KinepathError(f"a Plan is needed, such as kinepath.Plan(50), got {plan!r}")
    if not isinstance(record, Record):
        raise KinepathError(
            f"a record is a kinepath.Record, such as kinepath.Record(profile=True), got {record!r}"
        )


def noise(seed: int, indices: int | Iterable[int], shape: Sequence[int]) -> F32:
    """Standard normal noise, ``[len(indices), *shape]``: the same streams as the program's.

    Sample i is the same whatever else is asked for.

    Args:
        seed: the seed, at least 0.
        indices: global sample indices, or how many from 0 on.
        shape: shape of one sample.

    Raises:
        KinepathError: for fewer than no samples, or a seed, index or axis that is no whole number
            of at least 0.
        MemoryError: for more than memory holds.
    """
    count = as_integer(indices)
    if count is not None:
        numbers = list(range(integer(count, "the number of samples")))
    else:
        if isinstance(indices, Iterable) and not hasattr(indices, "shape"):
            # NumPy makes nothing of sets and generators.
            indices = list(indices)
        numbers = whole(indices, "sample indices", least=0)
    axes = whole(shape, "axes of a sample", least=0)
    return _kinepath.noise(integer(seed, "a seed"), numbers, axes)


def sample(
    field: Field | VelocityFunction,
    noise: npt.ArrayLike,
    plan: Plan,
    *,
    record: Record = Record(),
    labels: Sequence[int] | None = None,
    inputs: Mapping[str, npt.ArrayLike] | None = None,
    certify: float | None = 20.0,
) -> Paths[F32]:
    """Integrates every sample of ``noise`` along ``plan`` and measures its energy.

    The interpreter is free while the core works; a callable is called without other threads of the
    core running.

    Args:
        field: a field of this package, or a function ``f(x, t)`` of float32 states ``[B, *shape]``
            and float64 times ``[B]`` that returns velocities of the shape of ``x``: an array or a
            torch tensor of fractions, which are rounded to float32.
        noise: starting states at the plan's first node, ``[B, *shape]``.
        plan: grid, solver and gain.
        record: what else to keep.
        labels: one class per sample, for a field that takes them.
        inputs: what else a network takes, by name (``field.inputs`` tells): ``[B, ...]`` has a row
            for each sample, ``[1, ...]`` or ``[...]`` is for all. Floats become float32, integers
            and truth values int64; torch tensors are taken too.
        certify: the gap τ, in nats, at which Euler paths through an :class:`EmpiricalField` drop
            training points: those of a posterior weight below ``exp(−certify)``, 2e-9 at the usual
            20, where they are certain to stay so. ``paths.posterior`` then tells of the posteriors,
            and its certificate bounds what the dropped points can have changed. None evaluates the
            whole field at every step, as is done for every other field and solver. Theorem and
            bounds are in ``docs/empirical.md``.

    Raises:
        KinepathError: for shapes that do not fit, NaN in the noise, what is no plan or no record, a
            plan that evaluates the field where it is undefined, or a gap that is not above 0.
        SamplingError: for a velocity that became NaN or infinite, naming sample, step and time.
        ModelError: for a field that failed or returned no velocity. What a callable raises is
            raised as it is.
    """
    check_asked(plan, record)
    nodes = record.nodes(plan)
    arrays = _kinepath.sample(
        field if isinstance(field, Field) else _rounding(field),
        f32(noise),
        plan,
        profile=record.profile,
        energy_map=record.energy_map,
        parts=record.parts,
        trajectory=nodes,
        labels=None if labels is None else whole(labels, "labels"),
        inputs=[(name, _numbers(values)) for name, values in (inputs or {}).items()],
        certify=certify,
    )
    posterior, parts = arrays.pop("posterior"), arrays.pop("parts")
    return Paths(
        **arrays,
        parts=None if parts is None else PartEnergies(*parts),
        posterior=None if posterior is None else _posterior(**posterior),
        times=plan.grid.nodes,
        trajectory_times=plan.grid.nodes[nodes] if nodes else None,
    )


def _rounding(function: VelocityFunction) -> Callable[[F32, F64], F32]:
    """``function`` with its velocities in the type of the core, which names what can be none.

    Raises:
        KinepathError: for a PyTorch module, which takes tensors.
    """
    if hasattr(function, "named_modules"):
        raise KinepathError(
            f"{type(function).__name__} is a PyTorch module, which takes tensors: sample it by "
            "kinepath.torch.sample, or give a function of arrays"
        )

    def velocity(x: F32, t: F64) -> F32:
        given: Any = function(x, t)
        if isinstance(given, np.ndarray):
            fractions = given.dtype.kind == "f"
        else:
            fractions = hasattr(given, "detach") and given.is_floating_point()
        return f32(given) if fractions else given

    return velocity


def _numbers(values: npt.ArrayLike) -> F32 | I64:
    array = real(values)
    return f32(array) if array.dtype.kind not in "biu" else np.asarray(array, dtype=np.int64)


def _posterior(certificate: tuple[float, float, float, float, int], **arrays: Any) -> PosteriorPaths:
    return PosteriorPaths(**arrays, certificate=Certificate(*certificate))
