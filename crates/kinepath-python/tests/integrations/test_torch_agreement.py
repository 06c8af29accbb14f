"""One plan, noise and network: the core over its ONNX export, the executor, torchdiffeq."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from networks import TinyUNet
from numpy.typing import NDArray
from torch import Tensor
from torchdiffeq import odeint
from torchdiffeq._impl.fixed_grid import RK4
from torchdiffeq._impl.odeint import SOLVERS
from torchdiffeq._impl.rk_common import rk4_step_func

import kinepath as kp
import kinepath.torch as kpt

SHAPE = (1, 8, 8)
GRIDS = {
    "uniform": kp.Grid.uniform(20),
    "cosine": kp.Grid.cosine(20),
    "shifted": kp.Grid.shifted(20, 3.0),
    "explicit": kp.Grid([0.05, 0.1, 0.2, 0.3, 0.35, 0.5, 0.6, 0.7, 0.8, 0.95, 0.99]),
}
METHODS = {"euler": "euler", "midpoint": "midpoint", "heun": "heun2", "rk4": "classical_rk4"}


class ClassicalRK4(RK4):  # type: ignore[misc]
    """torchdiffeq's classical method, which it has but does not list: its rk4 is the 3/8 rule."""

    def _step_func(self, func: Any, t0: Any, dt: Any, t1: Any, y0: Any) -> Any:
        first = func(t0, y0)
        return rk4_step_func(func, t0, dt, t1, y0, f0=first), first


SOLVERS["classical_rk4"] = ClassicalRK4


@pytest.fixture(scope="module")
def network() -> Any:
    return TinyUNet()


