"""Models and solvers of other libraries.

* flow_matching: a ``ModelWrapper`` is a model as :func:`kinepath.torch.sample` takes it, with its
  extras as a mapping, ``condition={"label": y}``. To measure in its ``ODESolver``, solve for an
  :class:`AugmentedField`.
* torchcfm and torchdyn call ``model(t, x)``: :func:`swapped` turns the arguments round.
* torchdiffeq: solve for an :class:`AugmentedField`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from .._kinepath import Gain, KinepathError
from .model import Model, called, check_tensor, working_type
from .speed import governed, scaled, squared_speed


def swapped(model: Model) -> Model:
    """A model called as ``model(t, x, …)`` (torchcfm, torchdyn) as one called ``model(x, t, …)``.

    Times stay ``[B]``; what follows them, and keywords, are passed on.
    """
    return lambda x, t, *rest, **extras: model(t, x, *rest, **extras)


class AugmentedField(torch.nn.Module):
    """A field for the solvers of other libraries, whose state carries the energy of every sample.

    A state is ``[B, D + 1]``: the sample, flattened, and its energy e with ``de/dt = ½ ‖dx/dt‖²``,
    so that the energy is integrated to the solver's own order and tolerance, adaptive steps
    included. An adaptive solver then controls the error of e too, and takes other steps than for x
    alone.

        >>> field = AugmentedField(lambda x, t: -x, shape=(2,))
        >>> state = field.start(torch.randn(4, 2))
        >>> # torchdiffeq: state = odeint(field, state, torch.tensor([0.0, 1.0]))[-1]
        >>> # flow_matching: state = ODESolver(field).sample(state, step_size=0.02)
        >>> x, energy = field.split(state)
        >>> x.shape, energy.shape
        (torch.Size([4, 2]), torch.Size([4]))

    Energies have the state's own type, in which torchdiffeq solves: float32 noise sums them in
    float32. States in half precision are refused, as they would round energies or run out of
    numbers; a model in half precision is given what it takes by a function,
    ``lambda x, t: model(x.half(), t)``, and may return it.

    Args:
        model: ``model(x, t)`` with states ``[B, *shape]`` and times ``[B]``.
        shape: shape of one sample.
        gain: what shapes the velocity. η is looked up on the host, so every evaluation then waits
            for the time it is at; without a gain none does.
    """

    def __init__(self, model: Model, shape: Sequence[int], gain: Gain | None = None) -> None:
        super().__init__()
        self.model = model
        self.shape: tuple[int, ...] = tuple(shape)
        self.gain = gain

    def start(self, noise: Tensor) -> Tensor:
        """The state ``[B, D + 1]`` at the start: ``noise``, ``[B, *shape]``, and no energy yet.

        Raises:
            KinepathError: for noise of another shape, or in neither float32 nor float64.
        """
        check_tensor("noise", noise)
        if noise.dtype not in (torch.float32, torch.float64):
            raise KinepathError(
                f"the state carries energies, which {noise.dtype} cannot: start from noise.float(), "
                "and let a model in half precision take it by lambda x, t: model(x.half(), t)"
            )
        if noise.shape[1:] != self.shape:
            raise KinepathError(
                f"noise must have shape [B, {', '.join(map(str, self.shape))}], got "
                f"{list(noise.shape)}"
            )
        rows = noise.reshape(noise.shape[0], math.prod(self.shape))
        return torch.cat([rows, rows.new_zeros(len(rows), 1)], 1)

    def split(self, state: Tensor) -> tuple[Tensor, Tensor]:
        """States ``[…, D + 1]`` as samples ``[…, *shape]`` and energies ``[…]``.

        Energies are in squared data units.
        """
        samples = state[..., :-1].reshape(*state.shape[:-1], *self.shape)
        return samples, state[..., -1]

    def forward(self, t: Tensor, x: Tensor, **extras: Any) -> Tensor:
        """The time derivative of the states ``x``, ``[B, D + 1]``, at the time ``t`` of all.

        torchdiffeq calls it by position, flow_matching by keyword and with the model's extras. The
        model gets times in float32, or float64 where x is.
        """
        # A copy, in one piece: the model may change it in place.
        samples = self.split(x)[0].clone(memory_format=torch.contiguous_format)
        v = called(self.model, samples, t.to(working_type(x.dtype)).repeat(len(x)), extras)
        speed = squared_speed(v)
        # Before the gain, which half precision would round away next to 1.
        v = v.to(x.dtype)
        if self.gain is not None:
            # Detached: the adjoint method asks for gradients in time, of which a gain has none here.
            time = float(t.detach())
            eta = torch.full_like(speed, self.gain.eta(time))
            governor = self.gain.governor(time)
            if governor is not None:
                eta = eta * governed(speed, governor)
            v, speed = scaled(v, eta), speed * eta.square()
        return torch.cat([v.reshape(len(x), -1), (0.5 * speed).to(x.dtype)[:, None]], 1)
