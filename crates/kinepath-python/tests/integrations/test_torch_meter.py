"""The energy meter, against the executor and by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from networks import TinyUNet
from test_torch_sample import NoWaiting
from torch import Tensor

import kinepath as kp
import kinepath.torch as kpt

SHAPE = (1, 8, 8)
ONES = torch.ones(2, 2)
NAN = torch.tensor([[1.0, 1.0], [1.0, float("nan")]])


def run(form: str, network: TinyUNet, noise: Tensor, plan: kp.Plan) -> Any:
    """An Euler loop of one's own, whose times, sizes and gains have one of several forms."""
    x, gain, batch = noise, plan.gain, len(noise)
    time = torch.zeros((), dtype=torch.float64)
    with kpt.EnergyMeter(split=gain.split) as meter, torch.no_grad():
        for step in plan.steps or []:
            v = network(x, torch.full((batch,), step.start))
            eta, dt = gain.eta(step.start), step.size
            if form == "numbers":
                meter.step(v, step.start, dt, gain=eta)
            elif form == "changed in place":
                time.fill_(step.start)
                meter.step(v, time, torch.tensor(dt, dtype=torch.float64), gain=eta)
            else:
                rows = [torch.full((batch,), n, dtype=torch.float64) for n in (step.start, dt, eta)]
                meter.step(v, *rows)
                [row.zero_() for row in rows]
            x = x + dt * eta * v
        meter.ends(noise, x)
    return meter.paths


@pytest.mark.parametrize("form", ["numbers", "changed in place", "rows"])
@pytest.mark.parametrize("gain", [kp.Gain(), kp.KTS(alpha=0.1, beta=0.02, split=0.5)])
def test_a_metered_euler_loop_is_the_executor(form: str, gain: Any) -> None:
    network, plan = TinyUNet(), kp.Plan(20, "euler", gain)
    noise = torch.from_numpy(kp.noise(0, 3, SHAPE))
    paths = run(form, network, noise, plan)
    expected = kpt.sample(network, noise, plan, record=kp.Record(profile=True))
    torch.testing.assert_close(paths.endpoints, expected.endpoints)
    for name, column in expected.table().items():
        if name != "noise_left":
            np.testing.assert_allclose(paths.table()[name], column, rtol=1e-6, err_msg=name)
    assert paths.profile is not None and expected.profile is not None
    np.testing.assert_allclose(paths.profile, expected.profile, rtol=1e-6)


@pytest.mark.parametrize("gain", [kp.Gain(), kp.KTS(alpha=0.1, beta=0.02, split=0.5)])
@pytest.mark.parametrize("grid", [kp.Grid.uniform(20), kp.Grid.cosine(12).within(0.02, 0.97)])
def test_a_metered_heun_loop_is_the_executor(grid: kp.Grid, gain: Any, tmp_path: Path) -> None:
    network, noise = TinyUNet(), torch.from_numpy(kp.noise(0, 3, SHAPE))
    x, nodes = noise, grid.nodes.tolist()
    with kpt.EnergyMeter(split=gain.split) as meter, torch.no_grad():
        for t, after in zip(nodes[:-1], nodes[1:]):
            h, etas = after - t, [gain.eta(t), gain.eta(after)]
            first = network(x, torch.full((3,), t))
            second = network(x + h * etas[0] * first, torch.full((3,), after))
            meter.step([first, second], t, h, etas, weights=[0.5, 0.5])
            x = x + h / 2 * (etas[0] * first + etas[1] * second)
        meter.ends(noise, x)
    plan = kp.Plan(grid, "heun", gain)
    expected = kpt.sample(network, noise, plan, record=kp.Record(profile=True))
    for name, column in meter.paths.table().items():
        np.testing.assert_allclose(column, expected.table()[name], rtol=1e-6, err_msg=name)
    assert meter.paths.profile is not None and expected.profile is not None
    np.testing.assert_allclose(meter.paths.profile, expected.profile, rtol=1e-6)
    assert meter.paths.times is not None
    np.testing.assert_allclose(meter.paths.times, grid.nodes, rtol=1e-12)
    kp.write_run(tmp_path / "run", meter.paths, plan=plan, noise=0)