@pytest.fixture(scope="module")
def field(network: TinyUNet, tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("agreement") / "network.onnx"
    kp.export_onnx(network, (torch.zeros(2, *SHAPE), torch.zeros(2)), path)
    return kp.OnnxField(path)


@pytest.fixture(scope="module")
def guided_field(tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("guided") / "network.onnx"
    examples = (torch.zeros(2, *SHAPE), torch.zeros(2), torch.zeros(2, dtype=torch.int64))
    kp.export_onnx(TinyUNet(classes=4), examples, path)
    return kp.OnnxField(path, guidance=kp.Guidance(2.5, null_label=0))


def kts(
    t: Tensor, alpha: float = 0.05, beta: float = 0.02, split: float = 0.6, rate: float = 3.0
) -> Any:
    """The default shapes of KTS, from the paper's formula."""
    if t < split:
        return 1.0 + alpha * (1.0 - t / split)
    return 1.0 - beta * (math.exp(rate * (t - split) / (1.0 - split)) - 1.0)


def by_torchdiffeq(network: TinyUNet, noise: Tensor, nodes: Any, method: str, eta: Any) -> Any:
    def slope(t: Tensor, state: Any) -> Any:
        v = eta(float(t)) * network(state[0], t.expand(len(noise)).float())
        return v, 0.5 * v.double().flatten(1).square().sum(1).float()

    start = (noise, torch.zeros(len(noise)))
    with torch.no_grad():
        ends, energies = odeint(slope, start, torch.from_numpy(nodes), method=method)
    return ends[-1].numpy(), energies[-1].numpy()


@pytest.mark.parametrize("shaped", [False, True])
@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("solver", METHODS)
def test_core_torch_and_torchdiffeq_agree(
    network: TinyUNet, field: kp.OnnxField, solver: str, grid: str, shaped: bool
) -> None:
    gain = kp.KTS(alpha=0.05, beta=0.02) if shaped else None
    plan = kp.Plan(GRIDS[grid], solver, gain)
    noise = kp.noise(1, 4, SHAPE)
    core = kp.sample(field, noise, plan)
    paths = kpt.sample(network, torch.from_numpy(noise), plan)
    ends, energies = by_torchdiffeq(
        network,
        torch.from_numpy(noise),
        plan.grid.nodes,
        METHODS[solver],
        kts if shaped else lambda t: 1.0,
    )
    assert np.abs(ends - noise).max() > 0.5
    np.testing.assert_allclose(paths.endpoints.numpy(), ends, atol=1e-4, rtol=0)
    np.testing.assert_allclose(core.endpoints, ends, atol=1e-4, rtol=0)
    np.testing.assert_allclose(paths.kpe, energies, rtol=1e-4)
    np.testing.assert_allclose(core.kpe, energies, rtol=1e-4)


GUIDED_GAINS = [kp.Gain(), kp.KTS(alpha=0.05, beta=0.02), kp.Governed([(0.0, 8.0)], split=0.3)]


@pytest.mark.parametrize("gain", GUIDED_GAINS)
@pytest.mark.parametrize("solver", ["euler", "heun", "rk4"])
def test_the_parts_of_a_guided_velocity_are_the_core_s(
    guided_field: kp.OnnxField, solver: str, gain: kp.Gain
) -> None:
    labels, noise = [1, 2, 3, 1], kp.noise(4, 4, SHAPE)
    plan, record = kp.Plan(10, solver, gain), kp.Record(parts=True)
    core = kp.sample(guided_field, noise, plan, labels=labels, record=record)
    paths = kpt.sample(
        TinyUNet(classes=4),
        torch.from_numpy(noise),
        plan,
        guidance_scale=2.5,
        condition=torch.tensor(labels),
        null_condition=torch.zeros(4, dtype=torch.int64),
        record=record,
    )
    assert list(core.table()) == list(paths.table()) and "kpe_unconditional" in core.table()
    for name, column in core.table().items():
        np.testing.assert_allclose(
            paths.table()[name], column, rtol=1e-5, atol=1e-8, err_msg=name
        )


def governed(field: kp.OnnxField, noise: NDArray[np.float32], grid: kp.Grid) -> kp.Gain:
    """A ceiling that about half of the samples meet."""
    profile = kp.sample(field, noise, kp.Plan(grid), record=kp.Record(profile=True)).profile
    assert profile is not None
    speeds = np.median(profile, 0)
    return kp.Governed(list(zip(grid.nodes, speeds)), strength=0.8, split=0.4)


@pytest.mark.parametrize("quadrature", ["solver", "left"])
@pytest.mark.parametrize("kind", ["unit", "kts", "governed"])
@pytest.mark.parametrize(
    ("solver", "grid"),
    [("euler", "uniform"), ("midpoint", "cosine"), ("heun", "uniform"), ("rk4", "explicit")],
)
def test_every_figure_is_the_core_s(
    network: TinyUNet, field: kp.OnnxField, solver: str, grid: str, kind: str, quadrature: str
) -> None:
    noise = kp.noise(2, 6, SHAPE)
    gains: dict[str, Callable[[], kp.Gain]] = {
        "unit": lambda: kp.Gain(),
        "kts": lambda: kp.KTS(alpha=0.03, beta=0.02, launch="constant"),
        "governed": lambda: governed(field, noise, GRIDS[grid]),
    }
    plan = kp.Plan(GRIDS[grid], solver, gains[kind](), quadrature=quadrature)
    record = kp.Record(profile=True, energy_map=True, trajectory=3)
    core = kp.sample(field, noise, plan, record=record)
    paths = kpt.sample(network, torch.from_numpy(noise), plan, record=record)
    assert list(core.table()) == list(paths.table())
    for name, column in core.table().items():
        # The noise left may be next to nothing, which is then the rounding of what is left of 1.
        atol = 1e-8 if name == "noise_left" else 0.0
        np.testing.assert_allclose(paths.table()[name], column, rtol=1e-5, atol=atol, err_msg=name)
    for name, rtol, atol in [
        ("profile", 1e-5, 0),
        ("energy_map", 1e-3, 1e-5),
        ("trajectory", 0, 1e-5),
    ]:
        recorded, wanted = getattr(paths, name), getattr(core, name)
        np.testing.assert_allclose(recorded, wanted, rtol=rtol, atol=atol, err_msg=name)
    assert (paths.noise_left is None) == (grid == "uniform" and solver == "heun")
    if kind == "governed":
        assert 0.5 < paths.mean_gain.min() < paths.mean_gain.max() <= 1.0
