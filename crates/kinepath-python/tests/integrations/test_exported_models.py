"""Networks of diffusers as ONNX files: the core's paths against the loops of diffusers itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, UNet2DConditionModel, UNet2DModel
from pipelines import call, flux, sd3
from safetensors.torch import save_file
from torch import Tensor, nn

import kinepath as kp
from kinepath.diffusers import KineticFlowMatchEulerScheduler

ROWS = {0: torch.export.Dim.DYNAMIC}
PROMPTS = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}


Examples: TypeAlias = dict[str, tuple[Tensor, Any]]
"""Of every input an example, and which of its axes are free."""


def export(model: nn.Module, inputs: Examples, output: str, path: Path) -> None:
    torch.onnx.export(
        model,
        kwargs={name: example for name, (example, _) in inputs.items()},
        f=path,
        dynamic_shapes={name: free for name, (_, free) in inputs.items()},
        input_names=list(inputs),
        output_names=[output],
        external_data=False,
        dynamo=True,
        verbose=False,
    )


def folder_of(pipe: Any, folder: Path) -> Path:
    """What Optimum's folder of a pipeline tells, and the place for its network."""
    pipe.save_config(folder)
    pipe.scheduler.save_pretrained(folder / "scheduler")
    pipe.transformer.save_config(folder / "transformer")
    return folder / "transformer" / "model.onnx"


def measured(pipe: Any, prompts: Any, **arguments: Any) -> Any:
    """What the pipeline's own loop travels."""
    pipe.scheduler = KineticFlowMatchEulerScheduler.from_config(pipe.scheduler.config)
    call(pipe, prompts, **arguments)
    return pipe.scheduler.paths


def assert_same(paths: Any, expected: Any) -> None:
    for figure in ["kpe", "launch", "displacement"]:
        np.testing.assert_allclose(getattr(paths, figure), getattr(expected, figure), rtol=1e-5)
    np.testing.assert_allclose(paths.endpoints, expected.endpoints, rtol=0, atol=1e-4)


def test_stable_diffusion_3_guided_by_an_empty_prompt(tmp_path: Path) -> None:
    pipe, prompts = sd3()
    model = folder_of(pipe, tmp_path)
    export(
        pipe.transformer,
        {
            "hidden_states": (torch.randn(3, 4, 16, 16), ROWS),
            "encoder_hidden_states": (torch.randn(3, 4, 16), PROMPTS),
            "pooled_projections": (torch.randn(3, 16), ROWS),
            "timestep": (torch.tensor([900.0, 500.0, 20.0]), ROWS),
        },
        "out_hidden_states",
        model,
    )
    empty = {
        "encoder_hidden_states": prompts["negative_prompt_embeds"][:1].clone(),
        "pooled_projections": prompts["negative_pooled_prompt_embeds"][:1].clone(),
    }
    save_file(empty, tmp_path / "empty.safetensors")
    guidance = kp.Guidance(4.0, null_inputs=str(tmp_path / "empty.safetensors"))
    noise = kp.noise(3, 4, (4, 16, 16))
    expected = measured(pipe, prompts, latents=torch.from_numpy(noise), guidance_scale=4.0)
    # Told by the scheduler and the pipeline, or told here.
    for field in [
        kp.OnnxField(tmp_path, guidance=guidance),
        kp.OnnxField(model, time="reversed+scaled:1000", guidance=guidance),
    ]:
        paths = kp.sample(
            field,
            noise,
            kp.Plan(kp.Grid.named("diffusers:3", 12)),
            inputs={
                "encoder_hidden_states": prompts["prompt_embeds"],
                "pooled_projections": prompts["pooled_prompt_embeds"],
            },
        )
        assert_same(paths, expected)
        assert paths.nfe.tolist() == [24] * 4


