"""The schedulers without a pipeline: against the core on the same nodes, and what they refuse."""

from __future__ import annotations

import copy
import inspect
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler, FlowMatchHeunDiscreteScheduler
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

import kinepath as kp
from kinepath.diffusers import KineticFlowMatchEulerScheduler, KineticFlowMatchHeunScheduler

GAINS = [
    kp.Gain(),
    kp.KTS(alpha=0.05, beta=0.02),
    kp.KTS(alpha=0.3, beta=0.1, launch="constant", landing="linear", split=0.4),
    kp.SSC(0.1, 2.0),
    kp.TableGain([(0.0, 1.2), (1.0, 0.8)]),
    kp.Governed([(0.0, 2.0), (1.0, 6.0)], split=0.3),
]
SCHEDULES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "plain": ({}, {"num_inference_steps": 12}),
    "shifted": ({"shift": 3.0}, {"num_inference_steps": 28}),
    "shifted above 1 by rounding": ({"shift": 1.32}, {"sigmas": [1.0, 0.7, 0.3]}),
    "karras": ({"use_karras_sigmas": True}, {"num_inference_steps": 9}),
    "exponential": ({"use_exponential_sigmas": True}, {"num_inference_steps": 9}),
    "beta": ({"use_beta_sigmas": True, "shift": 2.0}, {"num_inference_steps": 9}),
    "dynamic": ({"use_dynamic_shifting": True}, {"sigmas": [1.0, 0.75, 0.5, 0.25], "mu": 1.15}),
    "dynamic linear": (
        {"use_dynamic_shifting": True, "time_shift_type": "linear"},
        {"num_inference_steps": 9, "mu": 2.0},
    ),
    "terminal": ({"shift": 3.0, "shift_terminal": 0.1}, {"num_inference_steps": 9}),
    "timesteps": ({}, {"timesteps": [900.0, 500.0, 400.0]}),
    "inverted": ({"invert_sigmas": True, "shift": 2.0}, {"num_inference_steps": 9}),
}


def swirl(x: Any, t: Any) -> Any:
    """A velocity that depends on time and mixes the two dimensions, for arrays and tensors."""
    turned = x[..., [1, 0]] * (1.0 + t)
    turned[..., 1] *= -1.0
    return turned + 0.5


def travel(scheduler: Any, x: Tensor) -> Any:
    """The loop of a pipeline, with the swirl in diffusers' conventions."""
    inverted = scheduler.config.get("invert_sigmas", False)
    for timestep in scheduler.timesteps:
        t = float(timestep) / 1000 if inverted else 1.0 - float(timestep) / 1000
        output = swirl(x, t) if inverted else -swirl(x, t)
        (x,) = scheduler.step(output, timestep, x, return_dict=False)
    return x


def nodes_of(scheduler: Any) -> Any:
    sigmas = scheduler.sigmas.double().numpy()
    return np.clip(sigmas if scheduler.config.invert_sigmas else 1.0 - sigmas, 0.0, 1.0)


def core(x: Any, nodes: Any, solver: str, gain: Any, given: Any = None) -> Any:
    """The same path by the core; ``given`` are the times that the network is told."""
    told = dict(zip(nodes, given)) if given is not None else {}
    return kp.sample(
        lambda x, t: swirl(x, told.get(t[0], t[0])).astype(np.float32),
        x,
        kp.Plan(kp.Grid(nodes), solver, gain),
        record=kp.Record(profile=True),
    )


def assert_same(paths: Any, expected: Any, rtol: float = 2e-5) -> None:
    for figure, column in expected.table().items():
        np.testing.assert_allclose(paths.table()[figure], column, rtol=rtol, atol=1e-7)
    np.testing.assert_allclose(paths.profile, expected.profile, rtol=rtol)
    np.testing.assert_allclose(paths.endpoints, expected.endpoints, rtol=rtol, atol=1e-5)


