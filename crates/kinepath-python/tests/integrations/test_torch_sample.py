"""The torch executor by itself: types, layouts, guidance, threads, errors, and no waiting."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
import torch
from networks import TinyUNet
from torch import Tensor
from torch._dynamo.testing import CompileCounter
from torch.utils._python_dispatch import TorchDispatchMode

import kinepath as kp
import kinepath.torch as kpt

SHAPE = (1, 8, 8)


def noise(batch: int = 4, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.from_numpy(kp.noise(3, batch, SHAPE)).to(dtype)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_states_are_float32_for_half_precision_and_float64_for_double(dtype: torch.dtype) -> None:
    network, x0 = TinyUNet().to(dtype), noise(dtype=dtype)
    plan = kp.Plan(10)
    paths = kpt.sample(network, x0, plan)
    state = torch.float64 if dtype == torch.float64 else torch.float32
    x, energy = x0.to(state), np.zeros(4)
    with torch.no_grad():
        for start, end in zip(plan.grid.nodes[:-1], plan.grid.nodes[1:]):
            v = network(x.to(dtype), torch.full((4,), start, dtype=state))
            assert v.dtype == dtype
            energy += 0.5 * (end - start) * v.double().flatten(1).square().sum(1).numpy()
            # One rounding, as a multiplication apart from the sum may round another way in half.
            x = torch.add(x, v.to(state), alpha=end - start)
    assert paths.endpoints.dtype == state
    np.testing.assert_allclose(paths.endpoints.numpy(), x.numpy(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(paths.kpe, energy, rtol=1e-12 if dtype == torch.float64 else 1e-5)


def test_a_model_may_compute_in_another_precision() -> None:
    network = TinyUNet()
    paths = kpt.sample(network, noise(), kp.Plan(10, "heun"))
    with torch.autocast("cpu", torch.bfloat16):
        halved = kpt.sample(network, noise(), kp.Plan(10, "heun"))
    doubled = kpt.sample(lambda x, t: network(x, t).double(), noise(), kp.Plan(10, "heun"))
    assert halved.endpoints.dtype == doubled.endpoints.dtype == torch.float32
    np.testing.assert_allclose(halved.kpe, paths.kpe, rtol=0.02)
    np.testing.assert_allclose(doubled.kpe, paths.kpe, rtol=1e-6)


def test_memory_of_any_layout_is_read_and_never_written() -> None:
    network, plan, x0 = TinyUNet(), kp.Plan(5, "rk4"), noise()
    expected = kpt.sample(network, x0, plan)
    wide = torch.zeros(4, 1, 8, 16)
    wide[..., ::2] = x0
    for same in [
        wide[..., ::2],
        x0.transpose(2, 3).contiguous().transpose(2, 3),
        x0.to(memory_format=torch.channels_last),
        x0.clone().requires_grad_(),
    ]:
        before = same.detach().clone()
        paths = kpt.sample(network, same, plan)
        np.testing.assert_allclose(paths.kpe, expected.kpe, rtol=1e-6)
        assert torch.equal(same.detach(), before) and not paths.endpoints.requires_grad
    flat = kpt.sample(lambda x, t: -x, torch.tensor([1.0, -2.0]), kp.Plan(5))
    np.testing.assert_allclose(flat.kpe[1], 4.0 * flat.kpe[0], rtol=1e-6)
    many = kpt.sample(lambda x, t: -x, noise()[:0], plan, record=kp.Record(profile=True))
    assert len(many) == 0
    assert many.profile is not None and many.profile.shape == (0, 5)


def test_a_batch_is_its_samples_one_by_one() -> None:
    network, plan = TinyUNet(), kp.Plan(10, "heun", kp.KTS())
    together = kpt.sample(network, noise(), plan)
    for i in range(4):
        alone = kpt.sample(network, noise()[i : i + 1], plan)
        np.testing.assert_allclose(alone.endpoints[0], together.endpoints[i], atol=1e-5)
        np.testing.assert_allclose(alone.kpe[0], together.kpe[i], rtol=1e-5)


def test_a_model_may_return_the_same_memory_every_time() -> None:
    network, plan = TinyUNet(classes=2), kp.Plan(6, "rk4", kp.KTS())
    memory = torch.empty(4, *SHAPE)

    def reusing(x: Tensor, t: Tensor, labels: Tensor) -> Any:
        return memory.copy_(network(x, t, labels))

    arguments: dict[str, Any] = {
        "guidance_scale": 3.0,
        "condition": torch.ones(4, dtype=torch.int64),
        "null_condition": torch.zeros(4, dtype=torch.int64),
    }
    expected = kpt.sample(network, noise(), plan, **arguments)
    paths = kpt.sample(reusing, noise(), plan, **arguments)
    assert torch.equal(paths.endpoints, expected.endpoints)
    np.testing.assert_array_equal(paths.kpe, expected.kpe)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("guided", [False, True])
@pytest.mark.parametrize("inference", [False, True])
def test_states_may_be_changed_in_place(dtype: torch.dtype, guided: bool, inference: bool) -> None:
    x0, plan, record = noise(dtype=dtype), kp.Plan(5, "heun"), kp.Record(trajectory=3)
    arguments: dict[str, Any] = {"record": record}
    if guided:
        arguments |= {"guidance_scale": 2.0, "condition": -1.0, "null_condition": -0.5}

    def changing(x: Tensor, t: Tensor, factor: float = -1.0) -> Any:
        t.add_(1.0)
        return x.mul_(factor).mul_(t[:, None, None, None].to(dtype))

    def keeping(x: Tensor, t: Tensor, factor: float = -1.0) -> Any:
        return x * factor * (t + 1.0)[:, None, None, None].to(dtype)

    expected = kpt.sample(keeping, x0.clone(), plan, **arguments)
    with torch.inference_mode(inference):
        paths = kpt.sample(changing, x0, plan, **arguments)
    assert torch.equal(x0, noise(dtype=dtype))
    assert torch.equal(paths.endpoints, expected.endpoints)
    assert paths.trajectory is not None and expected.trajectory is not None
    assert torch.equal(paths.trajectory, expected.trajectory)
    for name, column in expected.table().items():
        np.testing.assert_array_equal(paths.table()[name], column, err_msg=name)


def test_times_may_be_changed_in_place() -> None:
    def scaling(x: Tensor, t: Tensor) -> Any:
        return -x * t.mul_(2.0).add_(1.0)[:, None, None, None]

    plan = kp.Plan(4, "heun")
    expected = kpt.sample(lambda x, t: -x * (2 * t + 1)[:, None, None, None], noise(), plan)
    np.testing.assert_array_equal(kpt.sample(scaling, noise(), plan).kpe, expected.kpe)


def test_recorded_nodes_are_those_asked_for() -> None:
    plan = kp.Plan(4)
    paths = kpt.sample(lambda x, t: -x, noise(), plan, record=kp.Record(trajectory=[4, 0, 2]))
    assert paths.trajectory is not None and paths.trajectory_times is not None
    assert paths.trajectory_times.tolist() == [1.0, 0.0, 0.5]
    assert torch.equal(paths.trajectory[:, 0], paths.endpoints)
    assert torch.equal(paths.trajectory[:, 1], noise())
    torch.testing.assert_close(paths.trajectory[:, 2], noise() * 0.75**2)
    assert paths.profile is None and paths.energy_map is None
    for node in [5, -1]:
        with pytest.raises(kp.KinepathError, match=f"node {node} is beyond .* last node is 4"):
            kpt.sample(lambda x, t: -x, noise(), plan, record=kp.Record(trajectory=[node]))


def test_threads_sample_side_by_side() -> None:
    network, plan = TinyUNet(), kp.Plan(5, "heun")

    def run(number: int) -> Any:
        return kpt.sample(lambda x, t: number * network(x, t), noise(), plan).kpe

    with ThreadPoolExecutor(4) as pool:
        parallel = list(pool.map(run, range(1, 9)))
    for number, kpe in enumerate(parallel, start=1):
        np.testing.assert_array_equal(kpe, run(number))


def test_a_compiled_model_is_compiled_once() -> None:
    network, counter = TinyUNet(), CompileCounter()
    compiled = torch.compile(network, backend=counter, fullgraph=True)
    plan = kp.Plan(6, "rk4", kp.KTS())
    paths = kpt.sample(compiled, noise(), plan)
    assert counter.frame_count == 1
    np.testing.assert_allclose(paths.kpe, kpt.sample(network, noise(), plan).kpe, rtol=1e-6)


class NoWaiting(TorchDispatchMode):
    """Fails on what reads a tensor's values on the host, or leaves the device, while armed."""

    WAITING = ("_local_scalar_dense", "nonzero", "is_nonzero", "equal", "masked_select", "unique")

    armed = False

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        moved = name in ("_to_copy", "copy_") and "device" in (kwargs or {})
        if self.armed and (name in self.WAITING or moved):
            raise AssertionError(f"waits for the device: {name}")
        return func(*args, **(kwargs or {}))


