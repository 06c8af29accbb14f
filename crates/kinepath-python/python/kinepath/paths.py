"""What sampling gives back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from importlib import import_module
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from ._kinepath import KinepathError
from .arrays import F32, F64, f32
from .posteriors import PosteriorPaths
from .tables import Tabular

State = TypeVar("State")
"""What states are kept in: a NumPy array or a torch tensor."""

Self = TypeVar("Self", bound="Paths[Any]")

STATES = ("endpoints", "energy_map", "trajectory")
"""The fields of :class:`Paths` that are kept in it."""
TIMES = ("times", "trajectory_times")
"""Those that all samples have together."""


class PartEnergies(NamedTuple):
    """What the parts of a guided field would spend along the paths that it travelled."""

    conditional: F64
    """Energy of the conditional velocity over the whole path, ``[B]``, in squared data units."""
    unconditional: F64
    """That of the unconditional velocity over the stages within the guidance interval, ``[B]``; NaN
    where there are none."""


@dataclass(frozen=True, eq=False)
class Paths(Tabular, Generic[State]):
    """Endpoints and energies of B sampled paths.

    Energies are in squared data units. For a gain other than unit they are those of the path
    actually travelled, so they carry η².
    """

    endpoints: State
    """States at the last node, ``[B, *shape]``."""
    kpe: F64
    """Kinetic path energy ``½ ∫ ‖dx/dt‖² dt`` of each sample, ``[B]``."""
    launch: F64
    """The part of it from steps that start before the split τ, ``[B]``."""
    landing: F64
    """The part from steps that start at τ or later, ``[B]``."""
    terminal: F64
    """The part from t = 0.95 on, ``[B]``; of a step across it, the share that is later."""
    displacement: F64
    """``½ ‖x(1) − x(0)‖²``, ``[B]``."""
    mean_gain: F64
    """Mean of the gain η over the time travelled, ``[B]``."""
    nfe: npt.NDArray[np.uint32]
    """Evaluations of the field, ``[B]``."""
    noise_left: F64 | None = None
    """Share of its starting noise that each path leaves in the sample, ``[B]``; absent for methods
    that evaluate the field at t = 1 or choose their steps."""
    profile: F64 | None = None
    """``‖dx/dt‖²`` at the start of every step, ``[B, steps]``, if recorded."""
    energy_map: State | None = None
    """Element-wise share of the energy, ``[B, *shape]``, if recorded."""
    trajectory: State | None = None
    """States at the recorded nodes, ``[B, K, *shape]``, if recorded."""
    parts: PartEnergies | None = None
    """The energies of the parts of a guided field, if recorded."""
    posterior: PosteriorPaths | None = None
    """The posteriors on the way, and what is guaranteed of the velocities, where the field is an
    empirical one whose paths were followed: see ``certify`` of :func:`kinepath.sample`."""
    times: F64 | None = None
    """The nodes that all samples travelled, ``[steps + 1]``, where they are known; ``profile`` is at
    ``times[:-1]``."""
    trajectory_times: F64 | None = None
    """Those at which the states of ``trajectory`` were, ``[K]``, likewise."""

    def __len__(self) -> int:
        return len(self.kpe)

    def __getitem__(self: Self, rows: slice | Sequence[int] | npt.NDArray[Any]) -> Self:
        """The paths of some samples: a slice, or numbers or a mask of rows.

        Raises:
            KinepathError: for a single number, which names a row and no paths, or what is no index.
            IndexError: for a number that no sample has.
        """
        chosen: Any = rows
        if not isinstance(rows, slice) or (rows.step or 1) < 0:
            # In numbers, which torch takes where it takes no slice backwards.
            index = rows if isinstance(rows, slice) else _index(rows)
            chosen = np.ascontiguousarray(np.arange(len(self))[index])
        return replace(self, **self._of_samples(lambda column: column[chosen]))

    __iter__ = None
    """Paths are columns; there is no path by itself."""

    def _of_samples(self, change: Callable[[Any], Any]) -> dict[str, Any]:
        """What there is of every sample, ``[B, …]`` each, changed."""
        changed: dict[str, Any] = {}
        for name in (field.name for field in fields(Paths)):
            value = getattr(self, name)
            if value is None or name in TIMES:
                continue
            if isinstance(value, PosteriorPaths):
                changed[name] = value.of_samples(change)
            elif isinstance(value, PartEnergies):
                changed[name] = PartEnergies(*map(change, value))
            else:
                changed[name] = change(value)
        return changed

    def numpy(self) -> Paths[F32]:
        """The same with its states as float32 arrays, as :func:`kinepath.sample` returns them."""
        paths: Paths[F32] = self._with_states(f32)
        return paths

    def to(self: Self, device: Any) -> Self:
        """The same with its states, which must be torch tensors, on another device.

        Raises:
            KinepathError: for states that are NumPy arrays.
        """
        if isinstance(self.endpoints, np.ndarray):
            raise KinepathError(
                "these states are NumPy arrays, which have no device: torch.from_numpy(paths.endpoints)"
                f".to({str(device)!r}) makes a tensor there"
            )
        paths: Self = self._with_states(lambda state: state.to(device))
        return paths

    def _with_states(self, change: Callable[[Any], Any]) -> Any:
        states = {name: getattr(self, name) for name in STATES}
        return replace(
            self, **{name: change(state) for name, state in states.items() if state is not None}
        )

    @staticmethod
    def joined(parts: Sequence[Paths[State]]) -> Paths[State]:
        """The paths of all parts one after the other, as far as all have recorded the same.

        States stay what they are, arrays or tensors. Times are kept where all parts have the same,
        and so is what there is along the way: parts of other times have no profile together, nor
        entropies and counts of posteriors, and those of other recorded nodes have no trajectory. Those
        of a pipeline stay such where all are, at the same times.

        Raises:
            KinepathError: without a part, or for states that do not go together.
        """
        if len(parts) == 0:
            raise KinepathError("there are no paths to join")
        same = {name: _same([getattr(part, name) for part in parts]) for name in TIMES}
        columns: dict[str, Any] = {}
        for name in (field.name for field in fields(Paths)):
            values = [getattr(part, name) for part in parts]
            needed = {"profile": "times", "trajectory": "trajectory_times"}.get(name, name)
            if any(value is None for value in values) or not same.get(needed, True):
                columns[name] = None
            elif name in STATES:
                columns[name] = _joined_states(name, values)
            elif name in TIMES:
                columns[name] = values[0]
            elif name == "posterior":
                columns[name] = PosteriorPaths.joined(values, steps=same["times"])
            elif name == "parts":
                columns[name] = PartEnergies(*map(np.concatenate, zip(*values, strict=True)))
            else:
                columns[name] = np.concatenate(values)
        if columns["trajectory"] is None:
            columns["trajectory_times"] = None
        if {type(part) for part in parts} == {type(parts[0])} and same["times"]:
            return replace(parts[0], **columns)
        return Paths(**columns)

    def __repr__(self) -> str:
        return f"<kinepath.Paths: {len(self)} samples{self._mean()}>"

    def _mean(self) -> str:
        return f", mean KPE {self.kpe.mean():.6g}" if len(self) > 0 else ""

    @property
    def excess(self) -> F64:
        """What a path spends beyond a straight line at constant speed: KPE − displacement."""
        return self.kpe - self.displacement

    @property
    def efficiency(self) -> F64:
        """Displacement / KPE; 1 is a straight path at constant speed, and so is no motion."""
        return _ratio(self.displacement, self.kpe, 1.0)

    @property
    def terminal_spike(self) -> F64:
        """The share of the energy from t ≥ 0.95; 0 without motion."""
        return _ratio(self.terminal, self.kpe, 0.0)

    def table(self) -> dict[str, npt.NDArray[Any]]:
        """One column per figure and one row per sample, named as in ``samples.parquet``."""
        columns: dict[str, npt.NDArray[Any]] = {
            "index": np.arange(len(self), dtype=np.int64),
            "kpe": self.kpe,
            "kpe_launch": self.launch,
            "kpe_landing": self.landing,
            "displacement": self.displacement,
            "efficiency": self.efficiency,
            "terminal_spike": self.terminal_spike,
            "nfe": self.nfe,
            "mean_gain": self.mean_gain,
        }
        if self.noise_left is not None:
            columns["noise_left"] = self.noise_left
        if self.parts is not None:
            columns["kpe_conditional"] = self.parts.conditional
            columns["kpe_unconditional"] = self.parts.unconditional
        if self.posterior is not None:
            error = self.posterior.certificate.velocity_error
            columns["collapse_time"] = self.posterior.collapse
            columns["top_index"] = self.posterior.top
            columns["velocity_error"] = np.full(len(self), error)
        return columns


def _ratio(part: F64, whole: F64, without: float) -> F64:
    return np.divide(part, whole, out=np.full_like(whole, without), where=whole > 0)


def _same(times: Sequence[F64 | None]) -> bool:
    """Whether all are the same times, or nobody knows any."""
    known = [time for time in times if time is not None]
    return len(known) in (0, len(times)) and all(np.array_equal(time, known[0]) for time in known)


def _index(rows: Any) -> npt.NDArray[Any]:
    """Numbers or a mask of rows, from a tensor on any device too."""
    index = np.asarray(rows.cpu() if hasattr(rows, "cpu") else rows)
    index = index.astype(np.int64) if index.size == 0 else index
    if index.ndim != 1 or index.dtype.kind not in "biu":
        raise KinepathError(
            "paths have rows by a slice, numbers or a mask, such as paths[:8] or paths[[3]]; got "
            f"{rows!r}"
        )
    return index


def _joined_states(name: str, states: Sequence[Any]) -> Any:
    arrays = [isinstance(state, np.ndarray) for state in states]
    try:
        if all(arrays):
            return np.concatenate(states)
        if not any(arrays):
            # There, where there are tensors; the package itself does without.
            return import_module("torch").cat(list(states))
    except (ValueError, RuntimeError) as error:
        raise KinepathError(f"{name} of these paths cannot be joined: {error}") from error
    raise KinepathError(
        f"{name} are NumPy arrays in some parts and torch tensors in others: take part.numpy() of each"
    )
