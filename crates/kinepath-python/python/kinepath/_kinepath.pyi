"""The Rust core: conversions only; names and documentation for people are beside it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, SupportsIndex, TypeAlias, TypedDict, final, overload

import numpy as np
import numpy.typing as npt
from typing_extensions import Self, disjoint_base

from .fields import Guidance

_F32 = npt.NDArray[np.float32]
_F64 = npt.NDArray[np.float64]
_I64 = npt.NDArray[np.int64]
_Ends = tuple[float, float, float]
_Number: TypeAlias = float | np.floating[Any] | np.integer[Any]
_Numbers: TypeAlias = npt.NDArray[Any] | Sequence[float]

__all__ = [
    "EmpiricalField",
    "Field",
    "Gain",
    "Grid",
    "KinepathError",
    "MixtureField",
    "ModelError",
    "OnnxField",
    "Plan",
    "Run",
    "RunParts",
    "SamplingError",
    "Stage",
    "Step",
    "__version__",
    "adjust",
    "check_resamples",
    "compare",
    "distinct_neighbours",
    "evaluate",
    "frechet_distance",
    "kernel_distance",
    "load_data",
    "mean_interval",
    "may_share_units",
    "memorization",
    "neighbours",
    "neighbours_in_file",
    "noise",
    "partial_spearman",
    "prdc",
    "run_settings",
    "sample",
    "share",
    "spearman",
    "support",
    "vendi_score",
    "write_run",
]

__version__: str

class KinepathError(ValueError): ...
class SamplingError(KinepathError): ...
class ModelError(KinepathError): ...

@final
class Grid:
    def __new__(cls, nodes: npt.ArrayLike) -> Self: ...
    @staticmethod
    def uniform(steps: SupportsIndex) -> Grid: ...
    @staticmethod
    def cosine(steps: SupportsIndex) -> Grid: ...
    @staticmethod
    def shifted(steps: SupportsIndex, shift: float) -> Grid: ...
    @staticmethod
    def named(family: str, steps: SupportsIndex) -> Grid: ...
    @staticmethod
    def from_sigmas(sigmas: npt.ArrayLike) -> Grid: ...
    def within(self, start: float, end: float) -> Grid: ...
    def spread(self, count: int) -> list[int]: ...
    @property
    def nodes(self) -> _F64: ...
    @property
    def steps(self) -> int: ...

@disjoint_base
class Gain:
    def __new__(cls, expression: str = "unit") -> Self: ...
    @overload
    def eta(self, t: _Number) -> float: ...
    @overload
    def eta(self, t: _Numbers) -> _F64: ...
    @overload
    def factor(self, t: _Number, speed: _Number) -> float: ...
    @overload
    def factor(self, t: _Numbers, speed: _Number | _Numbers) -> _F64: ...
    @overload
    def factor(self, t: _Number, speed: _Numbers) -> _F64: ...
    def governor(self, t: float) -> tuple[float, float] | None: ...
    @property
    def split(self) -> float: ...

@final
class Stage:
    @property
    def t(self) -> float: ...
    @property
    def eta(self) -> float: ...
    @property
    def governor(self) -> tuple[float, float] | None: ...
    @property
    def state(self) -> list[float]: ...
    @property
    def update(self) -> float: ...
    @property
    def energy(self) -> float: ...

@final
class Step:
    @property
    def start(self) -> float: ...
    @property
    def size(self) -> float: ...
    @property
    def landing(self) -> bool: ...
    @property
    def terminal(self) -> float: ...
    @property
    def stages(self) -> list[Stage]: ...

@final
class Plan:
    def __new__(
        cls,
        grid: Grid | SupportsIndex,
        solver: str = "euler",
        gain: Gain | str | None = None,
        *,
        quadrature: str = "solver",
        rtol: float = 1e-5,
        atol: float = 1e-5,
    ) -> Self: ...
    def __getnewargs_ex__(self) -> tuple[tuple[Grid, str, Gain], dict[str, Any]]: ...
    def with_gain(self, gain: Gain | str) -> Plan: ...
    @property
    def grid(self) -> Grid: ...
    @property
    def gain(self) -> Gain: ...
    @property
    def solver(self) -> str: ...
    @property
    def quadrature(self) -> str: ...
    @property
    def nfe(self) -> int | None: ...
    @property
    def steps(self) -> list[Step] | None: ...

@disjoint_base
class Field:
    @property
    def shape(self) -> list[int]: ...
    @property
    def labelled(self) -> bool: ...
    @property
    def inputs(self) -> list[tuple[str, int]]: ...
    def velocity(
        self, x: npt.ArrayLike, t: npt.ArrayLike, labels: npt.ArrayLike | None = None
    ) -> _F32: ...

class _Posterior(TypedDict):
    mean: _F64
    entropy: _F64
    effective_count: _F64
    top: _I64
    top_weight: _F64
    log_density: _F64

@disjoint_base
class EmpiricalField(Field):
    def __new__(cls, points: _F32) -> Self: ...
    def __getnewargs__(self) -> tuple[_F32]: ...
    def posterior(self, x: _F32, t: _F64) -> _Posterior: ...

@disjoint_base
class MixtureField(Field):
    def __new__(cls, weights: Sequence[float], means: _F64, variances: _F64) -> Self: ...
    def __getnewargs__(self) -> tuple[list[float], _F64, _F64]: ...

@disjoint_base
class OnnxField(Field):
    def __new__(
        cls,
        path: str,
        predicts: str | None,
        time: str | None,
        trained_on: str | None,
        engine: str,
        guidance: Guidance | None,
    ) -> Self: ...
    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]: ...

class _Memorization(TypedDict):
    d1: _F64
    d2: _F64
    ratio: _F64
    nearest: _I64
    authentic: npt.NDArray[np.bool_]

def noise(seed: int, indices: Sequence[int], shape: Sequence[int]) -> _F32: ...
def sample(
    field: Field | Callable[[_F32, _F64], _F32],
    noise: _F32,
    plan: Plan,
    *,
    profile: bool,
    energy_map: bool,
    parts: bool,
    trajectory: Sequence[int],
    labels: Sequence[int] | None,
    inputs: Sequence[tuple[str, _F32 | _I64]],
    certify: float | None,
) -> dict[str, Any]: ...
@final
class Run:
    def __new__(cls, path: str) -> Self: ...
    @property
    def path(self) -> Path: ...
    def settings(self) -> str: ...
    def table(self) -> dict[str, npt.NDArray[Any]]: ...
    def samples(self) -> _F32: ...
    def profile(self) -> _F32 | None: ...
    def energy_map(self) -> _F32 | None: ...
    def trajectory(self) -> _F32 | None: ...
    def posterior_entropy(self) -> _F32 | None: ...
    def effective_count(self) -> _F32 | None: ...

@final
class RunParts:
    def __new__(cls, path: str, settings: str) -> Self: ...
    def missing(self) -> list[tuple[int, int]]: ...
    def write(
        self,
        start: int,
        samples: _F32,
        *,
        labels: _I64 | None,
        table: Sequence[tuple[str, _F64 | _I64]],
        tensors: Sequence[tuple[str, _F32]],
        certificate: str | None,
    ) -> None: ...
    def finish(self) -> None: ...
    def close(self) -> None: ...

def run_settings(model: OnnxField | str, plan: Plan) -> str: ...
def load_data(records: str | npt.NDArray[Any]) -> _F32: ...
def write_run(
    path: str,
    samples: str | npt.NDArray[Any],
    paths: dict[str, Any] | None,
    *,
    model: OnnxField | str,
    plan: Plan | None,
    noise: int | str | _F32 | None,
    labels: Sequence[int] | None,
    nodes: Sequence[int],
    overwrite: bool,
) -> Run: ...
def check_resamples(resamples: int) -> None: ...
def evaluate(
    runs: Sequence[tuple[str, str]],
    out: str,
    *,
    train: str,
    reference: str | None,
    decoder: tuple[str, float, float] | None,
    encoder: str | None,
    copies_in: str,
    classifier: str | None,
    clip: tuple[str, str, str | None, str | None] | None,
    engine: str,
    resamples: int,
    observe: Callable[[str, float], object],
) -> None: ...
def neighbours(queries: _F32, points: _F32, k: int) -> tuple[_I64, _F64]: ...
def neighbours_in_file(queries: _F32, path: str, k: int) -> tuple[_I64, _F64]: ...
def distinct_neighbours(queries: _F32, points: _F32, most: int) -> tuple[_I64, _F64]: ...
def memorization(samples: _F32, train: _F32) -> _Memorization: ...
def may_share_units(samples: _F32, train: _F32) -> bool: ...
def support(samples: _F32, train: _F32, k: int, kernel: bool) -> _F64: ...
def frechet_distance(generated: _F32, real: _F32) -> float: ...
def kernel_distance(generated: _F32, real: _F32) -> float: ...
def prdc(generated: _F32, real: _F32, k: int) -> tuple[float, float, float, float]: ...
def vendi_score(features: _F32) -> float: ...
def spearman(x: _F64, y: _F64, resamples: int, seed: int, level: float) -> _Ends: ...
def partial_spearman(
    x: _F64, y: _F64, controls: Sequence[_F64], resamples: int, seed: int, level: float
) -> _Ends: ...
def mean_interval(column: _F64, resamples: int, seed: int, level: float) -> _Ends: ...
def share(successes: int, trials: int, level: float) -> _Ends: ...
def compare(
    baseline: _F64, variant: _F64, resamples: int, seed: int, level: float
) -> tuple[_Ends, float, float]: ...
def adjust(p_values: _F64) -> _F64: ...
