"""Configurations that a scheduler may be made of, among all that diffusers has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import diffusers
import pytest
from diffusers import (
    DDIMScheduler,
    FlowMatchEulerDiscreteScheduler,
    LTXEulerAncestralRFScheduler,
    UniPCMultistepScheduler,
)

import kinepath as kp
from kinepath.diffusers import KineticFlowMatchEulerScheduler, KineticFlowMatchHeunScheduler

KINETIC: list[Any] = [KineticFlowMatchEulerScheduler, KineticFlowMatchHeunScheduler]
FLOWS = [name for name in dir(diffusers) if name.startswith("FlowMatch") and name.endswith("Scheduler")]
DIFFUSIONS = [
    "DDIMScheduler",
    "DDPMScheduler",
    "DPMSolverMultistepScheduler",
    "EDMEulerScheduler",
    "EulerDiscreteScheduler",
    "LCMScheduler",
    "PNDMScheduler",
]


@pytest.mark.parametrize("kinetic", KINETIC)
@pytest.mark.parametrize("name", FLOWS)
def test_every_flow_matching_scheduler_gives_way(kinetic: Any, name: str, tmp_path: Path) -> None:
    stock = getattr(diffusers, name)(shift=3.0)
    stock.save_config(tmp_path)
    made = [
        kinetic.from_config(stock.config, gain="ssc:alpha=0.1,power=1"),
        kinetic.from_config(dict(stock.config), gain="ssc:alpha=0.1,power=1"),
        kinetic.from_pretrained(tmp_path, gain="ssc:alpha=0.1,power=1"),
    ]
    made += [kinetic.from_config(scheduler.config) for scheduler in made]
    for scheduler in made:
        assert scheduler.config.shift == 3.0 and scheduler.gain == kp.SSC(0.1, 1.0)
    scheduler, unused = kinetic.from_config({"shift": 2.0, "other": 1}, return_unused_kwargs=True)
    assert scheduler.config.shift == 2.0 and unused == {"other": 1}


class OwnFlowScheduler(FlowMatchEulerDiscreteScheduler):
    """A user's, whose name tells nothing."""


class OwnFlow(FlowMatchEulerDiscreteScheduler):
    """Another."""


class OwnDiffusion(DDIMScheduler):
    """A user's too."""


@pytest.mark.parametrize("kinetic", KINETIC)
@pytest.mark.parametrize("own", [OwnFlowScheduler, OwnFlow])
def test_a_flow_of_the_user_s_own_class_gives_way(kinetic: Any, own: Any, tmp_path: Path) -> None:
    own_diffusion: Any = OwnDiffusion
    own(shift=3.0).save_config(tmp_path)
    assert own.__name__ in (tmp_path / "scheduler_config.json").read_text()
    assert kinetic.from_pretrained(tmp_path).config.shift == 3.0
    own_diffusion().save_config(tmp_path)
    with pytest.raises(kp.KinepathError, match="that of OwnDiffusion, .*predicts 'epsilon'.* no velocity"):
        kinetic.from_pretrained(tmp_path)


@pytest.mark.parametrize("kinetic", KINETIC)
def test_a_scheduler_that_says_it_may_be_in_a_flow_s_place_gives_way(
    kinetic: Any, tmp_path: Path
) -> None:
    stock: Any = LTXEulerAncestralRFScheduler(num_train_timesteps=500)
    stock.save_config(tmp_path)
    assert kinetic.from_pretrained(tmp_path).config.num_train_timesteps == 500


@pytest.mark.parametrize("name", ["IPNDMScheduler", "KarrasVeScheduler", "DDPMWuerstchenScheduler"])
def test_a_scheduler_that_tells_no_prediction_is_not_taken_for_a_flow_s(
    name: str, tmp_path: Path
) -> None:
    getattr(diffusers, name)().save_config(tmp_path)
    with pytest.raises(kp.KinepathError, match=f"that of {name}, which is not known for .*trained_on"):
        KineticFlowMatchEulerScheduler.from_pretrained(tmp_path)


@pytest.mark.parametrize("kinetic", KINETIC)
@pytest.mark.parametrize("name", DIFFUSIONS)
def test_the_configuration_of_a_diffusion_is_refused(
    kinetic: Any, name: str, tmp_path: Path
) -> None:
    stock = getattr(diffusers, name)()
    with pytest.raises(kp.KinepathError, match="another scheduler.* no velocity .*trained_on"):
        kinetic.from_config(stock.config)
    stock.save_config(tmp_path)
    with pytest.raises(kp.KinepathError, match=rf"that of {name}.* no velocity"):
        kinetic.from_pretrained(tmp_path)


def test_a_flow_s_configuration_of_another_scheduler_is_told_the_way(tmp_path: Path) -> None:
    """As that of Wan."""
    uni: Any = UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=5.0
    )
    config, words = uni.config, r", not of .* KineticFlowMatchHeunScheduler\(shift=5\.0\)"
    with pytest.raises(kp.KinepathError, match="another scheduler" + words):
        KineticFlowMatchHeunScheduler.from_config(config)
    uni.save_config(tmp_path)
    with pytest.raises(kp.KinepathError, match="UniPCMultistepScheduler" + words):
        KineticFlowMatchHeunScheduler.from_pretrained(tmp_path)
    # What diffusers makes of it by itself keeps the words of the other.
    stock: Any = FlowMatchEulerDiscreteScheduler.from_config(config, shift=5.0)
    assert stock.config.prediction_type == "flow_prediction"
    assert KineticFlowMatchEulerScheduler.from_config(stock.config).config.shift == 5.0
    of_v: Any = DDIMScheduler(prediction_type="v_prediction")
    noisy: Any = FlowMatchEulerDiscreteScheduler.from_config(of_v.config)
    with pytest.raises(kp.KinepathError, match="predicts 'v_prediction'"):
        KineticFlowMatchEulerScheduler.from_config(noisy.config)
