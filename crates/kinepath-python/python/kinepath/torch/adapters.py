"""Models and solvers of other libraries.

* flow_matching: a ``ModelWrapper`` is a model as :func:`kinepath.torch.sample` takes it, with its
  extras as a mapping, ``condition={"label": y}``. To measure in its ``ODESolver``, solve for an
  :class:`AugmentedField`.
* torchcfm and torchdyn call ``model(t, x)``: :func:`swapped` turns the arguments round.
* torchdiffeq: solve for an :class:`AugmentedField`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .model import Model


class Adapter(torch.nn.Module):
    """A model as another: a module, so that the model's parameters, modes and devices are its own."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model

    def told(self) -> list[str]:
        """What is said of it, beside the model, where it is shown."""
        return []

    def extra_repr(self) -> str:
        # Modules within a module are shown anyway.
        own = [] if isinstance(self.model, torch.nn.Module) else [repr(self.model)]
        return ", ".join(own + self.told())


class Swapped(Adapter):
    """What :func:`swapped` returns."""

    def forward(self, x: Tensor, t: Tensor, *rest: Any, **extras: Any) -> Tensor:
        return self.model(t, x, *rest, **extras)


def swapped(model: Model) -> Swapped:
    """A model called as ``model(t, x, …)`` (torchcfm, torchdyn) as one called ``model(x, t, …)``.

    Times stay ``[B]``; what follows them, and keywords, are passed on. It is a module, which has the
    parameters and modes of a model that is one.
    """
    return Swapped(model)
