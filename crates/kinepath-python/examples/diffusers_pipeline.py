"""Kinetic path energies of a diffusers pipeline, plain and shaped, for the same noise.

Runs offline, on a Stable Diffusion 3 of a few random weights whose images are noise. A real one is
loaded in its place, and takes a prompt instead of embeddings:

    pipe = StableDiffusion3Pipeline.from_pretrained(
        "stabilityai/stable-diffusion-3.5-medium", torch_dtype=torch.bfloat16
    ).to("cuda")
    images = pipe("a fox in the snow", num_images_per_prompt=4, generator=…).images

Usage: python diffusers_pipeline.py [--out FOLDER]
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    FlowMatchEulerDiscreteScheduler,
    SD3Transformer2DModel,
    StableDiffusion3Pipeline,
)
from torch import Tensor

import kinepath as kp
from kinepath.diffusers import KineticFlowMatchEulerScheduler

GAINS = {
    "unit": kp.Gain(),
    "launch": kp.KTS(alpha=0.02, beta=0.0),
    "launch and landing": kp.KTS(alpha=0.02, beta=0.01),
}


def tiny_pipeline() -> Any:
    """A pipeline with random weights and no text encoders: it takes embeddings."""
    torch.manual_seed(0)
    transformer: Any = SD3Transformer2DModel(
        sample_size=16,
        patch_size=2,
        in_channels=4,
        out_channels=4,
        num_layers=1,
        attention_head_dim=8,
        num_attention_heads=2,
        joint_attention_dim=16,
        caption_projection_dim=16,
        pooled_projection_dim=16,
        pos_embed_max_size=16,
    )
    vae: Any = AutoencoderKL(
        block_out_channels=(8,), norm_num_groups=4, latent_channels=4, shift_factor=0.06
    )
    pipe: Any = StableDiffusion3Pipeline(
        transformer=transformer.eval(),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=vae.eval(),
        text_encoder=None,
        tokenizer=None,
        text_encoder_2=None,
        tokenizer_2=None,
        text_encoder_3=None,
        tokenizer_3=None,
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def embeddings(count: int) -> dict[str, Tensor]:
    """What text encoders would make of ``count`` prompts and of the empty one."""
    random = torch.Generator().manual_seed(1)
    return {
        "prompt_embeds": torch.randn(count, 4, 16, generator=random),
        "pooled_prompt_embeds": torch.randn(count, 16, generator=random),
        "negative_prompt_embeds": torch.zeros(count, 4, 16),
        "negative_pooled_prompt_embeds": torch.zeros(count, 16),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="folder for the images; without it, none is kept")
    out = parser.parse_args().out
    pipe = tiny_pipeline()
    stock = pipe.scheduler.config
    for name, gain in GAINS.items():
        pipe.scheduler = KineticFlowMatchEulerScheduler.from_config(stock, gain=gain)
        noise = [torch.Generator().manual_seed(seed) for seed in range(4)]
        images = pipe(**embeddings(4), height=16, width=16, generator=noise).images
        paths = pipe.scheduler.paths
        print(f"{name}: {paths}")
        for seed, kpe in enumerate(paths.kpe):
            launch, efficiency = paths.launch[seed] / kpe, paths.efficiency[seed]
            print(f"  seed {seed}: KPE {kpe:.3f}, launch {launch:.1%}, efficiency {efficiency:.1%}")
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            for seed, image in enumerate(images):
                image.save(out / f"{name.replace(' ', '-')}-{seed}.png")


if __name__ == "__main__":
    main()