def test_weights_and_gains_are_those_of_each_stage_and_sample() -> None:
    stages = [torch.full((2, 1), n) for n in (1.0, 2.0, 3.0)]
    etas: list[Any] = [1.0, torch.tensor([0.5, 2.0]), np.array([1.0, 3.0])]
    with kpt.EnergyMeter() as meter:
        meter.step(stages, 0.0, np.array([0.5, 0.25]), etas, weights=[0.5, 0.2, 0.3])
    np.testing.assert_allclose(
        meter.kpe, [0.25 * (0.5 + 0.2 + 2.7), 0.125 * (0.5 + 0.2 * 16 + 0.3 * 81)], rtol=1e-12
    )
    np.testing.assert_allclose(meter.paths.mean_gain, [0.5 + 0.1 + 0.3, 0.5 + 0.4 + 0.9])
    assert meter.paths.profile is not None
    np.testing.assert_allclose(meter.paths.profile, [[1.0], [1.0]])
    assert meter.paths.nfe.tolist() == [3, 3] and meter.paths.times is None


def test_samples_may_be_at_different_times() -> None:
    v = torch.tensor([[1.0, 2.0], [3.0, 0.0]], dtype=torch.bfloat16)
    with kpt.EnergyMeter() as meter:
        meter.step(v, torch.tensor([0.5, 0.6]), torch.tensor([0.1, 0.35]))
        meter.step(2 * v, torch.tensor([0.6, 0.95]), 0.05, gain=torch.tensor([1.0, 0.5]))
    paths = meter.paths
    np.testing.assert_allclose(paths.launch, [0.25, 0.0])
    np.testing.assert_allclose(paths.landing, [0.5, 1.575 + 0.225], rtol=1e-6)
    np.testing.assert_allclose(paths.terminal, [0.0, 0.225], rtol=1e-6)
    assert paths.profile is not None
    np.testing.assert_allclose(paths.profile, [[5.0, 20.0], [9.0, 9.0]])
    np.testing.assert_allclose(paths.mean_gain, [1.0, (0.35 + 0.025) / 0.4], rtol=1e-6)
    np.testing.assert_array_equal(meter.kpe, paths.kpe)
    assert paths.endpoints is None and np.isnan(paths.displacement).all()
    assert paths.nfe.tolist() == [2, 2]


def test_nothing_is_waited_for_before_the_end() -> None:
    mode = NoWaiting()
    with mode:
        with kpt.EnergyMeter() as meter:
            mode.armed = True
            for t in torch.linspace(0, 0.75, 4).unbind():
                meter.step(torch.ones(2, 3), t.expand(2), torch.full((2,), 0.25))
            meter.ends(torch.zeros(2, 3), torch.ones(2, 3))
            mode.armed = False
        np.testing.assert_allclose(meter.kpe, [1.5, 1.5])
    np.testing.assert_allclose(meter.paths.efficiency, [1.0, 1.0])
    with pytest.raises(NotImplementedError, match="meta"), kpt.EnergyMeter() as meter:
        time = torch.zeros((), device="meta")
        for _ in range(3):
            meter.step(torch.ones(2, 3, device="meta"), time, 0.3)
            time += 0.3


def test_a_meter_can_be_used_again() -> None:
    meter = kpt.EnergyMeter()
    for factor in (1.0, 2.0):
        with meter:
            meter.step(factor * torch.ones(1, 2), 0.0, 1.0)
        np.testing.assert_allclose(meter.kpe, factor**2)
    with pytest.raises(ZeroDivisionError), meter:
        meter.step(torch.ones(1, 2), 0.0, 1 / 0)
    with pytest.raises(kp.KinepathError, match="nothing is measured"):
        meter.paths


