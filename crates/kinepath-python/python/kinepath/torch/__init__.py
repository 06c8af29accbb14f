"""Kinetic path energy of PyTorch models, on the device where they are.

:func:`sample` runs a :class:`kinepath.Plan` over any ``model(x, t)``; :class:`EnergyMeter` measures
in a loop of your own; :class:`AugmentedField` measures within another library's solver;
:func:`converted` takes models that predict data or noise, or count time otherwise. One number per
sample and evaluation is kept on the device and read back at the end, once for each batch: nothing
waits for the device within the loop.

    >>> import kinepath as kp, kinepath.torch as kpt, torch
    >>> plan = kp.Plan(50, "heun", kp.KTS(alpha=0.02, beta=0.0))
    >>> paths = kpt.sample(lambda x, t: -x, torch.randn(4, 3, 8, 8), plan)
    >>> paths.kpe.shape
    (4,)
"""

from .adapters import swapped
from .augmented import AugmentedField
from .conventions import converted
from .executor import sample
from .meter import EnergyMeter
from .model import Model

__all__ = ["AugmentedField", "EnergyMeter", "Model", "converted", "sample", "swapped"]
