"""Whole pipelines of tiny random networks: against the stock scheduler and sums written out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import (
    FlowMatchHeunDiscreteScheduler,
    StableDiffusion3Img2ImgPipeline,
    StableDiffusion3Pipeline,
)
from pipelines import EXAMPLE, call, flux, sd3
from torch import Tensor

import kinepath as kp
from kinepath.diffusers import KineticFlowMatchEulerScheduler, KineticFlowMatchHeunScheduler

KTS = kp.KTS(alpha=0.2, beta=0.03)


def record(scheduler: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What the scheduler's steps are given, in order, with the numbers of their sigmas."""
    steps = []
    step = type(scheduler).step

    def recording(
        self: Any, model_output: Any, timestep: Any, sample: Any, **arguments: Any
    ) -> Any:
        result = step(self, model_output, timestep, sample, **arguments)
        steps.append((self.step_index - 1, model_output.double().numpy(), sample.double().numpy()))
        return result

    monkeypatch.setattr(type(scheduler), "step", recording)
    return steps


def by_hand(steps: Any, sigmas: Any, gain: Any) -> Any:
    """Energies by the definition, and the speeds, of what was recorded."""
    sigmas = sigmas.double().numpy()
    parts, profile = {"launch": 0.0, "landing": 0.0, "terminal": 0.0}, []
    for i, v, _ in steps:
        t = 1.0 - sigmas[i]
        speed = gain.eta(t) ** 2 * (v**2).reshape(len(v), -1).sum(1)
        profile.append(speed)
        energy = 0.5 * (sigmas[i] - sigmas[i + 1]) * speed
        parts["launch" if t < 0.6 else "landing"] += energy
        late = min(max((1.0 - sigmas[i + 1] - 0.95) / (sigmas[i] - sigmas[i + 1]), 0.0), 1.0)
        parts["terminal"] += late * energy
    return parts, np.stack(profile, 1)


@pytest.mark.parametrize("build", [sd3, flux])
def test_a_gain_of_1_leaves_every_image_as_it_was(build: Any) -> None:
    pipe, prompts = build()
    stock = call(pipe, prompts)
    pipe.scheduler = KineticFlowMatchEulerScheduler.from_config(pipe.scheduler.config)
    measured = call(pipe, prompts)
    assert torch.equal(stock[0], measured[0]) and torch.equal(stock[1], measured[1])
    assert stock[0].std() > 0.0 and (pipe.scheduler.paths.kpe > 0.0).all()
    pipe.scheduler = KineticFlowMatchEulerScheduler.from_config(pipe.scheduler.config, gain=KTS)
    assert not torch.equal(stock[0], call(pipe, prompts)[0])


def test_heun_steps_leave_every_image_as_it_was_and_cost_more() -> None:
    pipe, prompts = sd3()
    pipe.scheduler = FlowMatchHeunDiscreteScheduler(shift=3.0)
    stock = call(pipe, prompts)
    pipe.scheduler = KineticFlowMatchHeunScheduler.from_config(pipe.scheduler.config)
    assert torch.equal(stock[0], call(pipe, prompts)[0])
    paths = pipe.scheduler.paths
    assert paths.nfe.tolist() == [23] * 4 and (paths.start, paths.end) == (0.0, 1.0)


