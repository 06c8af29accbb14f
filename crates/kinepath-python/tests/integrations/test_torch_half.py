"""Models in half precision, whose times are in float32."""

from __future__ import annotations

import sys
import traceback

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import kinepath as kp
import kinepath.torch as kpt


class AsSiT(nn.Module):
    """Embeds its times in float32 whatever its weights are in, as SiT and DiT do."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embed = nn.Linear(2, 6)
        self.leave = nn.Linear(6, 6)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        angles = t[:, None].float() * torch.tensor([1.0, 3.0])
        velocity: Tensor = self.leave(torch.tanh(x + self.embed(angles)))
        return velocity


class OfTime(nn.Module):
    """Takes its times as they come."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(7, 6)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        velocity: Tensor = self.layer(torch.cat([x, t[:, None]], 1))
        return velocity


NOISE = torch.from_numpy(kp.noise(0, 4, (6,)))
PLAN = kp.Plan(10)


@pytest.mark.parametrize("make", [AsSiT, OfTime])
def test_a_model_that_mixes_types_is_sampled_under_autocast(make: type[nn.Module]) -> None:
    expected = kpt.sample(make(), NOISE, PLAN)
    for model, noise in [(make().bfloat16(), NOISE.bfloat16()), (make(), NOISE)]:
        with torch.autocast("cpu", torch.bfloat16):
            paths = kpt.sample(model, noise, PLAN)
        np.testing.assert_allclose(paths.kpe, expected.kpe, rtol=0.03)


def test_a_model_of_time_may_be_given_it_in_its_own_type() -> None:
    model = OfTime().bfloat16()
    paths = kpt.sample(lambda x, t: model(x, t.to(x.dtype)), NOISE.bfloat16(), PLAN)
    np.testing.assert_allclose(paths.kpe, kpt.sample(OfTime(), NOISE, PLAN).kpe, rtol=0.03)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="errors have no notes")
@pytest.mark.parametrize("make", [AsSiT, OfTime])
def test_what_helps_is_noted_at_the_error(make: type[nn.Module]) -> None:
    with pytest.raises(RuntimeError, match="dtype") as raised:
        kpt.sample(make().bfloat16(), NOISE.bfloat16(), PLAN)
    shown = "".join(traceback.format_exception(raised.value))
    assert "times in torch.float32" in shown and "torch.autocast" in shown
    with pytest.raises(RuntimeError, match="dtype") as raised:
        kpt.sample(make().bfloat16(), NOISE, PLAN)
    assert "torch.autocast" not in "".join(traceback.format_exception(raised.value))
