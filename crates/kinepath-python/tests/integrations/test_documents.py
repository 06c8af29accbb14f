"""The Python of README.md and docs/python.md runs as it stands there, on small models on the processor."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from documents import FIXTURES, ROOT, run
from networks import TinyUNet
from numpy.typing import NDArray
from PIL import Image
from pipelines import sd3
from torch import Tensor

import kinepath as kp
import kinepath.torch as kpt

RANDOM = np.random.default_rng(0)
ON_THE_PROCESSOR = {'"cuda"': '"cpu"'}


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def pictures(count: int, *shape: int) -> NDArray[np.uint8]:
    return RANDOM.integers(0, 256, (count, *shape), dtype=np.uint8)


def folder(name: str, count: int, *shape: int) -> None:
    """Pictures ``[H, W]`` or ``[H, W, 3]`` as PNG files."""
    Path(name).mkdir()
    for number, pixels in enumerate(pictures(count, *shape)):
        Image.fromarray(pixels).save(Path(name) / f"{number:03}.png")


def test_the_three_lines_and_their_run_folder() -> None:
    points = RANDOM.normal(size=(20, 3, 4, 4)).astype(np.float32)
    found = run("docs/python.md", "EmpiricalField(", training_points=points, shape=(3, 4, 4))
    assert found["paths"].kpe.shape == (256,)
    model, plan = TinyUNet(3, width=4), found["plan"]
    smaller = ON_THE_PROCESSOR | {"256, (3, 32, 32)": "8, (3, 32, 32)"}
    found = run("docs/python.md", "import kinepath.torch", smaller, model=model, plan=plan)
    assert found["paths"].kpe.shape == (8,)
    run("docs/python.md", 'kp.write_run("runs/kts"', paths=found["paths"], plan=found["plan"])
    assert len(kp.read_run("runs/kts")) == 8


def test_a_pipeline_and_its_pictures() -> None:
    pipe, prompts = sd3()
    sizes = {"height": 16, "width": 16, "num_inference_steps": 5, "output_type": "pt"}

    class Pipe:
        scheduler = pipe.scheduler

        def __call__(self, prompt: str) -> Any:
            pipe.scheduler = self.scheduler
            return pipe(**prompts, **sizes)

    found = run("docs/python.md", "from kinepath.diffusers import", pipe=Pipe())
    assert found["pipe"].scheduler.paths.kpe.shape == (4,)
    run("docs/python.md", "endpoints=pictures", pipe=found["pipe"], pictures=found["images"])
    assert kp.read_run("runs/base").settings["noise"]["name"] == "generator 7"


def test_what_there_is_with_pytorch() -> None:
    model, plan, labels = TinyUNet(3, width=4, classes=3), kp.Plan(5), torch.tensor([1, 2, 1, 2])
    noise = torch.from_numpy(kp.noise(0, 4, (3, 32, 32)))
    smaller = {"labels, 1000": "labels, 0", "batch_size=64": "batch_size=3"}
    given: dict[str, Any] = {"model": model, "noise": noise, "plan": plan}
    found = run("docs/python.md", "guidance_interval=", smaller, labels=labels, **given)
    assert found["paths"].nfe.tolist() == [9] * 4
    nodes = torch.linspace(0, 1, 6)
    with torch.no_grad():
        found = run("docs/python.md", "meter.step([v, ahead]", x=noise, nodes=nodes, **given)
    expected = kpt.sample(model, noise, kp.Plan(5, "heun"))
    np.testing.assert_allclose(found["meter"].kpe, expected.kpe, rtol=1e-5)
    found = run("docs/python.md", "field.paths(", distance=lambda end: end.square().mean(), **given)
    found["loss"].backward()
    assert all(weight.grad is not None for name, weight in model.named_parameters() if "class" not in name)
    shaped = kpt.sample(model, noise, kp.Plan(100, "rk4", "kts:alpha=0.02,beta=0"))
    np.testing.assert_allclose(found["paths"].kpe, shaped.kpe, rtol=1e-3)
    found = run("docs/python.md", "torch.autocast", ON_THE_PROCESSOR, **given)
    np.testing.assert_allclose(found["paths"].kpe, kpt.sample(model, noise, plan).kpe, rtol=0.03)


def test_models_of_other_conventions_move_as_they_should() -> None:
    """Networks made of an exact field, each of another convention."""
    means = RANDOM.normal(size=(3, 5))
    field = kp.MixtureField([1.0, 1.0, 2.0], means, np.array([0.1, 0.2, 0.3]))
    noise = torch.from_numpy(kp.noise(0, 32, (5,)))

    def exact(x: Tensor, t: Tensor) -> Tensor:
        return torch.from_numpy(field.velocity(x.numpy(), t.double().numpy()))

    def data(x: Tensor, t: Tensor) -> Tensor:
        return x + (1 - t)[:, None] * exact(x, t)

    def start_of_paths(x: Tensor, t: Tensor) -> Tensor:
        return x - t[:, None] * exact(x, t)

    def denoiser(x: Tensor, sigma: Tensor) -> Tensor:
        t = 1 / (1 + sigma)
        return data(t[:, None] * x, t)

    networks: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
        "of_reversed": lambda x, t: -exact(x, 1 - t),
        "of_data": data,
        "of_noise": start_of_paths,
        "of_denoiser": denoiser,
    }
    own: Callable[[Tensor, Tensor], Tensor] = data

    def network(x: Tensor, t: Tensor) -> Tensor:
        return own(x, t)

    found = run("docs/python.md", "def of_denoiser", network=network, noise=noise)
    later = found["later"]
    expected = kpt.sample(exact, noise, later)
    for name, own in networks.items():
        paths = kpt.sample(found[name], noise, later)
        np.testing.assert_allclose(paths.kpe, expected.kpe, rtol=1e-3, err_msg=name)
    whole = kpt.sample(exact, noise, kp.Plan(50))
    own = data
    np.testing.assert_allclose(
        kpt.sample(found["of_data"], noise, kp.Plan(50)).kpe, whole.kpe, rtol=1e-3
    )


def test_studies_of_what_is_there() -> None:
    for name in ("generated", "training", "held-out"):
        folder(name, 24, 28, 28)
    for name in ("features.onnx", "classes.onnx"):
        shutil.copy(ROOT / "assets" / "classifier.onnx", name)
    noise, plan = kp.noise(0, 24, (1, 28, 28)), kp.Plan(5)
    gains = {"base": kp.Gain(), "kts": kp.KTS(0.1, 0.0), "ssc": kp.SSC(0.02, power=1.0)}
    for name, gain in gains.items():
        shaped = plan.with_gain(gain)
        paths = kp.sample(lambda x, t: -x, noise, shaped)
        kp.write_run(f"runs/{name}", paths, plan=shaped, model="shrinking", noise=0)
    found = run("docs/python.md", 'kp.study("generated/"', training_array=pictures(24, 28, 28))
    assert set(found["study"].verdicts) == {"KTS", "SSC"}


def test_single_figures() -> None:
    np.save("train.npy", RANDOM.normal(size=(24, 3, 4, 4)))
    samples = RANDOM.normal(size=(8, 3, 4, 4))
    found = run("docs/python.md", "f_mem_interval", samples=samples)
    assert found["found"].f_mem == 0.0


def test_a_study_of_a_model() -> None:
    folder("training", 24, 32, 32, 3)
    smaller = ON_THE_PROCESSOR | {"count=512": "count=24"}
    found = run("docs/python.md", "kp.study_model(", smaller, model=lambda x, t: -x)
    assert set(found["study"].verdicts) == {"KTS", "SSC"}


def test_a_study_with_prompts() -> None:
    given = {"clip_image.onnx": "clip-image.onnx", "text.onnx": "clip-text.onnx"}
    for name, called in given.items():
        shutil.copy(FIXTURES / "models" / name, called)
    shutil.copy(FIXTURES / "tokenizer.json", "tokenizer.json")
    folder("training", 24, 28, 28)
    found = run("docs/python.md", "clip_image=", pictures=pictures(4, 28, 28))
    assert "clip_score" in found["study"].figures()


def test_the_block_of_the_readme() -> None:
    folder("images", 24, 8, 8, 3)
    noise = torch.from_numpy(kp.noise(0, 32, (3, 8, 8)))
    found = run("README.md", "import kinepath as kp", model=TinyUNet(3), noise=noise)
    assert "f_mem" in found["study"].figures() and found["study"].report.exists()