@pytest.mark.parametrize(
    ("use", "words"),
    [
        (lambda m: None, "without a step"),
        (lambda m: m.step(torch.ones(2, 2), 0.5, -0.1), "got dt = -0.1 at step 1"),
        (lambda m: m.step(torch.ones(2, 2), 0.5, torch.tensor([0.1, 0.0])), "dt = 0 at step 1"),
        (lambda m: m.step(torch.ones(2, 2), 0.5, float("nan")), "dt = nan"),
        (lambda m: m.step(torch.ones(3, 2), 0.5, 0.1), "3 samples, those before had 2"),
        (lambda m: m.step(torch.ones(2, 2), torch.ones(3), 0.1), r"t must .* got shape \[3\]"),
        (lambda m: m.step(torch.ones(2, 2), torch.ones(2, 1), 0.1), r"t must .* got shape \[2, 1\]"),
        (lambda m: m.step(torch.ones(2, 2), np.ones((2, 1)), 0.1), r"t must .* got shape \[2, 1\]"),
        (lambda m: m.step(torch.ones(2, 2), np.array([0, 1]), 0.1), "t must .* array of int64"),
        (lambda m: m.step(torch.ones(2, 2), [0.5, 0.5], 0.1), r"t must be .* got \[0\.5, 0\.5\]"),
        (lambda m: m.step(torch.ones(2, 2), 0.5, None), "dt must be a number.* got None"),
        (lambda m: m.step([torch.ones(2, 2)] * 2, 0.5, 0.1), r"2 velocities .*weights=\[0\.5, 0\.5\]"),
        (lambda m: m.step([ONES, ONES], 0.5, 0.1, weights=[0.5, 0.6]), "1 in all"),
        (lambda m: m.step(ONES, 0.5, 0.1, weights=[0.5]), "1 in all"),
        (lambda m: m.step([ONES, ONES], 0.5, 0.1, weights=0.5), "as many weights.* got 0.5"),
        (lambda m: m.step([ONES, ONES], 0.5, 0.1, weights="ab"), "as many weights.* got ab"),
        (lambda m: m.step([ONES], 0.5, 0.1, [1.0, 1.0]), "2 gains for 1 velocities"),
        (lambda m: m.step([ONES, ONES[:, :1]], 0.5, 0.1, weights=[0.5, 0.5]), r"got \[2, 1\] on cpu"),
        (lambda m: m.step([ONES, 1.0], 0.5, 0.1, weights=[0.5, 0.5]), "v must be a torch tensor"),
        (lambda m: m.step(torch.ones(2, 2), torch.ones(2, device="meta"), 0.1), "on meta"),
        (lambda m: m.step(torch.ones(2, 2).long(), 0.5, 0.1), "floating point"),
        (lambda m: m.step(torch.ones(2, 2), torch.tensor(0), 0.1), "t must be .* torch.int64"),
        (lambda m: m.step(torch.ones(2, 2), 0.5, torch.ones(2).int()), "dt must be .* torch.int32"),
        (lambda m: m.step(torch.ones(2, 2), 0.5, 0.1, torch.tensor(True)), "gain .* torch.bool"),
        (lambda m: m.step(np.ones((2, 2)), 0.5, 0.1), r"tensor, got ndarray; .*from_numpy\(v\)"),
        (lambda m: m.ends(torch.ones(2, 2), np.ones((2, 2))), "end must be a torch tensor"),
        (lambda m: m.ends(torch.ones(2, 2), torch.ones(2, 3)), r"\[2, 2\], the last \[2, 3\]"),
        (lambda m: m.ends(torch.ones(3, 2), torch.ones(3, 2)), "of 3 samples, .* of 2"),
    ],
)
def test_what_cannot_be_booked_is_named(use: Any, words: str) -> None:
    with pytest.raises(kp.KinepathError, match=words), kpt.EnergyMeter() as meter:
        if words != "without a step":
            meter.step(torch.ones(2, 2), 0.4, 0.1)
        use(meter)


