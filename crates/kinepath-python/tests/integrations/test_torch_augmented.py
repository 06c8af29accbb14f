"""Paths from the solvers of other libraries, against exact energies and the executor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from flow_matching.solver import ODESolver
from networks import TinyUNet
from torch import Tensor
from torchdiffeq import odeint

import kinepath as kp
import kinepath.torch as kpt

SHAPE = (1, 8, 8)
NOISE = torch.from_numpy(kp.noise(5, 3, SHAPE))
GAINS = [None, kp.KTS(alpha=0.1, beta=0.02, split=0.4), kp.Governed([(0.0, 8.0)], split=0.3)]


@torch.no_grad()
def test_an_adaptive_solution_of_an_exact_field_has_its_exact_figures() -> None:
    """x' = −x: ½ ∫ x(0)² e^{−2t} dt = ¼ x(0)² (1 − e^{−2t})."""
    calls = 0

    def field_of(x: Tensor, t: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        return -x

    noise = torch.from_numpy(kp.noise(0, 4, (5,))).double()
    field = kpt.AugmentedField(field_of, (5,))
    assert field.times.tolist() == [0.0, 0.6, 0.95, 1.0]
    states = odeint(field, field.start(noise), field.times, rtol=1e-9, atol=1e-12)
    paths = field.paths(states, field.times)
    square = noise.square().sum(1).numpy()

    def spent(start: float, end: float) -> Any:
        return 0.25 * square * (np.exp(-2 * start) - np.exp(-2 * end))

    for found, wanted in [
        (paths.kpe, spent(0.0, 1.0)),
        (paths.launch, spent(0.0, 0.6)),
        (paths.landing, spent(0.6, 1.0)),
        (paths.terminal, spent(0.95, 1.0)),
        (paths.displacement, 0.5 * square * (1.0 - np.exp(-1.0)) ** 2),
        (paths.mean_gain, np.ones(4)),
    ]:
        np.testing.assert_allclose(found, wanted, rtol=1e-6)
    assert paths.nfe.tolist() == [calls] * 4 and calls > 10
    torch.testing.assert_close(paths.endpoints, noise / np.e)
    assert paths.times is None and paths.profile is None


@torch.no_grad()
@pytest.mark.parametrize(("solver", "method"), [("euler", "euler"), ("heun", "heun2")])
@pytest.mark.parametrize("gain", GAINS)
def test_a_solution_along_a_plan_has_every_figure_of_the_plan(
    solver: str, method: str, gain: Any, tmp_path: Path
) -> None:
    network, plan = TinyUNet(), kp.Plan(kp.Grid.cosine(10), solver, gain)
    field = kpt.AugmentedField(network, SHAPE, gain)
    nodes = torch.from_numpy(plan.grid.nodes)
    paths = field.paths(odeint(field, field.start(NOISE), nodes, method=method), nodes)
    expected = kpt.sample(network, NOISE, plan)
    for name, column in expected.table().items():
        if name != "noise_left":
            found = paths.table()[name]
            np.testing.assert_allclose(found, column, rtol=2e-5, atol=1e-5, err_msg=name)
    run = kp.write_run(tmp_path / "run", paths, plan=plan, model="U-Net", noise=5)
    np.testing.assert_allclose(run.table()["kpe_launch"], expected.launch, rtol=1e-5)


JUMPING = [
    kp.Gain("kts:alpha=0.5,beta=0.5,split=0.7,launch=constant,landing=constant"),
    kp.Governed([(0.0, 1.0)], split=0.7),
]


@torch.no_grad()
@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
@pytest.mark.parametrize("method", ["euler", "heun2"])
@pytest.mark.parametrize("gain", JUMPING, ids=str)
def test_the_step_that_begins_at_the_split_has_its_gain(
    gain: Any, method: str, kind: torch.dtype
) -> None:
    """A float32 0.7 is below 0.7, where these gains jump."""
    noise, nodes = torch.ones(2, 2, dtype=kind), torch.linspace(0, 1, 11, dtype=kind)

    def model(x: Tensor, t: Tensor) -> Tensor:
        return torch.full_like(x, 5.0)

    field = kpt.AugmentedField(model, (2,), gain)
    paths = field.paths(odeint(field, field.start(noise), nodes, method=method), nodes)
    expected = kpt.sample(model, noise, kp.Plan(10, "heun" if method == "heun2" else method, gain))
    for name in ("kpe", "launch", "landing", "mean_gain", "displacement"):
        found, wanted = getattr(paths, name), getattr(expected, name)
        np.testing.assert_allclose(found, wanted, rtol=1e-4, err_msg=name)


def test_the_slope_of_a_gain_is_not_taken_across_its_jump() -> None:
    """This gain is 1.5 before its split, and falls slowly from 1 after it."""
    gain = kp.Gain("kts:alpha=0.5,beta=0.02,split=0.7,launch=constant")
    field = kpt.AugmentedField(lambda x, t: torch.ones_like(x), (1,), gain)
    for split in (torch.tensor(0.7), torch.tensor(0.7, dtype=torch.float64)):
        field.start(torch.zeros(1, 1))
        time = split.requires_grad_()
        (slope,) = torch.autograd.grad(field(time, torch.zeros(1, 3))[0, 0], time)
        after = (gain.eta(0.701) - gain.eta(0.7)) / 0.001
        assert slope.item() == pytest.approx(after, rel=1e-2) and after != 0.0


@torch.no_grad()
@pytest.mark.parametrize("gain", GAINS)
def test_an_adaptive_solution_is_that_of_a_fine_grid(gain: Any) -> None:
    network = TinyUNet()
    field = kpt.AugmentedField(network, SHAPE, gain)
    how: dict[str, Any] = {"rtol": 1e-6, "atol": 1e-6}
    paths = field.paths(odeint(field, field.start(NOISE), field.times, **how), field.times.numpy())
    expected = kpt.sample(network, NOISE, kp.Plan(200, "midpoint", gain))
    for name in ("kpe", "launch", "landing", "terminal", "displacement", "mean_gain"):
        found, wanted = getattr(paths, name), getattr(expected, name)
        np.testing.assert_allclose(found, wanted, rtol=2e-3, err_msg=name)


@pytest.mark.parametrize("method", ["euler", "midpoint"])
def test_flow_matching_s_solver_has_paths_too(method: str) -> None:
    network = TinyUNet()
    field = kpt.AugmentedField(network, SHAPE)
    states = ODESolver(field).sample(
        field.start(NOISE), 0.05, method, time_grid=field.times, return_intermediates=True
    )
    paths = field.paths(states, field.times)
    expected = kpt.sample(network, NOISE, kp.Plan(20, method))
    for name in ("kpe", "launch", "landing", "terminal", "displacement", "mean_gain"):
        found, wanted = getattr(paths, name), getattr(expected, name)
        np.testing.assert_allclose(found, wanted, rtol=1e-4, err_msg=name)


def test_the_times_of_a_gain_are_with_its_split() -> None:
    for split, times in [
        (0.2, [0.0, 0.2, 0.95, 1.0]),
        (0.97, [0.0, 0.95, 0.97, 1.0]),
        (0.95, [0.0, 0.95, 1.0]),
    ]:
        gain = kp.KTS(0.1, 0.0, split=split)
        assert kpt.AugmentedField(lambda x, t: -x, (2,), gain).times.tolist() == times


def test_part_of_a_path_has_paths() -> None:
    field = kpt.AugmentedField(lambda x, t: torch.full_like(x, 2.0), (2,), "table:0=0.5")
    start = field.start(torch.zeros(3, 2)).requires_grad_()
    for ends, launch in [((0.1, 0.5), 0.4), ((0.7, 0.9), 0.0), ((0.6, 1.0), 0.0)]:
        field.start(torch.zeros(3, 2))
        times = torch.tensor(ends)
        paths = field.paths(odeint(field, start, times, method="euler"), times)
        np.testing.assert_allclose(paths.launch, launch, rtol=1e-5)
        np.testing.assert_allclose(paths.kpe, ends[1] - ends[0], rtol=1e-5)
        np.testing.assert_allclose(paths.mean_gain, 0.5, rtol=1e-5)
        assert not paths.endpoints.requires_grad


@torch.no_grad()
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda states, times: (states[-1], times), r"\[4, B, 4\], got \[3, 4\]"),
        (lambda states, times: (states[:, :, :3], times), r"got \[4, 3, 3\]"),
        (lambda states, times: (states, times[:3]), r"those of all 3 times"),
        (lambda states, times: (states, times.flip(0)), "must increase"),
        (lambda states, times: (states, 1000 * times), r"outside \[0, 1\]"),
        (lambda states, times: (states[[0, -1]], times[[0, -1]]), "between the split 0.6 and the end"),
        (lambda states, times: (states.numpy(), times), "states must be a torch tensor"),
        (lambda states, times: (states + float("nan"), times), "sample 0 became NaN .* by t = 0"),
    ],
)
def test_states_that_tell_no_paths_are_refused(change: Any, words: str) -> None:
    field = kpt.AugmentedField(lambda x, t: -x, (2,))
    states = odeint(field, field.start(torch.ones(3, 2)), field.times)
    with pytest.raises(kp.KinepathError, match=words):
        field.paths(*change(states, field.times))
    field.start(torch.ones(3, 2))
    with pytest.raises(kp.KinepathError, match="no evaluation was counted since start"):
        field.paths(states, field.times)
