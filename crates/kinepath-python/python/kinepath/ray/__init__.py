"""Sampling and memorization audits on a Ray cluster.

:func:`sample` fills a data set of any size with one model per worker, on a file system that all
workers reach; :func:`evaluate` finds the nearest training points of its samples. Parts are computed by
whoever lives, appear whole or not at all, and are computed once; no process sees all samples.
:class:`Dataset` reads them and :func:`to_run` makes a run folder of them, both without Ray.

It needs ``pip install kinepath[ray]``.
"""

from .dataset import Dataset
from .errors import StoreError, WorkError
from .evaluation import Evaluation, evaluate
from .moments import Moments
from .part_sampling import ModelFactory
from .parts import Part
from .runs import to_run
from .sampling import sample
from .store import Store

__all__ = [
    "Dataset",
    "Evaluation",
    "ModelFactory",
    "Moments",
    "Part",
    "Store",
    "StoreError",
    "WorkError",
    "evaluate",
    "sample",
    "to_run",
]