def test_flux_with_its_packed_latents_and_distilled_guidance(tmp_path: Path) -> None:
    pipe, prompts = flux(guidance_embeds=True)
    model = folder_of(pipe, tmp_path)
    tokens = 64
    # As Optimum leaves lengths free; what makes pictures of one size is kept beside the network.
    image, length = torch.export.Dim("packed_height_width"), torch.export.Dim("sequence_length")
    kept = f"version = 1\nshape = [{tokens}, 16]\n"
    model.with_name("model.kinepath.toml").write_text(kept)
    positions = {
        "img_ids": pipe._prepare_latent_image_ids(1, 8, 8, "cpu", torch.float32),
        "txt_ids": torch.zeros(4, 3),
    }
    export(
        pipe.transformer,
        {
            "hidden_states": (torch.randn(3, tokens, 16), ROWS | {1: image}),
            "encoder_hidden_states": (torch.randn(3, 4, 16), ROWS | {1: length}),
            "pooled_projections": (torch.randn(3, 16), ROWS),
            "timestep": (torch.tensor([0.9, 0.5, 0.02]), ROWS),
            "img_ids": (positions["img_ids"], {0: image}),
            "txt_ids": (positions["txt_ids"], {0: length}),
            "guidance": (torch.tensor([3.5, 3.5, 1.0]), ROWS),
        },
        "out_hidden_states",
        model,
    )
    noise = kp.noise(3, 4, (tokens, 16))
    expected = measured(pipe, prompts, latents=torch.from_numpy(noise), guidance_scale=2.5)
    paths = kp.sample(
        kp.OnnxField(tmp_path),
        noise,
        kp.Plan(kp.Grid.named(f"dynamic-shift:{tokens}", 12)),
        inputs={
            "encoder_hidden_states": prompts["prompt_embeds"],
            "pooled_projections": prompts["pooled_prompt_embeds"],
            "guidance": np.array([2.5]),
            **positions,
        },
    )
    assert_same(paths, expected)


def by_ddim(predict: Any, scheduler: Any, noise: Tensor) -> tuple[Tensor, Any, Any]:
    """The end of DDIM's loop, its noise levels σ/α, and the energy on the straight path.

    A DDIM step is an Euler step of the straight path, whose velocity is the data less the noise
    that are predicted.
    """
    x, kpe, levels = noise, np.zeros(len(noise)), []
    steps = scheduler.timesteps
    for i, step in enumerate(steps):
        output = predict(x, step.expand(len(x)).float())
        moved = scheduler.step(output, step, x)
        ratio = scheduler.alphas_cumprod[step].double()
        levels.append(float(((1 - ratio) / ratio).sqrt()))
        ahead = scheduler.alphas_cumprod[steps[i + 1]].double() if i + 1 < len(steps) else None
        next_level = 0.0 if ahead is None else float(((1 - ahead) / ahead).sqrt())
        size = 1 / (1 + next_level) - 1 / (1 + levels[-1])
        velocity = (moved.pred_original_sample - output).double().flatten(1)
        kpe += 0.5 * size * velocity.square().sum(1).numpy()
        x = moved.prev_sample
    return x, np.array(levels), kpe