PLANS = [
    kp.Plan(5),
    kp.Plan(5, "rk4", kp.KTS()),
    kp.Plan(5, "heun", kp.Governed([(0.0, 10.0)], split=0.3)),
]
WITHOUT_PARTS = kp.Record(profile=True, energy_map=True, trajectory=3)
EVERYTHING = replace(WITHOUT_PARTS, parts=True)


@pytest.mark.parametrize("plan", PLANS)
def test_nothing_is_read_on_the_host_within_the_loop(plan: kp.Plan) -> None:
    calls, mode = 0, NoWaiting()
    assert plan.nfe is not None
    evaluations = 2 * plan.nfe

    def watched(x: Tensor, t: Tensor, label: Tensor) -> Any:
        nonlocal calls
        calls += 1
        mode.armed = calls < evaluations
        return -x * (1 + label)

    with mode:
        kpt.sample(
            watched,
            noise(),
            plan,
            guidance_scale=2.0,
            condition=1.0,
            null_condition=0.0,
            record=EVERYTHING,
        )
        assert calls == evaluations
        mode.armed = True
        with pytest.raises(AssertionError, match="_local_scalar_dense"):
            noise().sum().item()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
@pytest.mark.parametrize("plan", PLANS)
def test_cuda_is_not_waited_for(plan: kp.Plan) -> None:
    network, calls = TinyUNet().cuda(), 0

    def watched(x: Tensor, t: Tensor) -> Any:
        nonlocal calls
        calls += 1
        torch.cuda.set_sync_debug_mode("error" if calls < (plan.nfe or 0) else "default")
        return network(x, t)

    try:
        paths = kpt.sample(watched, noise().cuda(), plan, record=WITHOUT_PARTS)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert calls == plan.nfe
    expected = kpt.sample(TinyUNet(), noise(), plan)
    np.testing.assert_allclose(paths.kpe, expected.kpe, rtol=1e-3)


