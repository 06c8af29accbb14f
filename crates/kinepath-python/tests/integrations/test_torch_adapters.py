"""Adapters, against the libraries they are for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from flow_matching.solver import ODESolver
from flow_matching.utils import ModelWrapper
from networks import TinyUNet
from torch import Tensor
from torchdiffeq import odeint

import kinepath as kp
import kinepath.torch as kpt

SHAPE = (1, 8, 8)
NODES = torch.linspace(0, 1, 11)


@pytest.fixture
def noise() -> Tensor:
    return torch.from_numpy(kp.noise(5, 3, SHAPE))


class Labelled(ModelWrapper):  # type: ignore[misc]
    """As flow_matching's image example wraps a network: the label is a keyword."""

    def forward(self, x: Tensor, t: Tensor, label: Tensor | None = None) -> Any:
        return self.model(x, t.expand(len(x)), label)


@torch.no_grad()
@pytest.mark.parametrize("method", ["euler", "midpoint"])
def test_a_wrapped_model_of_flow_matching_goes_where_its_solver_takes_it(
    noise: Tensor, method: str
) -> None:
    wrapper, labels = Labelled(TinyUNet(classes=3)), torch.tensor([1, 2, 1])
    plan = kp.Plan(10, method)
    paths = kpt.sample(wrapper, noise, plan, condition={"label": labels})
    ends = ODESolver(wrapper).sample(noise, 0.1, method, label=labels)
    np.testing.assert_allclose(paths.endpoints, ends, atol=1e-5)
    field = kpt.AugmentedField(wrapper, SHAPE)
    state = ODESolver(field).sample(field.start(noise), 0.1, method, label=labels)
    ends, energies = field.split(state)
    np.testing.assert_allclose(paths.endpoints, ends, atol=1e-5)
    np.testing.assert_allclose(paths.kpe, energies, rtol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize(("solver", "method"), [("euler", "euler"), ("heun", "heun2")])
@pytest.mark.parametrize(
    "gain", [None, kp.KTS(alpha=0.1, beta=0.02), kp.Governed([(0.0, 8.0)], split=0.3)]
)
def test_the_energy_of_torchdiffeq_is_that_of_the_plan(
    noise: Tensor, solver: str, method: str, gain: Any
) -> None:
    network = TinyUNet()
    field = kpt.AugmentedField(network, SHAPE, gain)
    # The grid in the precision of the plan's: the times are float64 then, the states are not.
    states = odeint(field, field.start(noise), NODES.double(), method=method)
    x, energies = field.split(states)
    assert x.shape == (11, 3, *SHAPE) and energies.shape == (11, 3)
    paths = kpt.sample(network, noise, kp.Plan(10, solver, gain))
    np.testing.assert_allclose(x[-1], paths.endpoints, atol=1e-5)
    np.testing.assert_allclose(energies[-1], paths.kpe, rtol=1e-5)
    assert (energies.diff(dim=0) > 0).all()


@torch.no_grad()
def test_an_adaptive_solver_finds_the_energy_of_an_exact_field() -> None:
    # x' = −x: x(1) = x(0)/e, and ½ ∫ x(0)² e^{−2t} dt = ¼ x(0)² (1 − e^{−2}).
    noise = torch.from_numpy(kp.noise(0, 4, (5,))).double()
    field = kpt.AugmentedField(lambda x, t: -x, (5,))
    x, energies = field.split(odeint(field, field.start(noise), NODES[[0, -1]].double())[-1])
    torch.testing.assert_close(x, noise / np.e)
    torch.testing.assert_close(energies, 0.25 * noise.square().sum(1) * (1 - np.exp(-2)))


@torch.no_grad()
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_model_in_half_precision_has_energies_in_that_of_the_state(dtype: torch.dtype) -> None:
    # ½ ‖v‖² = 5e5, beyond the largest float16.
    noise = torch.full((2, 1000), 32.0)
    field = kpt.AugmentedField(lambda x, t: torch.full_like(x, 32.0).to(dtype), (1000,))
    slope = field(torch.tensor(0.0), field.start(noise))
    assert slope.dtype == torch.float32
    _, energies = field.split(odeint(field, field.start(noise), NODES, method="euler")[-1])
    np.testing.assert_allclose(energies, 0.5 * 1000 * 32.0**2, rtol=1e-6)


@torch.no_grad()
def test_half_precision_does_not_round_a_gain_away() -> None:
    gain = kp.TableGain([(0.0, 1.001)])
    field = kpt.AugmentedField(lambda x, t: torch.ones_like(x).bfloat16(), (4,), gain)
    ends, energies = field.split(
        odeint(field, field.start(torch.zeros(2, 4)), NODES, method="euler")[-1]
    )
    np.testing.assert_allclose(ends, 1.001, rtol=1e-6)
    np.testing.assert_allclose(energies, 2.0 * 1.001**2, rtol=1e-6)


def test_states_that_cannot_carry_energies_are_refused() -> None:
    with pytest.raises(kp.KinepathError, match=r"torch\.from_numpy\(noise\)"):
        kpt.AugmentedField(lambda x, t: -x, (4,)).start(np.zeros((2, 4)))  # type: ignore[arg-type]
    for noise in (torch.zeros(2, 4).half(), torch.zeros(2, 4).bfloat16(), torch.zeros(2, 4).int()):
        with pytest.raises(kp.KinepathError, match=r"start from noise\.float\(\)"):
            kpt.AugmentedField(lambda x, t: -x, (4,)).start(noise)


@torch.no_grad()
def test_a_model_may_change_its_samples_in_place(noise: Tensor) -> None:
    states = []
    for model in (lambda x, t: -x, lambda x, t: x.mul_(-1.0)):
        field = kpt.AugmentedField(model, SHAPE)
        states.append(odeint(field, field.start(noise), NODES, method="rk4")[-1])
    assert torch.equal(*states)


def test_a_shape_that_does_not_fit_is_named(noise: Tensor) -> None:
    with pytest.raises(kp.KinepathError, match=r"shape \[B, 2, 8, 8\], got \[3, 1, 8, 8\]"):
        kpt.AugmentedField(lambda x, t: -x, (2, 8, 8)).start(noise)
    field = kpt.AugmentedField(lambda x, t: -x[:1], SHAPE)
    with pytest.raises(kp.ModelError, match=r"\[3, 1, 8, 8\], got \[1, 1, 8, 8\]"):
        odeint(field, field.start(noise), NODES, method="euler")


def test_arguments_the_other_way_round_are_turned(noise: Tensor) -> None:
    network, plan = TinyUNet(classes=3), kp.Plan(4)

    class TorchCfm(torch.nn.Module):
        """The signature of torchcfm's ``UNetModelWrapper``."""

        def forward(self, t: Tensor, x: Tensor, y: Any = None, *args: Any, **kwargs: Any) -> Any:
            return network(x, t, y)

    labels = torch.tensor([1, 2, 1])
    expected = kpt.sample(network, noise, plan, condition=labels).kpe
    model = kpt.swapped(TorchCfm())
    for condition in (labels, {"y": labels}):
        paths = kpt.sample(model, noise, plan, condition=condition)
        np.testing.assert_array_equal(paths.kpe, expected)


def solved(field: kpt.AugmentedField, noise: Tensor, *times: float, **how: Any) -> tuple[Tensor, Tensor]:
    with torch.no_grad():
        states = odeint(field, field.start(noise), torch.tensor(times), **how)
    return field.split(states[-1])


@pytest.mark.parametrize(
    "gain", ["kts:alpha=0,beta=0.0525", kp.TableGain([(0.9, 1.0), (0.95, -0.001), (1.0, 1.0)])]
)
def test_a_gain_that_is_negative_somewhere_is_refused(gain: Any) -> None:
    with pytest.raises(kp.KinepathError, match="negative|is -"):
        kpt.AugmentedField(lambda x, t: -x, (2,), gain)
    kpt.AugmentedField(lambda x, t: -x, (2,), "governed:ceiling=0:1,strength=1")


def test_a_gain_may_be_an_expression() -> None:
    noise, text = torch.ones(2, 3), "ssc:alpha=0.3,power=1.5"
    # dopri5 takes a step across t = 1, where 1 − t has no such power.
    fields = [kpt.AugmentedField(lambda x, t: -x, (3,), gain) for gain in (text, kp.Gain(text))]
    ends = [solved(field, noise, 0.0, 1.0) for field in fields]
    assert torch.equal(ends[0][1], ends[1][1])
    # ln x(1) = −∫ η dt.
    torch.testing.assert_close(ends[0][0], torch.full((2, 3), float(np.exp(-1.0 - 0.3 / 2.5))))
    with pytest.raises(kp.KinepathError, match="faster"):
        kpt.AugmentedField(lambda x, t: -x, (3,), "faster")


@pytest.mark.parametrize("method", ["euler", "heun2", "rk4", "dopri5"])
@pytest.mark.parametrize(
    ("times", "words"),
    [
        ((1.0, 0.5, 0.0), "back in time, from t = 1 to "),
        ((0.4, 0.2, 0.0), "back in time, from t = 0.4 to "),
        ((-0.5, 0.0, 0.5), r"asks at t = -0\.5"),
        ((80.0, 40.0, 0.0), "asks at t = 80"),
        ((0.0, 500.0, 1000.0, 2000.0), "asks at t = [0-9.e+]+: give it"),
    ],
)
def test_times_of_other_conventions_are_refused(method: str, times: Any, words: str) -> None:
    field = kpt.AugmentedField(lambda x, t: torch.sin(3 * x + t[:, None]), (3,))
    with pytest.raises(kp.KinepathError, match=words):
        solved(field, torch.ones(2, 3), *times, method=method)


def test_a_field_can_be_solved_again() -> None:
    field = kpt.AugmentedField(lambda x, t: torch.ones_like(x), (2,))
    for times in [(0.5, 0.7, 1.0), (0.0, 0.2)]:
        _, energy = solved(field, torch.zeros(3, 2), *times)
        np.testing.assert_allclose(energy, times[-1] - times[0], rtol=1e-6)


def test_a_straight_field_is_followed_in_as_long_steps_as_the_solver_likes() -> None:
    field = kpt.AugmentedField(lambda x, t: torch.full_like(x, 2.0), (2,))
    how: dict[str, Any] = {"options": {"first_step": 0.06}}
    ends, energy = solved(field, torch.zeros(3, 2), 0.0, 1.0, **how)
    np.testing.assert_allclose(ends, 2.0, rtol=1e-5)
    np.testing.assert_allclose(energy, 4.0, rtol=1e-5)


def test_a_field_may_be_compiled() -> None:
    field = kpt.AugmentedField(lambda x, t: torch.sin(x), (3,))
    compiled = torch.compile(field, backend="eager", fullgraph=True)
    start = field.start(torch.ones(2, 3))
    for t in (0.0, 0.5):
        torch.testing.assert_close(compiled(torch.tensor(t), start), field(torch.tensor(t), start))