@pytest.mark.parametrize("gain", GAINS, ids=str)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_euler_agrees_with_the_core_on_every_schedule(schedule: Any, gain: Any) -> None:
    config, call = SCHEDULES[schedule]
    scheduler = KineticFlowMatchEulerScheduler(**config, gain=gain)
    scheduler.set_timesteps(**call)
    noise = torch.from_numpy(kp.noise(0, 5, (2,)))
    end = travel(scheduler, noise)
    nodes = nodes_of(scheduler)
    given = 1.0 - scheduler.timesteps.double().numpy() / 1000 if schedule == "timesteps" else None
    paths = scheduler.paths
    assert_same(paths, core(noise, nodes, "euler", gain, given))
    np.testing.assert_array_equal(paths.endpoints, end)
    np.testing.assert_allclose(paths.times, nodes, atol=1e-15)
    assert (paths.start, paths.end) == (nodes[0], 1.0)


@pytest.mark.parametrize("gain", GAINS, ids=str)
@pytest.mark.parametrize("steps", [1, 2, 15])
def test_a_schedule_is_a_run_of_the_plan_that_has_its_times(
    tmp_path: Path, steps: int, gain: Any
) -> None:
    for solver, kind in (
        ("euler", KineticFlowMatchEulerScheduler),
        ("heun", KineticFlowMatchHeunScheduler),
    ):
        scheduler = kind(shift=2.0, gain=gain)
        scheduler.set_timesteps(steps)
        travel(scheduler, torch.from_numpy(kp.noise(0, 5, (2,))))
        paths = scheduler.paths
        own = kp.Plan(kp.Grid(paths.times), solver, gain)
        kp.write_run(tmp_path / solver, paths, plan=own)
        if steps > 1:
            with pytest.raises(kp.KinepathError, match=r"kinepath\.Grid\(paths\.times\) has them"):
                kp.write_run(tmp_path / "other", paths, plan=kp.Plan(steps, solver, gain))
        other = "kts:alpha=0.5,beta=0" if gain == kp.Gain() else "table:0=1.9"
        with pytest.raises(kp.KinepathError, match="mean gain"):
            kp.write_run(tmp_path / "other", paths, plan=own.with_gain(other))


@pytest.mark.parametrize("gain", GAINS, ids=str)
@pytest.mark.parametrize("steps", [1, 2, 15])
def test_heun_agrees_with_the_core_and_ends_with_an_euler_step(steps: int, gain: Any) -> None:
    scheduler = KineticFlowMatchHeunScheduler(shift=2.0, gain=gain)
    scheduler.set_timesteps(steps)
    noise = torch.from_numpy(kp.noise(0, 5, (2,)))
    travel(scheduler, noise)
    paths = scheduler.paths
    assert paths.nfe.tolist() == [2 * steps - 1] * 5
    assert len(paths.times) == steps + 1 and paths.profile is not None
    assert paths.profile.shape == (5, steps)
    ends, kpe, launch = noise.numpy(), 0.0, 0.0
    for nodes, solver in [(paths.times[:-1], "heun"), (paths.times[-2:], "euler")]:
        if len(nodes) > 1:
            leg = core(ends, nodes, solver, gain)
            ends, kpe, launch = leg.endpoints, kpe + leg.kpe, launch + leg.launch
    # The stock scheduler divides by σ what it multiplied by σ, and loses digits near 0.
    np.testing.assert_allclose(paths.endpoints, ends, rtol=2e-4, atol=2e-4)
    np.testing.assert_allclose(paths.kpe, kpe, rtol=2e-4)
    np.testing.assert_allclose(paths.launch, launch, rtol=2e-4)


