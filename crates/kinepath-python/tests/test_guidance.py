"""Guided networks, and networks with further inputs."""

from pathlib import Path
from typing import Literal

import numpy as np
import pytest

import kinepath as kp
from kinepath.arrays import F32, F64

MODELS = Path(__file__).parents[2] / "kinepath-onnx" / "tests" / "fixtures" / "models"
ROWS, STEPS, SCALE, NULL = 5, 6, 2.5, 10
LABELS = [3, 0, 9, 3, 7]


def noise(field: kp.Field) -> F32:
    return kp.noise(7, ROWS, field.shape)


def energy(v: F32) -> F64:
    """The share of one Euler step in the energy of every sample."""
    squares: F64 = np.square(v, dtype=np.float64).sum((1, 2, 3))
    return squares / (2 * STEPS)


@pytest.mark.parametrize("style", ["doubled", "calls"])
def test_a_guided_path_is_that_of_a_loop_over_the_network(
    style: Literal["doubled", "calls"],
) -> None:
    network = kp.OnnxField(MODELS / "sit.onnx")
    guidance = kp.Guidance(SCALE, null_label=NULL, interval=(0.3, 0.8), style=style)
    field = kp.OnnxField(MODELS / "sit.onnx", guidance=guidance)
    record = kp.Record(parts=True)
    paths = kp.sample(field, noise(field), kp.Plan(STEPS, "euler"), labels=LABELS, record=record)
    x = noise(field)
    kpe, conditional, unconditional = np.zeros((3, ROWS))
    for i in range(STEPS):
        t = np.full(ROWS, i / STEPS)
        v = network.velocity(x, t, LABELS)
        conditional += energy(v)
        if 0.3 <= i / STEPS <= 0.8:
            without = network.velocity(x, t, [NULL] * ROWS)
            unconditional += energy(without)
            v = without + SCALE * (v - without)
        kpe += energy(v)
        x = (x + v / STEPS).astype(np.float32)
    np.testing.assert_allclose(paths.endpoints, x, atol=1e-4)
    np.testing.assert_allclose(paths.kpe, kpe, rtol=1e-5)
    assert paths.parts is not None
    np.testing.assert_allclose(paths.parts.conditional, conditional, rtol=1e-5)
    np.testing.assert_allclose(paths.parts.unconditional, unconditional, rtol=1e-5)
    assert paths.nfe.tolist() == [STEPS + 3] * ROWS
    assert "kpe_unconditional" in paths.table()


def test_a_run_keeps_the_parts(tmp_path: Path) -> None:
    guidance = kp.Guidance(2.0, null_label=NULL)
    field, plan = kp.OnnxField(MODELS / "sit.onnx", guidance=guidance), kp.Plan(3)
    record = kp.Record(parts=True)
    paths = kp.sample(field, noise(field), plan, labels=LABELS, record=record)
    run = kp.write_run(tmp_path / "run", paths, plan=plan, model=field, noise=7, labels=LABELS)
    assert run.settings["field"]["guidance"]["null_label"] == NULL
    assert paths.parts is not None
    np.testing.assert_array_equal(run.table()["kpe_conditional"], paths.parts.conditional)


def test_further_inputs_are_given_by_name() -> None:
    field = kp.OnnxField(MODELS / "text_to_image.onnx", time="scaled:1000")
    assert dict(field.inputs) == {
        "encoder_hidden_states": 2,
        "encoder_attention_mask": 1,
        "pooled_projections": 1,
    }
    rng = np.random.default_rng(0)
    one = {
        "encoder_hidden_states": rng.standard_normal((7, 12)),
        "encoder_attention_mask": np.arange(7) < 4,
        "pooled_projections": rng.standard_normal((1, 6)).astype(np.float16),
    }
    axes = dict(field.inputs)
    each = {
        name: np.broadcast_to(value, (ROWS, *value.shape[-axes[name] :]))
        for name, value in one.items()
    }
    plan = kp.Plan(3)
    shared = kp.sample(field, noise(field), plan, inputs=one)
    apart = kp.sample(field, noise(field), plan, inputs=each)
    np.testing.assert_allclose(shared.kpe, apart.kpe, rtol=1e-6)
    with pytest.raises(kp.KinepathError, match="needs its input `pooled_projections`"):
        kp.sample(field, noise(field), plan, inputs=dict(list(one.items())[:2]))
    with pytest.raises(kp.KinepathError, match="no input `prompt`"):
        kp.sample(field, noise(field), plan, inputs=one | {"prompt": [1.0]})
    with pytest.raises(kp.KinepathError, match="3 rows for 5 samples"):
        kp.sample(field, noise(field), plan, inputs=one | {"pooled_projections": np.zeros((3, 6))})


def test_guidance_that_does_not_fit_is_refused() -> None:
    with pytest.raises(kp.KinepathError, match="null condition"):
        kp.OnnxField(MODELS / "sit.onnx", guidance=kp.Guidance(2.0))
    with pytest.raises(kp.KinepathError, match="only a guided field"):
        field = kp.OnnxField(MODELS / "sit.onnx")
        kp.sample(field, noise(field), kp.Plan(3), labels=LABELS, record=kp.Record(parts=True))
