"""Modules in training mode, which makes their velocities other than those of sampling."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import partial
from types import FunctionType, MethodType

import torch
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.dropout import _DropoutNd

from .adapters import Adapter

RATES = ("dropout", "dropout_p", "dropout_prob", "p_dropout", "drop_prob")
"""What modules call a share that they drop in training, such as attention, embedders of labels and
stochastic depth."""


def warn_of_training(model: object, *, stacklevel: int) -> None:
    """Warns of a module, alone or behind what calls it, whose training mode changes its velocities.

    Dropout makes them random, and batch statistics make them those of the other samples.

    Args:
        model: what is called for velocities.
        stacklevel: whose line is warned of; 1 is the caller's.
    """
    for module in _modules_behind(model):
        for name, part in module.named_modules():
            if part.training and _changes_in_training(part):
                warnings.warn(
                    f"the model is in training mode, in which its {type(part).__name__} "
                    f"{name or '(itself)'} makes other velocities: call model.eval() before sampling",
                    UserWarning,
                    stacklevel=stacklevel + 1,
                )
                return


def _modules_behind(model: object) -> Iterator[torch.nn.Module]:
    """The modules that a callable is known to call."""
    if isinstance(model, torch.nn.Module):
        yield model
        for part in model.modules():
            if isinstance(part, Adapter) and not isinstance(part.model, torch.nn.Module):
                yield from _modules_behind(part.model)
    elif isinstance(model, partial):
        for given in (model.func, *model.args, *model.keywords.values()):
            yield from _modules_behind(given)
    elif isinstance(model, MethodType):
        yield from _modules_behind(model.__self__)
    elif isinstance(model, FunctionType):
        # Left there by functools.wraps and by torch.compile.
        for name in ("__wrapped__", "_torchdynamo_orig_callable"):
            yield from _modules_behind(vars(model).get(name))


def _changes_in_training(part: torch.nn.Module) -> bool:
    if isinstance(part, _DropoutNd):
        return part.p > 0.0
    if isinstance(part, _NormBase):
        return part.track_running_stats
    rates = (getattr(part, name, None) for name in RATES)
    return any(isinstance(rate, float) and rate > 0.0 for rate in rates)
