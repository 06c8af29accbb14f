"""The Python of docs/models.md runs as it stands there, on small networks of the same classes."""

from __future__ import annotations

import shutil
import sys
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from diffusers import UNet2DConditionModel
from documents import FIXTURES, block, run
from networks import TinyUNet
from pipelines import flux, sd3
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

import kinepath as kp

PAGE = "docs/models.md"
FREE: dict[str, Any] = {"Dim": torch.export.Dim, "rows": {0: torch.export.Dim.DYNAMIC}}
"""What the page's export of Stable Diffusion 3 defines for those after it."""


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def shapes(file: str) -> dict[str, list[int]]:
    with safe_open(file, "pt") as tensors:
        return {name: tensors.get_slice(name).get_shape() for name in tensors.keys()}


class TimesFirst(nn.Module):
    """A stand-in for torchcfm's network, which is called with times first."""

    def __init__(self, dim: tuple[int, int, int], **others: Any) -> None:
        super().__init__()
        self.inner = TinyUNet(dim[0])

    def forward(self, t: Tensor, x: Tensor) -> Tensor:
        velocity: Tensor = self.inner(x, t)
        return velocity


def test_the_network_of_torchcfm(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in: Any = ModuleType("torchcfm.models.unet.unet")
    stand_in.UNetModelWrapper = TimesFirst
    for package in ("torchcfm", "torchcfm.models", "torchcfm.models.unet"):
        monkeypatch.setitem(sys.modules, package, ModuleType(package))
    monkeypatch.setitem(sys.modules, stand_in.__name__, stand_in)
    trained = TimesFirst((3, 32, 32)).state_dict()
    weights = {f"module.{name}": value for name, value in trained.items()}
    torch.save({"ema_model": weights}, "otcfm_cifar10_weights_step_400000.pt")
    found = run(PAGE, "UNetModelWrapper(", {"(64, 3, 32, 32)": "(2, 3, 32, 32)", "(100)": "(5)"})
    assert len(found["paths"]) == 2
    net = found["net"]
    run(PAGE, "class Velocity", net=net)
    x, t = kp.noise(0, 3, (3, 32, 32)), np.linspace(0, 1, 3)
    with torch.no_grad():
        expected = net(torch.from_numpy(t).float(), torch.from_numpy(x))
    np.testing.assert_allclose(kp.OnnxField("cifar10.onnx").velocity(x, t), expected, atol=1e-4)


def test_a_pipeline_that_measures() -> None:
    pipe, prompts = sd3()
    sizes = {"height": 16, "width": 16, "num_inference_steps": 5, "output_type": "pt"}

    class Pipe:
        scheduler = pipe.scheduler

        def __call__(self, prompt: str, num_images_per_prompt: int) -> Any:
            pipe.scheduler = self.scheduler
            return pipe(**prompts, **sizes)

    found = run(PAGE, "from kinepath.diffusers import", pipe=Pipe())
    assert found["pipe"].scheduler.paths.kpe.shape == (4,)


def without_encoders(pipe: Any, prompts: dict[str, Tensor]) -> Any:
    """The pipeline as one with text encoders, which give these embeddings."""
    pipe.encode_prompt = partial(pipe.encode_prompt, **prompts)
    return pipe


def test_stable_diffusion_3_and_its_decoder() -> None:
    pipe = without_encoders(*sd3())
    smaller = {"16, 128, 128": "4, 16, 16"}
    run(PAGE, 'f="sd3.onnx"', smaller, pipe=pipe, prompts=["a fox"] * 4)
    prompts = {"encoder_hidden_states": [4, 4, 16], "pooled_projections": [4, 16]}
    assert shapes("prompts.safetensors") == prompts
    assert shapes("empty.safetensors") == {name: [1, *s[1:]] for name, s in prompts.items()}
    guidance = kp.Guidance(7.0, null_inputs="empty.safetensors")
    field = kp.OnnxField("sd3.onnx", time="reversed+scaled:1000", guidance=guidance)
    assert field.shape == [4, 16, 16] and len(field.inputs) == 2
    run(PAGE, "class Decoder", {"16, 128, 128": "4, 8, 8"}, pipe=pipe, **FREE)
    (pictures,) = onnx.load("vae_decoder.onnx").graph.output
    assert pictures.name == "sample" and len(pictures.type.tensor_type.shape.dim) == 4


def export_as_above(model: nn.Module, inputs: Any, file: str) -> None:
    """By the page's call for Stable Diffusion 3, as it says of other networks."""
    call = block(PAGE, 'f="sd3.onnx"')
    call = call[call.index("torch.onnx.export(") :].replace("pipe.transformer", "model")
    space = {"torch": torch, "model": model, "inputs": inputs}
    exec(compile(call.replace("sd3.onnx", file), PAGE, "exec"), space)


def test_flux() -> None:
    pipe = without_encoders(*flux(guidance_embeds=True))
    smaller = {"4096, 64": "64, 16", "(1, 64, 64,": "(1, 8, 8,"}
    found = run(
        PAGE,
        'Dim("length")',
        smaller,
        pipe=pipe,
        prompts=["a fox"] * 4,
        save_file=save_file,
        **FREE,
    )
    export_as_above(pipe.transformer, found["inputs"], "flux.onnx")
    Path("flux.kinepath.toml").write_text('version = 1\ntime = "reversed"\nshape = [64, 16]\n')
    paths = kp.sample(
        kp.OnnxField("flux.onnx"),
        kp.noise(0, 4, (64, 16)),
        kp.Plan(kp.Grid.named("dynamic-shift:64", 3)),
        inputs=load_file("flux.safetensors"),
    )
    assert len(paths) == 4


def test_a_diffusion_network_of_prompts() -> None:
    model: Any = UNet2DConditionModel(
        8,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=12,
        attention_head_dim=4,
        block_out_channels=(8, 16),
        layers_per_block=1,
        norm_num_groups=4,
    )
    smaller = {"4, 64, 64": "4, 8, 8", "77, 768": "5, 12"}
    found = run(PAGE, "not for UNet2DModel", smaller, **FREE)
    export_as_above(model, found["inputs"], "unet.onnx")
    field = kp.OnnxField("unet.onnx", predicts="noise", trained_on="vp:scaled-linear")
    prompts = {"encoder_hidden_states": np.zeros((2, 5, 12))}
    assert len(kp.sample(field, kp.noise(0, 2, (4, 8, 8)), kp.Plan(3, "heun"), inputs=prompts)) == 2


def test_prompts_in_files() -> None:
    names: dict[str, Any] = {
        "embeddings": torch.zeros(3, 4, 12),
        "mask": torch.ones(3, 4, dtype=torch.bool),
        "pooled": torch.zeros(3, 6),
        "empty": torch.zeros(1, 4, 12),
        "empty_mask": torch.ones(1, 4, dtype=torch.bool),
        "empty_pooled": torch.zeros(1, 6),
    }
    run(PAGE, "a row for each sample", **names)
    guidance = kp.Guidance(4.0, null_inputs="empty.safetensors")
    network = FIXTURES / "models" / "text_to_image.onnx"
    field = kp.OnnxField(network, time="scaled:1000", guidance=guidance)
    noise = kp.noise(0, 3, field.shape)
    assert len(kp.sample(field, noise, kp.Plan(3), inputs=load_file("prompts.safetensors"))) == 3


def test_guidance() -> None:
    shutil.copy(FIXTURES / "models" / "sit.onnx", "sit.onnx")
    found = run(PAGE, "what guidance adds")
    assert found["paths"].parts.conditional.shape == (20,)


def test_a_sit_from_its_checkpoint() -> None:
    run(PAGE, "SiT_XL_2(", SiT_XL_2=lambda num_classes: TinyUNet(4, classes=num_classes + 1))
    field = kp.OnnxField("sit-xl.onnx", guidance=kp.Guidance(1.5, null_label=1000))
    assert field.shape == [4, 32, 32] and field.labelled
