"""What sampling gives back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from .arrays import F32, F64, f32
from .posteriors import PosteriorPaths
from .tables import Tabular

State = TypeVar("State")
"""What states are kept in: a NumPy array or a torch tensor."""

STATES = ("endpoints", "energy_map", "trajectory")
"""The fields of :class:`Paths` that are kept in it."""


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

    def __len__(self) -> int:
        return len(self.kpe)

    def __repr__(self) -> str:
        return f"<kinepath.Paths: {len(self)} samples, mean KPE {self.kpe.mean():.6g}>"

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


def joined(parts: Sequence[Paths[Any]]) -> Paths[F32]:
    """The paths of all parts, at least one, one after the other, as far as all have recorded the same."""
    columns: dict[str, Any] = {}
    for name in (field.name for field in fields(Paths)):
        values = [getattr(part, name) for part in parts]
        if any(value is None for value in values):
            columns[name] = None
        elif name in STATES:
            columns[name] = np.concatenate([f32(value) for value in values])
        elif name == "posterior":
            columns[name] = PosteriorPaths.joined(values)
        elif name == "parts":
            columns[name] = PartEnergies(*map(np.concatenate, zip(*values, strict=True)))
        else:
            columns[name] = np.concatenate(values)
    return Paths(**columns)
