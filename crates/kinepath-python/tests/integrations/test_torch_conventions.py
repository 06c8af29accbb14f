"""Models of other conventions: against the core's conversion of their export, and exact answers."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pytest
import torch
from networks import TinyUNet
from torch import Tensor

import kinepath as kp
import kinepath.torch as kpt

SHAPE = (1, 8, 8)
Prediction = Literal["velocity", "data", "noise"]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("conventions") / "network.onnx"
    kp.export_onnx(TinyUNet(), (torch.zeros(2, *SHAPE), torch.zeros(2)), path)
    return path


@pytest.mark.parametrize("predicts", ["velocity", "data", "noise"])
@pytest.mark.parametrize(
    "time",
    [
        "unit",
        "reversed",
        "reversed+unit",
        "scaled:3.5",
        "reversed+scaled:10",
        "discrete:7",
        "reversed+discrete:1000",
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_converted_model_is_the_core_s_field(
    exported: Any, predicts: Prediction, time: str, dtype: torch.dtype
) -> None:
    field = kp.OnnxField(exported, predicts=predicts, time=time)
    network = TinyUNet().to(dtype)
    model = kpt.converted(lambda x, t: network(x, t.to(dtype)), predicts=predicts, time=time)
    # Nodes of the discrete times are among them.
    times = np.array([1 / 6, 1 / 3, 0.5, 333 / 999, 2 / 3, 700 / 999, 5 / 6, 0.97])
    x = kp.noise(3, len(times), SHAPE)
    with torch.no_grad():
        v = model(torch.from_numpy(x).to(dtype), torch.from_numpy(times).to(dtype))
    assert v.dtype == dtype
    np.testing.assert_allclose(v.numpy(), field.velocity(x, times), rtol=1e-4, atol=2e-4)


@pytest.mark.parametrize("predicts", ["data", "noise"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_paths_of_a_gaussian_are_the_exact_ones(predicts: Prediction, dtype: torch.dtype) -> None:
    mean, variance = torch.tensor([1.0, -2.0, 0.5]), 0.25

    def predicting(x: Tensor, t: Tensor, shift: float) -> Any:
        # Its time is 1000 (1 − t); E[x1 | x] and E[x0 | x] of the Gaussian.
        s = (t / 1000)[:, None].float()
        spread = s**2 + (1 - s) ** 2 * variance
        apart = x.float() - (1 - s) * (mean + shift)
        answer = mean + shift + (1 - s) * variance / spread * apart
        answer = answer if predicts == "data" else s / spread * apart
        x.zero_()
        return answer.to(dtype)

    model = kpt.converted(predicting, predicts=predicts, time="reversed+scaled:1000")
    grid = kp.Grid.uniform(30).within(0.05, 0.95)
    plan, noise = kp.Plan(grid, "heun"), kp.noise(1, 6, (3,))
    exact = kp.MixtureField([1.0], [(mean + 1.0).tolist()], [variance])
    expected = kp.sample(exact, noise, plan)
    paths = kpt.sample(model, torch.from_numpy(noise).to(dtype), plan, condition={"shift": 1.0})
    rtol = 1e-4 if dtype == torch.float32 else 0.05
    np.testing.assert_allclose(paths.endpoints, expected.endpoints, rtol=rtol, atol=rtol)
    np.testing.assert_allclose(paths.kpe, expected.kpe, rtol=rtol)


def test_states_and_times_may_be_changed_in_place() -> None:
    def changing(x: Tensor, t: Tensor) -> Tensor:
        return x.mul_(t.add_(1.0)[:, None])

    model = kpt.converted(changing, predicts="data")
    x, t = torch.ones(2, 3), torch.tensor([0.0, 0.5])
    torch.testing.assert_close(model(x, t), (t / (1.0 - t))[:, None].expand(2, 3))


def test_where_no_velocity_follows_the_time_is_named() -> None:
    model = kpt.converted(lambda x, t: torch.zeros_like(x), predicts="noise")
    with pytest.raises(kp.SamplingError, match="at step 0, t = 0"):
        kpt.sample(model, torch.ones(2, 3), kp.Plan(4))


@pytest.mark.parametrize("predicts", ["velocity", "data", "noise"])
def test_a_prediction_is_never_stretched_to_fit(predicts: Prediction) -> None:
    model = kpt.converted(lambda x, t: x[:, :1], predicts=predicts)
    with pytest.raises(kp.ModelError, match=r"shape \[2, 3\], got \[2, 1\]"):
        kpt.sample(model, torch.ones(2, 3), kp.Plan(4))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"predicts": "v"}, "predicts velocity, data or noise, got 'v'; .*trained_on"),
        ({"time": "sigma"}, "unknown time convention 'sigma'; .*reversed.scaled:S"),
        ({"time": "reversed+unit:2"}, "unknown time convention"),
        ({"time": "discrete:2.5"}, "unknown time convention"),
        ({"time": "scaled:fast"}, "unknown time convention"),
        ({"time": "scaled:-1"}, "scale must be positive, got -1"),
        ({"time": "discrete:1"}, "needs T ≥ 2, got 1"),
        ({"time": "discrete"}, "unknown time convention"),
        ({"time": 1000}, "unknown time convention 1000"),
    ],
)
def test_unknown_conventions_are_named(words: Any, message: str) -> None:
    with pytest.raises(kp.KinepathError, match=message):
        kpt.converted(lambda x, t: x, **words)
