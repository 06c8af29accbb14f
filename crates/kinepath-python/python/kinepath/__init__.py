"""Kinetic path energy of flow-matching models: measure it, shape it, judge whether that helps.

A flow model turns noise ``x(0) ~ N(0, I)`` into data ``x(1)`` by integrating a velocity field,
``dx/dt = v(x, t)``, with t from 0 (noise) to 1 (data). The *kinetic path energy* (KPE) of one
sample is ``E = ½ ∫ ‖dx/dt‖² dt`` in squared data units; Li et al., arXiv 2602.07928.

    >>> import kinepath as kp
    >>> field = kp.MixtureField([1.0], means=[[3.0, 0.0]], variances=[0.25])
    >>> plan = kp.Plan(50, "heun", kp.KTS(alpha=0.02, beta=0.0))
    >>> paths = kp.sample(field, kp.noise(seed=0, indices=range(4), shape=(2,)), plan)
    >>> paths.kpe.shape
    (4,)

Samples from anywhere, measured or not, are judged and compared by :func:`study`; run folders keep
them. PyTorch models are sampled by ``kinepath.torch``, diffusers pipelines by
``kinepath.diffusers``; neither is imported before it is asked for. Arrays are NumPy's, f32 in and
f64 out.
"""

from ._kinepath import Gain, Grid, KinepathError, ModelError, Plan, SamplingError, Stage, Step
from ._kinepath import __version__ as __version__
from .export import export_onnx
from .fields import EmpiricalField, Field, Guidance, MixtureField, OnnxField, Posterior
from .gains import KTS, SSC, Governed, TableGain
from .metrics import (
    Memorization,
    Neighbours,
    Prdc,
    frechet_distance,
    kernel_distance,
    memorization,
    neighbours,
    prdc,
    support,
    vendi_score,
)
from .model_study import study_model
from .paths import PartEnergies, Paths
from .posteriors import Certificate, PosteriorPaths
from .runs import Run, read_run, write_run
from .sampling import Record, noise, sample
from .solvers import Solver
from .stats import (
    Comparison,
    Interval,
    adjust,
    bootstrap,
    compare,
    partial_spearman,
    share,
    spearman,
)
from .study import Study, Verdict, study
from .tables import Table

__all__ = [
    "KTS",
    "SSC",
    "Certificate",
    "Comparison",
    "EmpiricalField",
    "Field",
    "Gain",
    "Governed",
    "Grid",
    "Guidance",
    "Interval",
    "KinepathError",
    "Memorization",
    "MixtureField",
    "ModelError",
    "Neighbours",
    "OnnxField",
    "PartEnergies",
    "Paths",
    "Plan",
    "Posterior",
    "PosteriorPaths",
    "Prdc",
    "Record",
    "Run",
    "SamplingError",
    "Solver",
    "Stage",
    "Step",
    "Study",
    "Table",
    "TableGain",
    "Verdict",
    "adjust",
    "bootstrap",
    "compare",
    "export_onnx",
    "frechet_distance",
    "kernel_distance",
    "memorization",
    "neighbours",
    "noise",
    "partial_spearman",
    "prdc",
    "read_run",
    "sample",
    "share",
    "spearman",
    "study",
    "study_model",
    "support",
    "vendi_score",
    "write_run",
]
