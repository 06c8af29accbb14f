"""Backward passes through energies, as kinetic regularisation of training takes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from networks import TinyUNet
from torch import Tensor
from torchdiffeq import odeint, odeint_adjoint

import kinepath as kp
import kinepath.torch as kpt

SHAPE = (1, 8, 8)
NODES = torch.linspace(0, 1, 6, dtype=torch.float64)
CEILING, EXPONENT = 10.0, 0.35


def unit(t: float, speed: Tensor) -> Tensor:
    return torch.ones_like(speed)


def ramp(t: float, speed: Tensor) -> Tensor:
    return torch.full_like(speed, 1.2 - 0.4 * t)


def held(t: float, speed: Tensor) -> Tensor:
    if t < 0.3:
        return torch.ones_like(speed)
    return torch.where(speed > CEILING, (CEILING / speed) ** EXPONENT, torch.ones_like(speed))


GAINS: dict[str, tuple[Any, Callable[[float, Tensor], Tensor]]] = {
    "unit": (None, unit),
    "table": (kp.TableGain([(0.0, 1.2), (1.0, 0.8)]), ramp),
    "governed": (kp.Governed([(0.0, CEILING)], strength=2 * EXPONENT, split=0.3), held),
}


def by_hand(
    network: TinyUNet, x: Tensor, eta: Callable[[float, Tensor], Tensor]
) -> tuple[Tensor, Tensor]:
    """Heun's method, and the energy by its own weights."""
    energy = x.new_zeros(len(x))

    def slope(x: Tensor, t: float) -> tuple[Tensor, Tensor]:
        v = network(x, torch.full((len(x),), t, dtype=x.dtype))
        speed = (v * v).sum((1, 2, 3))
        factor = eta(t, speed)
        return factor[:, None, None, None] * v, factor * factor * speed

    for start, end in zip(NODES.tolist()[:-1], NODES.tolist()[1:]):
        h = end - start
        first, here = slope(x, start)
        second, there = slope(x + h * first, end)
        x = x + h / 2 * (first + second)
        energy = energy + h / 4 * (here + there)
    return x, energy


def gradients(network: TinyUNet, noise: Tensor, end: Tensor, energy: Tensor) -> list[Tensor]:
    """Of a loss of both, by the noise and by every parameter that the velocity depends on."""
    loss = end.square().mean() + 0.01 * energy.sum()
    return list(torch.autograd.grad(loss, [noise, *network.parameters()]))


def doubles() -> Tensor:
    return torch.from_numpy(kp.noise(5, 3, SHAPE)).double().requires_grad_()


@pytest.mark.parametrize("kind", GAINS)
def test_gradients_of_ends_and_energies_are_those_of_a_loop_by_hand(kind: str) -> None:
    gain, eta = GAINS[kind]
    network, noise = TinyUNet().double(), doubles()
    field = kpt.AugmentedField(network, SHAPE, gain)
    end, energy = field.split(odeint(field, field.start(noise), NODES, method="heun2")[-1])
    own_end, own_energy = by_hand(network, noise, eta)
    torch.testing.assert_close(energy, own_energy)
    found = gradients(network, noise, end, energy)
    torch.testing.assert_close(found, gradients(network, noise, own_end, own_energy))
    if kind == "governed":
        free = by_hand(network, noise, unit)[1]
        assert (energy < 0.9 * free).all()


@pytest.mark.parametrize("gain", [None, kp.SSC(0.2, 2.0)])
def test_the_adjoint_method_has_the_same_gradients(gain: Any) -> None:
    network, noise, ends = TinyUNet(width=4).double(), doubles(), NODES[[0, -1]]
    found = []
    for solve in (odeint, odeint_adjoint):
        field = kpt.AugmentedField(network, SHAPE, gain)
        states = solve(field, field.start(noise), ends, rtol=1e-8, atol=1e-10)
        end, energy = field.split(states[-1])
        found.append(gradients(network, noise, end, energy))
    torch.testing.assert_close(*found, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", GAINS)
def test_the_slope_of_a_state_has_the_gradient_of_differences(kind: str) -> None:
    field = kpt.AugmentedField(lambda x, t: 9.0 * torch.sin(x) + t[:, None], (3,), GAINS[kind][0])
    state = field.start(torch.from_numpy(kp.noise(1, 4, (3,))).double()).requires_grad_()
    time = torch.tensor(0.45, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda state: field(time, state), (state,))


def test_an_energy_can_be_trained_down() -> None:
    """A field that bends, pushed towards a straight path by its energy alone."""
    torch.manual_seed(0)
    bend = torch.nn.Parameter(torch.tensor(2.0))
    field = kpt.AugmentedField(lambda x, t: 1.0 + bend * (t[:, None] - 0.5) + 0.0 * x, (2,))
    optimiser = torch.optim.SGD([bend], 0.5)
    for _ in range(60):
        optimiser.zero_grad()
        state = odeint(field, field.start(torch.zeros(4, 2)), NODES, method="rk4")[-1]
        energy = field.split(state)[1].mean()
        energy.backward()
        optimiser.step()
    # ½ ∫ 2 (1 + b (t − ½))² dt = 1 + b²/12.
    assert abs(float(bend.detach())) < 0.05 and abs(float(energy.detach()) - 1.0) < 1e-3
