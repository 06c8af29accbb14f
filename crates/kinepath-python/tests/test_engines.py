"""What runs a network: rten, and ONNX Runtime as it is installed beside the package."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import pytest

import kinepath as kp

BOTH: tuple[Literal["rten"], Literal["ort"]] = ("rten", "ort")
MODELS = Path(__file__).parents[2] / "kinepath-onnx" / "tests" / "fixtures" / "models"


def test_engines_agree_and_the_library_of_this_interpreter_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ORT_DYLIB_PATH", "VIRTUAL_ENV", "CONDA_PREFIX", "LD_LIBRARY_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", "")
    plan = kp.Plan(4, "heun", kp.KTS(alpha=0.01, beta=0.01))
    noise = kp.noise(0, 9, (2, 4, 4))
    rten, ort = (
        kp.sample(kp.OnnxField(MODELS / "linear.onnx", engine=engine), noise, plan)
        for engine in BOTH
    )
    np.testing.assert_allclose(ort.kpe, rten.kpe, rtol=1e-5)
    np.testing.assert_allclose(ort.endpoints, rten.endpoints, rtol=1e-4, atol=1e-6)


def test_an_operator_that_rten_lacks_runs_without_a_choice() -> None:
    field = kp.OnnxField(MODELS / "rare_operator.onnx")
    # selu(0) + t
    velocity = field.velocity(np.zeros((3, 6), np.float32), np.array([0.0, 0.5, 1.0]))
    np.testing.assert_allclose(velocity, [[0.0] * 6, [0.5] * 6, [1.0] * 6])
    with pytest.raises(kp.ModelError, match="Selu"):
        kp.OnnxField(MODELS / "rare_operator.onnx", engine="rten")


def test_an_engine_that_there_is_not() -> None:
    with pytest.raises(kp.KinepathError, match="auto, rten, ort, ort:cuda or ort:tensorrt"):
        kp.OnnxField(MODELS / "linear.onnx", engine="abacus")  # type: ignore[arg-type]


def test_the_run_tells_its_engine(tmp_path: Path) -> None:
    field = kp.OnnxField(MODELS / "linear.onnx", engine="ort")
    noise = kp.noise(0, 3, (2, 4, 4))
    plan = kp.Plan(2)
    paths = kp.sample(field, noise, plan)
    run = kp.write_run(tmp_path / "run", paths, model=field, plan=plan, noise=noise)
    assert run.settings["field"]["engine"].startswith("ort ")