@pytest.mark.parametrize("gain", [kp.Gain(), KTS], ids=["unit", "kts"])
@pytest.mark.parametrize("build", [sd3, flux])
def test_energies_are_those_of_the_recorded_outputs(
    build: Any, gain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe, prompts = build()
    pipe.scheduler = KineticFlowMatchEulerScheduler.from_config(pipe.scheduler.config, gain=gain)
    steps = record(pipe.scheduler, monkeypatch)
    _, latents = call(pipe, prompts)
    paths = pipe.scheduler.paths
    assert [i for i, _, _ in steps] == list(range(12))
    parts, profile = by_hand(steps, pipe.scheduler.sigmas, gain)
    for part, energies in parts.items():
        np.testing.assert_allclose(getattr(paths, part), energies, rtol=1e-9)
    np.testing.assert_allclose(paths.kpe, parts["launch"] + parts["landing"], rtol=1e-9)
    np.testing.assert_allclose(paths.profile, profile, rtol=1e-9)
    assert torch.equal(paths.endpoints, latents)
    moved = latents.double().numpy() - steps[0][2]
    straight = 0.5 * (moved**2).reshape(4, -1).sum(1)
    np.testing.assert_allclose(paths.displacement, straight, rtol=1e-5)
    # Jensen's inequality, which holds for any field.
    assert (paths.kpe > paths.displacement).all()
    assert paths.to_pandas()["kpe"].tolist() == paths.kpe.tolist()
    assert repr(paths).startswith("<kinepath.diffusers.PipelinePaths: 4 samples, t from 0 to 1,")


def test_the_energy_is_that_of_the_guided_velocity() -> None:
    pipe, prompts = sd3()
    pipe.scheduler = KineticFlowMatchEulerScheduler.from_config(pipe.scheduler.config)
    outputs = []
    hook = pipe.transformer.register_forward_hook(lambda *call: outputs.append(call[2][0]))
    call(pipe, prompts, guidance_scale=4.0)
    hook.remove()
    speeds = []
    for output in outputs:
        null, prompted = output.double().chunk(2)
        guided = null + 4.0 * (prompted - null)
        speeds.append(guided.square().sum((1, 2, 3)).numpy())
    np.testing.assert_allclose(pipe.scheduler.paths.profile, np.stack(speeds, 1), rtol=1e-5)
    guided = pipe.scheduler.paths.kpe
    call(pipe, prompts, guidance_scale=1.0)
    assert not np.allclose(pipe.scheduler.paths.kpe, guided, rtol=1e-3)


@pytest.mark.parametrize("build", [sd3, flux])
def test_a_batch_of_four_is_four_single_samples(build: Any) -> None:
    pipe, prompts = build()
    pipe.scheduler = KineticFlowMatchEulerScheduler.from_config(pipe.scheduler.config, gain=KTS)
    call(pipe, prompts)
    batch = pipe.scheduler.paths.table()
    for sample in range(4):
        call(pipe, prompts, samples=[sample])
        single = pipe.scheduler.paths.table()
        for figure in batch.keys() - {"index"}:
            np.testing.assert_allclose(single[figure], batch[figure][[sample]], rtol=1e-4)


@pytest.mark.parametrize("build", [sd3, flux])
def test_shaping_moves_the_energy_the_way_it_is_meant_to(build: Any) -> None:
    pipe, prompts = build()
    stock, found = pipe.scheduler.config, {}
    for name, gain in {
        "unit": "unit",
        "launched": kp.KTS(alpha=0.2, beta=0.0),
        "landed": kp.KTS(alpha=0.0, beta=0.03),
    }.items():
        pipe.scheduler = KineticFlowMatchEulerScheduler.from_config(stock, gain=gain)
        call(pipe, prompts)
        found[name] = pipe.scheduler.paths
    unit, launched, landed = found.values()
    assert (launched.launch > unit.launch).all() and (launched.kpe > unit.kpe).all()
    assert (landed.landing < unit.landing).all() and (landed.kpe < unit.kpe).all()
    np.testing.assert_allclose(landed.launch, unit.launch, rtol=1e-12)
    assert launched.mean_gain[0] > 1.0 > landed.mean_gain[0]
    # A damped landing stops short of its target: what is left of the distance is noise.
    assert unit.noise_left[0] == 0.0 < landed.noise_left[0]


@pytest.mark.parametrize(
    ("kinetic", "evaluations"),
    [(KineticFlowMatchEulerScheduler, 6), (KineticFlowMatchHeunScheduler, 11)],
)
def test_image_to_image_counts_the_part_travelled(
    kinetic: Any, evaluations: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts, prompts = sd3()
    pipe: Any = StableDiffusion3Img2ImgPipeline(**parts.components)
    pipe.set_progress_bar_config(disable=True)
    pipe.scheduler = kinetic(shift=3.0, gain=KTS)
    steps = record(pipe.scheduler, monkeypatch)
    image = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(2))
    _, latents = call(pipe, prompts, image=image, strength=0.5)
    paths = pipe.scheduler.paths
    assert paths.nfe.tolist() == [evaluations] * 4 and paths.profile.shape == (4, 6)
    sigma = float(pipe.scheduler.sigmas[steps[0][0]])
    assert paths.start == pytest.approx(1.0 - sigma) and 0.2 < paths.start < 0.5
    assert f"t from {paths.start:.4g} to 1" in repr(paths)
    if kinetic is KineticFlowMatchEulerScheduler:
        parts, profile = by_hand(steps, pipe.scheduler.sigmas, KTS)
        np.testing.assert_allclose(paths.kpe, parts["launch"] + parts["landing"], rtol=1e-9)
        np.testing.assert_allclose(paths.profile, profile, rtol=1e-9)
    # Jensen's inequality over the interval travelled.
    assert (paths.kpe > paths.displacement / (paths.end - paths.start)).all()
    assert torch.equal(paths.endpoints, latents)


def test_an_interrupted_pipeline_says_how_far_it_came() -> None:
    pipe, prompts = sd3()
    pipe.scheduler = KineticFlowMatchEulerScheduler.from_config(pipe.scheduler.config)

    def stop(pipe: Any, i: Any, t: Tensor, state: Any) -> Any:
        pipe._interrupt = i == 3
        return {}

    pipe(**prompts, height=16, width=16, num_inference_steps=12, callback_on_step_end=stop)
    paths = pipe.scheduler.paths
    assert paths.nfe.tolist() == [4] * 4
    assert paths.end == pytest.approx(1.0 - float(pipe.scheduler.sigmas[4])) and paths.end < 0.5


def test_a_call_forgets_the_one_before() -> None:
    pipe, prompts = sd3()
    pipe.scheduler = KineticFlowMatchEulerScheduler.from_config(pipe.scheduler.config, gain=KTS)
    call(pipe, prompts)
    first = pipe.scheduler.paths
    call(pipe, prompts, samples=[2, 3], num_inference_steps=5)
    assert len(pipe.scheduler.paths) == 2 and pipe.scheduler.paths.nfe.tolist() == [5, 5]
    call(pipe, prompts)
    np.testing.assert_array_equal(pipe.scheduler.paths.kpe, first.kpe)


def test_a_gain_that_turns_the_motion_back_stops_the_call() -> None:
    pipe, prompts = sd3()
    pipe.scheduler = KineticFlowMatchEulerScheduler.from_config(
        pipe.scheduler.config, gain=kp.KTS(alpha=0.0, beta=0.5)
    )
    with pytest.raises(kp.KinepathError, match="largest admissible beta"):
        call(pipe, prompts)


def test_a_saved_pipeline_comes_back_with_its_gain(tmp_path: Path) -> None:
    pipe, prompts = sd3()
    pipe.scheduler = KineticFlowMatchEulerScheduler.from_config(pipe.scheduler.config, gain=KTS)
    image, _ = call(pipe, prompts)
    kpe = pipe.scheduler.paths.kpe
    pipe.save_pretrained(tmp_path)
    absent = {name: None for name, part in pipe.components.items() if part is None}
    again = StableDiffusion3Pipeline.from_pretrained(tmp_path, **absent)
    again.set_progress_bar_config(disable=True)
    assert type(again.scheduler) is KineticFlowMatchEulerScheduler and again.scheduler.gain == KTS
    assert torch.equal(call(again, prompts)[0], image)
    np.testing.assert_array_equal(again.scheduler.paths.kpe, kpe)


def test_the_example_runs_offline_and_writes_only_where_it_is_told(tmp_path: Path) -> None:
    run = [sys.executable, str(EXAMPLE), "--out", "images"]
    done = subprocess.run(run, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert done.stdout.count("seed 3: KPE") == 3
    assert [path.name for path in tmp_path.iterdir()] == ["images"]
    assert len(list((tmp_path / "images").glob("*.png"))) == 12