@pytest.mark.parametrize(
    ("model", "error", "words"),
    [
        (lambda x, t: x[:1], kp.ModelError, r"shape \[4, 1, 8, 8\], got \[1, 1, 8, 8\]"),
        (lambda x, t: x[..., None], kp.ModelError, r"got \[4, 1, 8, 8, 1\]"),
        (lambda x, t: x.numpy(), kp.ModelError, "got ndarray"),
        (lambda x, t: None, kp.ModelError, "got NoneType"),
        (lambda x, t: x.long(), kp.ModelError, "floating point, got torch.int64"),
        (lambda x, t: x.to(torch.complex64), kp.ModelError, "got torch.complex64"),
        (lambda x, t: x.to("meta"), kp.ModelError, "on meta for states on cpu"),
        (lambda x, t: 1 / 0, ZeroDivisionError, "division by zero"),
    ],
)
def test_a_model_that_returns_no_velocity_is_named(
    model: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        kpt.sample(model, noise(), kp.Plan(4, "heun"))


def test_a_field_of_the_core_is_for_the_core() -> None:
    field: Any = kp.MixtureField([1.0], [[0.0, 0.0]], [1.0])
    with pytest.raises(kp.KinepathError, match=r"MixtureField is a field of the core: kinepath\.sample"):
        kpt.sample(field, torch.zeros(2, 2), kp.Plan(4))


def test_what_is_no_plan_or_no_record_is_named() -> None:
    with pytest.raises(kp.KinepathError, match=r"a Plan is needed, .*Plan\(50\), got 50"):
        kpt.sample(TinyUNet(), noise(), cast(Any, 50))
    with pytest.raises(kp.KinepathError, match="a record is a kinepath.Record"):
        kpt.sample(TinyUNet(), noise(), kp.Plan(4), record=cast(Any, "profile"))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_the_first_velocity_that_is_no_number_is_named(value: float) -> None:
    def failing(x: Tensor, t: Tensor) -> Any:
        v = -x.clone()
        v[2, 0, 3, 3] = torch.where(t[2] > 0.4, value, v[2, 0, 3, 3])
        v[1, 0, 0, 0] = torch.where(t[1] > 0.7, value, v[1, 0, 0, 0])
        return v

    with pytest.raises(kp.SamplingError, match=r"of sample 2 became NaN .* step 1, t = 0\.5"):
        kpt.sample(failing, noise(), kp.Plan(4, "heun"))
    broken = noise()
    broken[3, 0, 1, 1] = value
    with pytest.raises(kp.KinepathError, match="the noise of sample 3 holds NaN"):
        kpt.sample(lambda x, t: -x, broken, kp.Plan(4))
    with pytest.raises(kp.SamplingError, match="endpoint of sample 0 is too large"):
        kpt.sample(lambda x, t: torch.full_like(x, 3e38), 3e38 + 0 * noise(), kp.Plan(1))


@pytest.mark.parametrize(
    ("x0", "plan", "arguments", "words"),
    [
        (noise(), kp.Plan(4, "dopri5"), {}, "dopri5 chooses its own steps"),
        (noise().numpy(), kp.Plan(4), {}, r"tensor, got ndarray; torch\.from_numpy\(noise\)"),
        (noise().long(), kp.Plan(4), {}, "floating point .* got torch.int64"),
        (torch.tensor(1.0), kp.Plan(4), {}, r"of shape \[\]"),
        (noise().to("meta"), kp.Plan(4), {}, "meta device has no data"),
        (noise(), kp.Plan(4), {"batch_size": 0}, "batch_size is at least 1, got 0"),
    ],
)
def test_bad_arguments_are_named(x0: Tensor, plan: kp.Plan, arguments: Any, words: str) -> None:
    with pytest.raises(kp.KinepathError, match=words):
        kpt.sample(lambda x, t, *condition: -x, x0, plan, **arguments)


def test_the_sampler_of_arrays_names_that_of_tensors() -> None:
    with pytest.raises(kp.KinepathError, match="Linear is a PyTorch module.*kinepath.torch.sample"):
        kp.sample(torch.nn.Linear(2, 2), kp.noise(0, 2, (2,)), kp.Plan(2))
