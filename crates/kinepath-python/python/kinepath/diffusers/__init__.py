"""Kinetic path energy of diffusers pipelines, measured and shaped by their scheduler.

A scheduler of this package takes the place of the stock one::

    pipe.scheduler = KineticFlowMatchEulerScheduler.from_config(
        pipe.scheduler.config, gain=kp.KTS(alpha=0.02, beta=0.0)
    )
    images = pipe("a fox in the snow", num_images_per_prompt=4).images
    pipe.scheduler.paths.kpe  # one energy per image

Without a gain the images are those of the stock scheduler, bit for bit. A loop of your own is
measured in the same way:

    >>> import kinepath as kp, torch
    >>> from kinepath.diffusers import KineticFlowMatchEulerScheduler
    >>> scheduler = KineticFlowMatchEulerScheduler(shift=3.0, gain=kp.KTS(alpha=0.02, beta=0.0))
    >>> scheduler.set_timesteps(28)
    >>> x = torch.randn(4, 16, 8, 8)
    >>> for t in scheduler.timesteps:
    ...     x = scheduler.step(x, t, x).prev_sample
    >>> scheduler.paths.kpe.shape
    (4,)

diffusers counts noise down, σ from 1 to 0, and predicts noise − data. Here time is ``t = 1 − σ``,
whatever the number of the step, and the velocity points at the data. Energies are those of the
guided velocity, in squared units of the latents.
"""

from .paths import PipelinePaths
from .schedulers import KineticFlowMatchEulerScheduler, KineticFlowMatchHeunScheduler

__all__ = ["KineticFlowMatchEulerScheduler", "KineticFlowMatchHeunScheduler", "PipelinePaths"]
