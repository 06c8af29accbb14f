"""Velocity fields ``v(x, t)`` that the core evaluates itself."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

import numpy.typing as npt

from . import _kinepath
from ._kinepath import Field
from .arrays import F64, I64, LARGEST, column, data, f64, integer

__all__ = ["EmpiricalField", "Field", "Guidance", "MixtureField", "OnnxField", "Posterior"]

Engine: TypeAlias = Literal["auto", "rten", "ort", "ort:cuda", "ort:tensorrt"]
"""What runs a network: :class:`OnnxField` has the words."""


class Posterior(NamedTuple):
    """The posterior λ over N training points, given B states and times."""

    mean: F64
    """``Σ λ_i x_i``, the denoiser: ``[B, *shape]``, in data units."""
    entropy: F64
    """``−Σ λ log λ``, ``[B]``, in nats."""
    effective_count: F64
    """``1 / Σ λ²``, ``[B]``, between 1 and N."""
    top: I64
    """Index of the training point of largest weight, ``[B]``; the lowest of equals."""
    top_weight: F64
    """Its weight, ``[B]``."""
    log_density: F64
    """``log mean_i N(x; t x_i, (1 − t)² I)``, ``[B]``, in nats."""


class EmpiricalField(_kinepath.EmpiricalField):
    """The exact field of a training set: of perfect memorization, whose paths end on its points.

    ``v(x, t) = (m(x, t) − x) / (1 − t)`` with the posterior mean m; defined for t in [0, 1).

    Args:
        points: training points, ``[N, *shape]``; uint8 is mapped to [−1, 1].

    Raises:
        KinepathError: without points, or for a NaN or infinity.

    Source: Bertrand et al., arXiv 2506.03719.
    """

    def __new__(cls, points: npt.ArrayLike) -> EmpiricalField:
        return super().__new__(cls, data(points))

    def posterior_at(self, x: npt.ArrayLike, t: npt.ArrayLike) -> Posterior:
        """The posterior at states ``x``, ``[B, *shape]``, and times ``t``, ``[B]``.

        States are taken as points are: uint8 is mapped to [−1, 1].

        Raises:
            KinepathError: for shapes that do not fit, or at t = 1.
        """
        return Posterior(**self.posterior(data(x), column(t)))


class MixtureField(_kinepath.MixtureField):
    """The exact field of data from a Gaussian mixture: a model whose answer is known.

    Args:
        weights: ``[K]``, at least 0; normalised.
        means: ``[K, D]``, in data units.
        variances: ``[K]``, or ``[K, D]`` for one per dimension; positive, in squared data units.

    Raises:
        KinepathError: for shapes that do not fit or values out of range.
    """

    def __new__(
        cls, weights: npt.ArrayLike, means: npt.ArrayLike, variances: npt.ArrayLike
    ) -> MixtureField:
        return super().__new__(cls, column(weights).tolist(), f64(means), f64(variances))


@dataclass(frozen=True)
class Guidance:
    """Classifier-free guidance: ``v = v_null + scale (v_condition − v_null)``.

    Within the interval an evaluation counts two. Source: Ho & Salimans, arXiv 2207.12598; intervals:
    Kynkäänniemi et al., arXiv 2404.07724.
    """

    scale: float
    """The scale; 1 is the condition alone, more goes beyond it."""
    null_label: int | None = None
    """The label that stands for no class."""
    null_inputs: str | os.PathLike[str] | None = None
    """A safetensors file of the inputs that stand for no condition, such as the embedding of the
    empty prompt: one row of each input that differs from the samples'."""
    interval: tuple[float, float] | None = None
    """The first and the last time at which it applies, noise at 0 and data at 1; the whole path if
    None. Each stage of a solver goes by its own time."""
    style: Literal["doubled", "calls"] = "doubled"
    """Both evaluations in one batch of twice the rows, or one after the other in half the memory."""

    def __post_init__(self) -> None:
        # As the core reads them.
        if self.null_label is not None:
            label = integer(self.null_label, "the null label", least=-LARGEST - 1, most=LARGEST)
            object.__setattr__(self, "null_label", label)
        if self.null_inputs is not None:
            object.__setattr__(self, "null_inputs", os.fspath(self.null_inputs))


class OnnxField(_kinepath.OnnxField):
    """An ONNX network as a velocity field, run by the core.

    Args:
        path: the ``.onnx`` file, or the folder of a diffusers pipeline exported by Optimum. What is
            not told below, ``NAME.kinepath.toml`` beside the file tells, or the pipeline's scheduler.
        predicts: what the network returns: ``velocity`` (unless told, on the straight path),
            ``data``, ``noise``, ``v`` (v-prediction) or ``residual`` (EDM's F; unless told there).
        time: what it calls time: ``unit`` (0 noise, 1 data), ``reversed``, ``discrete:T`` or
            ``scaled:S``; on other paths ``step``, ``sigma`` or ``c-noise``.
        trained_on: its path between noise and data, the program's ``--path``: ``straight`` (unless
            told), ``vp:linear``, ``vp:scaled-linear``, ``vp:cosine``, ``vp:FILE``, ``ve`` or
            ``edm:SIGMA_DATA``. The field is that of the straight path all the same.
        engine: what runs it: ``rten``, ``ort`` (ONNX Runtime on the processor), ``ort:cuda``,
            ``ort:tensorrt``, or ``auto``: rten for every file that it can run, ort for others.
            ONNX Runtime is that of ``pip install onnxruntime`` (``onnxruntime-gpu`` for a GPU),
            or the library that ``ORT_DYLIB_PATH`` names.
        guidance: classifier-free guidance of a conditional network; or its scale and null label.

    Raises:
        KinepathError: for conventions that are unknown or do not go together, or a file that cannot
            be read.
        ModelError: for a network that cannot be run.
    """

    def __new__(
        cls,
        path: str | os.PathLike[str],
        *,
        predicts: Literal["velocity", "data", "noise", "v", "residual"] | None = None,
        time: str | None = None,
        trained_on: str | None = None,
        engine: Engine = "auto",
        guidance: Guidance | tuple[float, int] | None = None,
    ) -> OnnxField:
        if isinstance(guidance, tuple):
            guidance = Guidance(*guidance)
        return super().__new__(
            cls, os.fspath(path), predicts, time, trained_on, engine, guidance
        )
