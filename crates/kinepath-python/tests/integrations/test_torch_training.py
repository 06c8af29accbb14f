"""Models in training mode are warned of, wherever they are, and others are not."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import pytest
import torch
from diffusers.models.embeddings import LabelEmbedding
from networks import TinyUNet
from torch import Tensor, nn

import kinepath as kp
import kinepath.torch as kpt

NOISE = torch.from_numpy(kp.noise(3, 4, (1, 8, 8)))


class WithParts(nn.Module):
    """A model of time and state that has further parts."""

    def __init__(self, *parts: nn.Module) -> None:
        super().__init__()
        self.parts = nn.Sequential(*parts)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        velocity: Tensor = self.parts(x)
        return velocity


class TimeFirst(WithParts):
    """The arguments of torchcfm."""

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        return super().forward(t, x)


class Beside(nn.Module):
    """Has a part that the test does not need to call."""

    def __init__(self, part: nn.Module) -> None:
        super().__init__()
        self.part = part

    def forward(self, x: Tensor) -> Tensor:
        return x


class LabelEmbedder(nn.Module):
    """As in SiT and DiT, which drop labels themselves."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.dropout_prob = rate


class DropPath(nn.Module):
    """As in timm, which drops what a block adds."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.drop_prob = rate


@pytest.mark.parametrize(
    "part",
    [
        nn.Dropout(0.5),
        nn.Dropout2d(0.1),
        nn.BatchNorm2d(1),
        Beside(nn.MultiheadAttention(4, 2, dropout=0.1)),
        Beside(nn.LSTM(4, 4, num_layers=2, dropout=0.1)),
        Beside(LabelEmbedder(0.1)),
        Beside(DropPath(0.1)),
        Beside(LabelEmbedding(10, 4, dropout_prob=0.1)),
    ],
)
def test_training_mode_is_warned_of_where_it_changes_velocities(part: nn.Module) -> None:
    model = WithParts(nn.Identity(), part)
    name = type(getattr(part, "part", part)).__name__
    with pytest.warns(UserWarning, match=rf"its {name} parts\.1.*eval\(\)") as told:
        kpt.sample(model, NOISE, kp.Plan(3))
    assert len(told) == 1 and told[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        kpt.sample(model.eval(), NOISE, kp.Plan(3))


@pytest.mark.parametrize(
    "part",
    [
        nn.Dropout(0.0),
        nn.BatchNorm2d(1, track_running_stats=False),
        nn.GroupNorm(1, 1),
        Beside(nn.MultiheadAttention(4, 2)),
        Beside(LabelEmbedder(0.0)),
        Beside(DropPath(0.0)),
    ],
)
def test_modules_that_training_does_not_change_are_not_warned_of(part: nn.Module) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        kpt.sample(kpt.converted(WithParts(part)), NOISE, kp.Plan(3))


def decorated(model: WithParts) -> Callable[[Tensor, Tensor], Tensor]:
    @wraps(model.forward)
    def call(x: Tensor, t: Tensor) -> Tensor:
        velocity: Tensor = model(x, t)
        return velocity

    return call


def compiled_in_place(model: WithParts) -> WithParts:
    model.compile(backend="eager")
    return model


def own(x: Tensor, t: Tensor) -> Tensor:
    return -x


AROUND: dict[str, Callable[[WithParts], Any]] = {
    "swapped": lambda model: kpt.swapped(kpt.swapped(model)),
    "converted": lambda model: kpt.converted(model, time="scaled:1000"),
    "method": lambda model: model.forward,
    "method of an adapter": lambda model: kpt.converted(model).forward,
    "adapter of a method": lambda model: kpt.converted(kpt.swapped(kpt.swapped(model.forward))),
    "partial": lambda model: partial(model),
    "argument of a partial": lambda model: partial(lambda net, x, t: net(x, t), model),
    "decorated": decorated,
    "compiled": lambda model: torch.compile(model, backend="eager"),
    "compiled method": lambda model: torch.compile(model.forward, backend="eager"),
    "compiled in place": compiled_in_place,
}


@pytest.mark.parametrize("kind", AROUND)
def test_a_model_behind_something_else_is_found(kind: str) -> None:
    model = WithParts(nn.Dropout(0.5))
    around = AROUND[kind](model)
    with pytest.warns(UserWarning, match=r"its Dropout .*parts\.0") as told:
        kpt.sample(around, NOISE, kp.Plan(2))
    assert [warning.filename for warning in told] == [__file__]
    model.eval()
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        kpt.sample(around, NOISE, kp.Plan(2))


def test_the_mode_of_an_adapter_is_that_of_its_model() -> None:
    model = kpt.converted(kpt.swapped(TimeFirst(nn.Dropout(0.5)))).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        kpt.sample(model, NOISE, kp.Plan(2))


def test_a_start_is_warned_of_unless_gradients_are_wanted() -> None:
    field = kpt.AugmentedField(WithParts(nn.Dropout(0.5)), (1, 8, 8))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        field.start(NOISE)
    with torch.no_grad(), pytest.warns(UserWarning, match=r"Dropout parts\.0") as told:
        field.start(NOISE)
    assert told[0].filename == __file__


@pytest.mark.parametrize("wrap", [kpt.swapped, kpt.converted])
def test_adapters_are_modules_that_can_be_pickled_and_shown(wrap: Callable[..., Any]) -> None:
    network = TinyUNet(width=4)
    adapter = wrap(wrap(network))
    assert len(list(adapter.parameters())) == len(list(network.parameters()))
    copy, t = pickle.loads(pickle.dumps(adapter)), torch.full((4,), 0.3)
    torch.testing.assert_close(copy(NOISE, t), network(NOISE, t))
    assert "TinyUNet" in repr(adapter)


def test_adapters_of_functions_show_them() -> None:
    shown = repr(kpt.converted(kpt.swapped(own), predicts="data", time="reversed"))
    assert "Swapped(<function own" in shown and "predicts=data, time=reversed" in shown
    shown = repr(kpt.AugmentedField(own, (2, 3), "ssc:alpha=0.1,power=1"))
    assert "shape=(2, 3), gain=ssc:alpha=0.1,power=1" in shown
