"""Pipelines of tiny random networks, and their calls."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    FlowMatchEulerDiscreteScheduler,
    FluxPipeline,
    FluxTransformer2DModel,
)
from torch import Tensor

EXAMPLE = Path(__file__).parents[2] / "examples" / "diffusers_pipeline.py"
example = runpy.run_path(str(EXAMPLE))


def sd3() -> Any:
    return example["tiny_pipeline"](), example["embeddings"](4)


def flux(guidance_embeds: bool = False) -> Any:
    torch.manual_seed(0)
    transformer: Any = FluxTransformer2DModel(
        patch_size=1,
        in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=8,
        num_attention_heads=2,
        joint_attention_dim=16,
        pooled_projection_dim=16,
        axes_dims_rope=(2, 2, 4),
        guidance_embeds=guidance_embeds,
    )
    vae: Any = AutoencoderKL(
        block_out_channels=(8,), norm_num_groups=4, latent_channels=4, shift_factor=0.06
    )
    pipe: Any = FluxPipeline(
        transformer=transformer.eval(),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True),
        vae=vae.eval(),
        text_encoder=None,
        tokenizer=None,
        text_encoder_2=None,
        tokenizer_2=None,
    )
    pipe.set_progress_bar_config(disable=True)
    prompts = example["embeddings"](4)
    return pipe, {name: prompts[name] for name in ["prompt_embeds", "pooled_prompt_embeds"]}


def call(pipe: Any, prompts: Any, samples: Any = range(4), **arguments: Any) -> Any:
    """Images and latents of the samples named; sample i has prompt i and noise of seed i."""
    chosen = {name: embeds[list(samples)] for name, embeds in prompts.items()}
    latents = []

    def keep(pipe: Any, i: Any, t: Tensor, state: Any) -> Any:
        latents.append(state["latents"])
        return {}

    noise = [torch.Generator().manual_seed(seed) for seed in samples]
    if "image" not in arguments:
        arguments |= {"height": 16, "width": 16}
    arguments = {"num_inference_steps": 12, "output_type": "pt"} | arguments
    images = pipe(**chosen, **arguments, generator=noise, callback_on_step_end=keep).images
    return images, latents[-1]