@torch.no_grad()
@pytest.mark.parametrize("prompted", [False, True], ids=["DDPM", "Stable Diffusion 1"])
def test_a_diffusion_network_goes_where_ddim_takes_it(prompted: bool, tmp_path: Path) -> None:
    torch.manual_seed(0)
    size: dict[str, Any] = {"block_out_channels": (8, 16), "layers_per_block": 1}
    size["norm_num_groups"] = 4
    free: Examples = {"timestep": (torch.tensor([900.0, 20.5, 0.0]), ROWS)}
    beta: dict[str, Any]
    model: Any
    if prompted:
        down, up = ("CrossAttnDownBlock2D", "DownBlock2D"), ("UpBlock2D", "CrossAttnUpBlock2D")
        model = UNet2DConditionModel(
            8,
            down_block_types=down,
            up_block_types=up,
            cross_attention_dim=12,
            attention_head_dim=4,
            **size,
        )
        free["encoder_hidden_states"] = (torch.randn(3, 5, 12), PROMPTS)
        beta = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
        shape, path = (4, 8, 8), "vp:scaled-linear"
    else:
        down, up = ("DownBlock2D", "AttnDownBlock2D"), ("AttnUpBlock2D", "UpBlock2D")
        model = UNet2DModel(8, down_block_types=down, up_block_types=up, **size)
        beta, shape, path = {}, (3, 8, 8), "vp:linear"
    model.eval()
    inputs = {"sample": (torch.randn(3, *shape), ROWS), **free}
    export(model, inputs, "out_sample", tmp_path / "unet.onnx")

    prompts, empty = torch.randn(4, 5, 12), torch.randn(1, 5, 12)
    save_file({"encoder_hidden_states": empty}, tmp_path / "empty.safetensors")

    def predict(x: Tensor, t: Tensor) -> Any:
        if not prompted:
            return model(x, t).sample
        null = model(x, t, empty.expand(4, 5, 12)).sample
        return null + 2.5 * (model(x, t, prompts).sample - null)

    scheduler: Any = DDIMScheduler(
        clip_sample=False, timestep_spacing="trailing", set_alpha_to_one=True, **beta
    )
    scheduler.set_timesteps(10)
    noise = kp.noise(1, 4, shape)
    end, levels, kpe = by_ddim(predict, scheduler, torch.from_numpy(noise))
    guidance = kp.Guidance(2.5, null_inputs=str(tmp_path / "empty.safetensors"))
    field = kp.OnnxField(
        tmp_path / "unet.onnx",
        predicts="noise",
        trained_on=path,
        guidance=guidance if prompted else None,
    )
    grid = kp.Grid.from_sigmas((levels / (1 + levels)).tolist())
    # DDIM starts from a state of the network's path: (α + σ) times that of the straight one.
    first = (1 + levels[0]) / np.sqrt(1 + levels[0] ** 2)
    paths = kp.sample(
        field,
        noise / np.float32(first),
        kp.Plan(grid),
        inputs={"encoder_hidden_states": prompts} if prompted else None,
    )
    np.testing.assert_allclose(paths.endpoints, end, rtol=0, atol=1e-5 * float(end.abs().max()))
    np.testing.assert_allclose(paths.kpe, kpe, rtol=1e-5)


@torch.no_grad()
def test_latents_are_judged_as_the_pictures_of_their_decoder(tmp_path: Path) -> None:
    pipe, _ = sd3()
    vae = pipe.vae

    class Decoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.vae = vae

        def forward(self, latent_sample: Tensor) -> Any:
            return self.vae.decode(latent_sample, return_dict=False)[0]

    latents = torch.from_numpy(kp.noise(5, 12, (4, 8, 8)))
    example = {"latent_sample": (torch.randn(3, 4, 8, 8), ROWS)}
    export(Decoder().eval(), example, "sample", tmp_path / "vae_decoder.onnx")
    scale, shift = vae.config.scaling_factor, vae.config.shift_factor
    assert shift != 0.0 and scale != 1.0
    others = torch.from_numpy(kp.noise(6, 20, (4, 8, 8)))
    pictures = vae.decode(torch.cat([latents[:3], others]) / scale + shift).sample
    # A second neighbour hardly farther than the copy: whatever is decoded otherwise is no copy.
    train = torch.cat([pictures, pictures[:3] + 0.01 * torch.randn(3, *pictures.shape[1:])])
    figures = [
        kp.study(
            latents.numpy(),
            train=train.numpy(),
            decoder=tmp_path / "vae_decoder.onnx",
            latent_scale=scale,
            latent_shift=offset,
            out=tmp_path / f"study-{offset}",
            resamples=50,
        ).figures()
        for offset in (shift, shift + 1.0)
    ]
    # Three of twelve are copies, where the latents are scaled as the autoencoder wants them.
    assert [study["f_mem"][0] for study in figures] == [0.25, 0.0]