@pytest.mark.parametrize(
    ("kinetic", "stock"),
    [
        (KineticFlowMatchEulerScheduler, FlowMatchEulerDiscreteScheduler),
        (KineticFlowMatchHeunScheduler, FlowMatchHeunDiscreteScheduler),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_a_gain_of_1_is_the_stock_scheduler_to_the_bit(
    kinetic: Any, stock: Any, dtype: torch.dtype
) -> None:
    plain = stock(shift=3.0)
    measuring = kinetic.from_config(plain.config)
    noise = torch.from_numpy(kp.noise(0, 5, (2,))).to(dtype)
    ends = []
    for scheduler in [plain, measuring]:
        scheduler.set_timesteps(10)
        ends.append(travel(scheduler, noise))
    assert ends[0].dtype == dtype and torch.equal(*ends)
    for method in ["set_timesteps", "step"]:
        names = [list(inspect.signature(getattr(s, method)).parameters) for s in (plain, measuring)]
        assert names[0] == names[1]


@pytest.mark.parametrize(
    "make", [KineticFlowMatchEulerScheduler, KineticFlowMatchHeunScheduler]
)
def test_a_loop_may_have_its_samples_in_the_same_memory(make: Any) -> None:
    noise = torch.randn(3, 2, generator=torch.Generator().manual_seed(0))
    expected, scheduler = make(gain=GAINS[1]), make(gain=GAINS[1])
    for one in (expected, scheduler):
        one.set_timesteps(8)
    end = travel(expected, noise)
    x = noise.clone()
    for timestep in scheduler.timesteps:
        output = -swirl(x, 1.0 - float(timestep) / 1000)
        # Heun's scheduler keeps the sample of its first evaluation itself.
        given = x.clone() if make is KineticFlowMatchHeunScheduler else x
        x.copy_(scheduler.step(output, timestep, given, return_dict=False)[0])
    for name, column in expected.paths.table().items():
        np.testing.assert_array_equal(scheduler.paths.table()[name], column, err_msg=name)
    scheduler.paths.endpoints.zero_()
    assert torch.equal(scheduler.paths.endpoints, end)


def test_samples_may_be_changed_once_the_schedule_is_done() -> None:
    scheduler = KineticFlowMatchEulerScheduler()
    scheduler.set_timesteps(8)
    x = travel(scheduler, torch.ones(2, 2))
    end = x.clone()
    x.mul_(100.0)
    assert torch.equal(scheduler.paths.endpoints, end)


def test_most_of_a_shifted_schedule_is_launch() -> None:
    scheduler = KineticFlowMatchEulerScheduler(shift=3.0, gain=kp.KTS(alpha=0.1, beta=0.0))
    scheduler.set_timesteps(sigmas=np.linspace(1.0, 1 / 28, 28).tolist())
    constant = -torch.ones(1, 4)
    x = torch.zeros(1, 4)
    for timestep in scheduler.timesteps:
        (x,) = scheduler.step(constant, timestep, x, return_dict=False)
    paths = scheduler.paths
    assert paths.profile is not None
    assert (paths.times[:28] < 0.6).sum() == 23
    # By σ: 4 η² at every node; by the step fraction, the gain would have ended at step 17.
    eta = np.where(paths.times[:-1] < 0.6, 1.0 + 0.1 * (1.0 - paths.times[:-1] / 0.6), 1.0)
    np.testing.assert_allclose(paths.profile[0], 4 * eta**2, rtol=1e-6)
    np.testing.assert_allclose(paths.endpoints[0], [np.diff(paths.times) @ eta] * 4, rtol=1e-6)


def test_tokens_count_from_where_the_schedule_reaches_them() -> None:
    gain = kp.KTS(alpha=0.1, beta=0.02)
    scheduler = KineticFlowMatchEulerScheduler(shift=2.0, gain=gain)
    stock: Any = FlowMatchEulerDiscreteScheduler(shift=2.0)
    unit = KineticFlowMatchEulerScheduler(shift=2.0)
    for each in [scheduler, stock, unit]:
        each.set_timesteps(10)
    # One token from noise, one that starts at σ = 0.55, one that is given.
    pinned = torch.tensor([[1.0, 0.55, 0.0]]).repeat(2, 1)
    sigmas = scheduler.sigmas.double().numpy()
    noise = torch.from_numpy(kp.noise(0, 2, (3, 4)))
    x, launch, landing = noise, np.zeros(2), np.zeros(2)
    for i, timestep in enumerate(scheduler.timesteps):
        tokens = torch.minimum(timestep, 1000 * pinned)
        towards_data = 1.5 - x
        arguments = (towards_data, timestep, x)
        (moved,) = scheduler.step(*arguments, per_token_timesteps=tokens, return_dict=False)
        same = [s.step(*arguments, per_token_timesteps=tokens)[0] for s in (stock, unit)]
        assert torch.equal(*same)
        held = (timestep / 1000 - 1e-6 >= pinned).unsqueeze(-1)
        size, eta = sigmas[i] - sigmas[i + 1], gain.eta(1.0 - sigmas[i])
        v = np.where(held, 0.0, towards_data).astype(np.float64)
        energy = 0.5 * size * eta**2 * (v**2).sum((1, 2))
        (landing if 1.0 - sigmas[i] >= 0.6 else launch)[:] += energy
        expected = torch.where(held, x, x + size * eta * towards_data)
        x = torch.where(held, x, moved)
        torch.testing.assert_close(x, expected, rtol=1e-5, atol=1e-5)
    paths = scheduler.paths
    np.testing.assert_allclose(paths.launch, launch, rtol=1e-5)
    np.testing.assert_allclose(paths.landing, landing, rtol=1e-5)
    assert torch.equal(x[:, 2], noise[:, 2]) and (landing > 0).all()


def test_one_timestep_for_all_tokens_is_no_timestep_per_token() -> None:
    ends = []
    for per_token in [False, True]:
        scheduler = KineticFlowMatchEulerScheduler(gain=kp.KTS(alpha=0.1, beta=0.02))
        scheduler.set_timesteps(6)
        x = torch.from_numpy(kp.noise(0, 2, (3, 4)))
        for timestep in scheduler.timesteps:
            tokens = {"per_token_timesteps": timestep.expand(2, 1)} if per_token else {}
            output = 1.5 - x if per_token else x - 1.5
            (x,) = scheduler.step(output, timestep, x, return_dict=False, **tokens)
        ends.append((x, scheduler.paths.kpe))
    torch.testing.assert_close(ends[0][0], ends[1][0])
    np.testing.assert_allclose(ends[0][1], ends[1][1], rtol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_loses_neither_a_small_gain_nor_a_large_energy(dtype: torch.dtype) -> None:
    # ‖v‖² = 4096 · 300² is far beyond float16, and bfloat16 has no number between 1 and 1.007.
    scheduler = KineticFlowMatchEulerScheduler(gain=kp.TableGain([(0.0, 1.001)]))
    scheduler.set_timesteps(sigmas=[1.0])
    output, x = torch.full((1, 4096), -300.0, dtype=dtype), torch.full((1, 4096), -299.5)
    (end,) = scheduler.step(output, scheduler.timesteps[0], x, return_dict=False)
    assert end.dtype == dtype
    torch.testing.assert_close(end.float(), torch.full((1, 4096), 0.8), rtol=5e-3, atol=0.0)
    assert scheduler.paths.kpe[0] == pytest.approx(0.5 * 4096 * (300 * 1.001) ** 2, rel=1e-12)


class NoWaiting(TorchDispatchMode):
    """Refuses what would wait for a device: reading a number, or where a mask is true."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        waits = ["aten::_local_scalar_dense", "aten::nonzero", "aten::is_nonzero", "aten::equal"]
        assert func.name() not in waits, f"{func.name()} waits for the device"
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("gain", GAINS, ids=str)
@pytest.mark.parametrize("tokens", [False, True])
def test_a_step_never_waits_for_the_device(gain: Any, tokens: bool) -> None:
    scheduler = KineticFlowMatchEulerScheduler(gain=gain)
    scheduler.set_timesteps(5)
    scheduler.set_begin_index(0)
    x = torch.from_numpy(kp.noise(0, 2, (3, 4)))
    with NoWaiting():
        for timestep in scheduler.timesteps:
            each = {"per_token_timesteps": timestep.expand(2, 3)} if tokens else {}
            (x,) = scheduler.step(1.0 - x, timestep, x, return_dict=False, **each)
        with pytest.raises(AssertionError, match="waits"):
            x.sum().item()
    assert np.isfinite(scheduler.paths.kpe).all()


def test_copies_are_independent_and_keep_gain_and_measurements(tmp_path: Path) -> None:
    gain = kp.KTS(alpha=0.02, beta=0.01)
    scheduler = KineticFlowMatchEulerScheduler(shift=3.0, gain=gain)
    noise = torch.from_numpy(kp.noise(0, 3, (2,)))
    scheduler.set_timesteps(8)
    fresh = copy.deepcopy(scheduler)
    travel(scheduler, noise)
    kpe = scheduler.paths.kpe
    for twin in [copy.deepcopy(scheduler), pickle.loads(pickle.dumps(scheduler))]:
        assert twin.gain == gain
        np.testing.assert_array_equal(twin.paths.kpe, kpe)
        twin.set_timesteps(4)
        travel(twin, noise)
    travel(fresh, noise)
    np.testing.assert_array_equal(fresh.paths.kpe, kpe)
    np.testing.assert_array_equal(scheduler.paths.kpe, kpe)
    scheduler.save_config(tmp_path)
    restored: list[Any] = [
        KineticFlowMatchEulerScheduler.from_pretrained(tmp_path),
        KineticFlowMatchEulerScheduler.from_config(scheduler.config),
    ]
    for again in restored:
        assert again.gain == gain and again.config.shift == 3.0
    other: Any = KineticFlowMatchEulerScheduler.from_config(scheduler.config, gain="unit")
    assert other.gain == kp.Gain() and other.config.shift == 3.0
    scheduler.set_timesteps(8)
    with pytest.raises(kp.KinepathError, match="no step was taken"):
        scheduler.paths


def test_a_gain_that_turns_the_motion_back_is_refused_with_its_remedy() -> None:
    scheduler = KineticFlowMatchEulerScheduler(gain=kp.KTS(alpha=0.0, beta=0.2))
    with pytest.raises(kp.KinepathError, match=r"t = 0\.\d+.*largest admissible beta") as refused:
        scheduler.set_timesteps(20)
    with pytest.raises(kp.KinepathError, match="no schedule yet"):
        scheduler.step(torch.zeros(1, 2), 1000.0, torch.zeros(1, 2))
    largest = float(str(refused.value).split()[-1])
    assert 0.05 < largest < 0.2
    KineticFlowMatchEulerScheduler(gain=kp.KTS(0.0, largest)).set_timesteps(20)
    with pytest.raises(kp.KinepathError, match="largest admissible beta"):
        KineticFlowMatchHeunScheduler(gain=kp.KTS(0.0, 0.2)).set_timesteps(20)
    # With only two steps, at t = 0 and ½, the landing never bites.
    scheduler.set_timesteps(sigmas=[1.0, 0.5])


@pytest.mark.parametrize("gain", ["unit", "kts:alpha=0.02"])
def test_noise_at_every_step_is_no_path(gain: Any) -> None:
    stock: Any = FlowMatchEulerDiscreteScheduler(stochastic_sampling=True)
    with pytest.raises(kp.KinepathError, match="stochastic_sampling .* no ODE"):
        KineticFlowMatchEulerScheduler.from_config(stock.config, gain=gain)
    x = torch.zeros(1, 2)
    for kinetic in [KineticFlowMatchEulerScheduler, KineticFlowMatchHeunScheduler]:
        scheduler: Any = kinetic(gain=gain)
        scheduler.set_timesteps(4)
        with pytest.raises(kp.KinepathError, match="s_churn .* no ODE"):
            scheduler.step(x, scheduler.timesteps[0], x, s_churn=0.1)


def euler(**config: Any) -> Any:
    scheduler = KineticFlowMatchEulerScheduler(**config)
    scheduler.set_timesteps(4)
    return scheduler, scheduler.timesteps, torch.zeros(2, 3, 2)


def half_a_heun_step() -> Any:
    scheduler = KineticFlowMatchHeunScheduler()
    scheduler.set_timesteps(4)
    scheduler.step(torch.zeros(2, 2), scheduler.timesteps[0], torch.zeros(2, 2))
    return scheduler.paths


def beyond_the_end() -> None:
    scheduler, timesteps, x = euler()
    for timestep in [*timesteps, timesteps[0]]:
        scheduler.step(x, timestep, x)


def beginning_beyond_the_end() -> None:
    scheduler, timesteps, x = euler()
    scheduler.set_begin_index(4)
    scheduler.step(x, timesteps[0], x)


def out_of_order() -> None:
    scheduler, timesteps, x = euler()
    scheduler.step(x, timesteps[0], x)
    scheduler._step_index = 3
    scheduler.step(x, timesteps[3], x)


def another_batch() -> None:
    scheduler, timesteps, x = euler()
    scheduler.step(x, timesteps[0], x)
    scheduler.step(x[:1], timesteps[1], x[:1])


def a_foreign_timestep() -> None:
    scheduler, _, x = euler()
    scheduler.step(x, torch.tensor(123.0), x)


def a_late_token() -> Any:
    scheduler, timesteps, x = euler()
    scheduler.step(x, timesteps[0], x, per_token_timesteps=timesteps[:1].expand(2, 3))
    scheduler.step(x, timesteps[1], x, per_token_timesteps=timesteps[:1].expand(2, 3))
    return scheduler.paths


def inverted_tokens() -> None:
    scheduler, timesteps, x = euler(invert_sigmas=True)
    scheduler.step(x, timesteps[0], x, per_token_timesteps=timesteps[:1].expand(2, 3))


def nan() -> Any:
    scheduler, timesteps, x = euler()
    scheduler.step(x, timesteps[0], x)
    x[1, 2, 0] = torch.nan
    scheduler.step(x, timesteps[1], x)
    return scheduler.paths


@pytest.mark.parametrize(
    ("misuse", "error", "words"),
    [
        (lambda: KineticFlowMatchEulerScheduler().paths, kp.KinepathError, "no schedule yet"),
        (lambda: euler()[0].paths, kp.KinepathError, "no step was taken"),
        (half_a_heun_step, kp.KinepathError, "half taken"),
        (beyond_the_end, kp.KinepathError, "all 4 evaluations"),
        (beginning_beyond_the_end, kp.KinepathError, "cannot begin with evaluation 4 of the 4"),
        (out_of_order, kp.KinepathError, "evaluation 3 came where 1 was due"),
        (another_batch, kp.KinepathError, "1 samples, those before had 2"),
        (a_foreign_timestep, kp.KinepathError, "123.* none of the schedule's timesteps"),
        (a_late_token, kp.KinepathError, "noisier than its step"),
        (inverted_tokens, kp.KinepathError, "do not go together"),
        (nan, kp.SamplingError, r"sample 1 became NaN or infinite at t = 0\.3"),
        (lambda: euler(gain="kts:alpha"), kp.KinepathError, "alpha"),
        (
            lambda: euler()[0].set_timesteps(sigmas=[1.0, 0.5, 0.0]),
            kp.KinepathError,
            "must increase, but node 3 is 1 after 1",
        ),
        (
            lambda: euler()[0].set_timesteps(sigmas=[1.5, 0.5]),
            kp.KinepathError,
            r"node 0 .* is -0\.5, outside \[0, 1\]",
        ),
        (lambda: euler()[0].step(torch.zeros(1), 1000, torch.zeros(1)), ValueError, "integer"),
    ],
)
def test_misuse_is_named(misuse: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        misuse()