@pytest.mark.parametrize(
    ("steps", "error", "words"),
    [
        # Diffusion's numbers of steps, and its direction.
        ([(ONES, 100.0 * i, 100.0) for i in range(3)], kp.KinepathError, "0 goes from t = 0 to 100"),
        ([(ONES, 1.0 - i / 4, 0.25) for i in range(4)], kp.KinepathError, "t = 1 to 1.25"),
        ([(ONES, 0.75 - i / 4, 0.25) for i in range(4)], kp.KinepathError, "ends at t = 1, but step 1"),
        ([(ONES, -0.25, 0.25)], kp.KinepathError, "step 0 goes from t = -0.25 to 0"),
        ([(ONES, 0.0, 0.25), (ONES, 0.5, 0.5)], kp.KinepathError, r"t = 0.25, but .* begins at 0.5"),
        ([(ONES, 0.5, 0.25), (ONES, 0.5, 0.25)], kp.KinepathError, r"t = 0.75, but .* begins at 0.5"),
        ([(ONES, i / 49, 1 / 50) for i in range(50)], kp.KinepathError, "49 goes from t = 1 to 1.02"),
        (
            [(ONES, 0.0, 0.5), (ONES, torch.tensor([0.5, 0.6]), 0.4)],
            kp.KinepathError,
            "ends at t = 0.5, but step 1 begins at 0.6",
        ),
        ([(ONES, float("nan"), 0.5)], kp.KinepathError, "from t = nan"),
        ([(ONES, 0.0, 0.5), (NAN, 0.5, 0.5)], kp.SamplingError, "sample 1 .* at step 1, t = 0.5"),
        ([(ONES, 0.0, 1.0, float("inf"))], kp.KinepathError, "gain of sample 0 is inf at step 0"),
    ],
)
def test_a_loop_in_other_conventions_is_refused(steps: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words), kpt.EnergyMeter() as meter:
        for step in steps:
            meter.step(*step)
    with pytest.raises(kp.KinepathError, match="nothing is measured"):
        meter.paths


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("count", [7, 50, 1000])
def test_rounded_times_are_taken(kind: torch.dtype, count: int) -> None:
    if torch.finfo(kind).eps > 1 / count:
        pytest.skip("such times do not tell the steps apart")
    nodes = torch.linspace(0, 1, count + 1, dtype=torch.float64).to(kind)
    with kpt.EnergyMeter() as meter:
        for t, after in zip(nodes[:-1], nodes[1:], strict=True):
            meter.step(ONES, t, after - t)
    np.testing.assert_allclose(meter.kpe, 1.0, rtol=1e-2)
    time = torch.zeros(2, dtype=kind)
    if kind in (torch.float32, torch.float64):
        with meter:
            for _ in range(count):
                meter.step(ONES, time, 1 / count)
                time += 1 / count
        np.testing.assert_allclose(meter.kpe, 1.0, rtol=1e-6)


@pytest.mark.parametrize("steps", [25, 50, 75, 100, 1000])
@pytest.mark.parametrize("split", [0.6, 0.7])
@pytest.mark.parametrize("kind", [np.float32, float])
def test_times_that_are_added_up_begin_their_steps_at_the_split(
    steps: int, split: float, kind: Any
) -> None:
    noise, time, size = torch.from_numpy(kp.noise(0, 3, SHAPE)), kind(0), kind(1 / steps)
    with kpt.EnergyMeter(split=split) as meter:
        for _ in range(steps):
            meter.step(noise, time, size)
            time += size
    plan = kp.Plan(steps, "euler", kp.KTS(0.0, 0.0, split=split))
    expected = kpt.sample(lambda x, t: noise, noise, plan)
    np.testing.assert_allclose(meter.paths.launch, expected.launch, rtol=1e-4)
    np.testing.assert_allclose(meter.paths.landing, expected.landing, rtol=1e-4)


def test_nothing_is_booked_outside_the_block() -> None:
    meter = kpt.EnergyMeter()
    for _ in range(2):
        with pytest.raises(kp.KinepathError, match="within its block only"):
            meter.step(ONES, 0.0, 1.0)
        with pytest.raises(kp.KinepathError, match="within its block only"):
            meter.ends(ONES, ONES)
        with meter:
            meter.step(ONES, 0.0, 1.0)
        np.testing.assert_allclose(meter.kpe, 1.0)


def test_a_metered_run_is_written_once_its_ends_are_noted(tmp_path: Path) -> None:
    first, last = torch.zeros(2, 3), torch.ones(2, 3)
    with kpt.EnergyMeter() as meter:
        meter.step(torch.ones(2, 3), 0.0, 1.0)
    with pytest.raises(kp.KinepathError, match=r"no endpoints: note them by meter\.ends\(first"):
        kp.write_run(tmp_path / "run", meter.paths)
    with meter:
        meter.step(torch.ones(2, 3), 0.0, 1.0)
        meter.ends(first, last)
    run = kp.write_run(tmp_path / "run", meter.paths)
    np.testing.assert_array_equal(run.samples, last.numpy())
    np.testing.assert_allclose(run.table()["displacement"], 1.5)


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_a_metered_loop_is_a_run_of_its_plan(tmp_path: Path, kind: torch.dtype) -> None:
    plan = kp.Plan(20, "heun", kp.KTS(alpha=0.1, beta=0.02))
    times = torch.tensor(plan.grid.nodes, dtype=kind)
    x = torch.ones(3, 2)
    with kpt.EnergyMeter() as meter:
        for t, after in zip(times[:-1], times[1:], strict=True):
            meter.step(-x, t, after - t, gain=plan.gain.eta(float(t)))
        meter.ends(x, x)
    kp.write_run(tmp_path / "run", meter.paths, plan=plan)
    with pytest.raises(kp.KinepathError, match="mean gain"):
        kp.write_run(tmp_path / "other", meter.paths, plan=plan.with_gain("unit"))


def test_the_end_is_kept_as_it_was() -> None:
    x = torch.ones(2, 3, requires_grad=True)
    with kpt.EnergyMeter() as meter:
        meter.step(torch.ones(2, 3), 0.0, 1.0)
        meter.ends(torch.zeros(2, 3), x)
    with torch.no_grad():
        x.mul_(5.0)
    assert meter.paths.endpoints is not None and not meter.paths.endpoints.requires_grad
    assert torch.equal(meter.paths.endpoints, torch.ones(2, 3))


def test_nothing_of_a_refused_step_is_booked() -> None:
    refused: list[dict[str, Any]] = [
        {"t": torch.zeros(3)},
        {"dt": torch.ones(3)},
        {"gain": torch.ones(3)},
        {"v": torch.ones(2, 2).long()},
        {"gain": "fast"},
    ]
    with kpt.EnergyMeter() as meter:
        for number, wrong in enumerate(refused):
            step: dict[str, Any] = {"v": 7 * torch.ones(2, 2), "t": 0.9, "dt": 0.5, "gain": 3.0}
            with pytest.raises(ValueError):
                meter.step(**step | wrong)
            meter.step(torch.ones(2, 2), number / len(refused), 1.0 / len(refused))
    np.testing.assert_allclose(meter.kpe, 1.0)
    np.testing.assert_allclose(meter.paths.launch, 0.6)


@pytest.mark.parametrize(
    "form",
    [
        np.float64,
        np.float32,
        np.longdouble,
        np.array,
        lambda n: torch.tensor([n]),
        lambda n: np.full(2, n),
        lambda n: np.full(2, n, dtype=">f8"),
        lambda n: np.array(n, dtype=">f4"),
        lambda n: np.full(2, n, dtype=np.longdouble),
    ],
)
def test_a_number_may_be_of_numpy_or_a_tensor_of_one(form: Any) -> None:
    with kpt.EnergyMeter(split=0.5) as meter:
        for t in (0.0, 0.25, 0.5, 0.75):
            time, size = form(t), form(0.25)
            meter.step(ONES, time, size, gain=form(2.0))
            if isinstance(time, np.ndarray):
                time.fill(7.0)
    np.testing.assert_allclose(meter.kpe, 4.0)
    np.testing.assert_allclose(meter.paths.launch, 2.0)
    assert meter.paths.times is not None
    np.testing.assert_allclose(meter.paths.times, [0.0, 0.25, 0.5, 0.75, 1.0])


def test_times_that_are_added_up_are_those_of_a_grid() -> None:
    """Ten times 0.1 is 0.9999999999999999, and twenty times 0.05 is 1.0000000000000002."""
    for steps in (10, 20):
        time, size = 0.0, 1 / steps
        with kpt.EnergyMeter() as meter:
            for _ in range(steps):
                meter.step(ONES, time, size)
                time += size
        assert meter.paths.times is not None
        grid = kp.Grid(meter.paths.times)
        np.testing.assert_allclose(grid.nodes, kp.Grid.uniform(steps).nodes, atol=1e-12)


def test_times_are_told_where_all_samples_have_them() -> None:
    half = torch.tensor(0.5)
    for first, second, known in [
        (half.new_zeros(2), half.expand(2), True),
        (torch.tensor([0.0, 0.1]), torch.tensor([0.4, 0.5]), False),
        (half.new_zeros(()).bfloat16(), half.bfloat16(), False),
    ]:
        with kpt.EnergyMeter() as meter:
            meter.step(ONES, first, second - first)
            meter.step(ONES, second, 0.5)
        assert (meter.paths.times is not None) == known


def test_a_meter_says_how_far_it_is() -> None:
    meter = kpt.EnergyMeter()
    assert repr(meter) == "<kinepath.torch.EnergyMeter: nothing measured yet>"
    with meter:
        meter.step(ONES, 0.0, 1.0)
        assert "1 steps so far" in repr(meter)
    assert "2 samples, mean KPE 1" in repr(meter)


def test_a_split_out_of_range_is_named() -> None:
    with pytest.raises(kp.KinepathError, match="between 0 and 1, got 1"):
        kpt.EnergyMeter(split=1.0)
