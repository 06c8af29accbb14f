"""Guidance in the torch executor: against loops by hand and the core's guided fields."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, get_args

import numpy as np
import pytest
import torch
from networks import TinyUNet
from torch import Tensor

import kinepath as kp
import kinepath.torch as kpt
from kinepath.torch.guidance import Style

SHAPE = (1, 8, 8)
NOISE = torch.from_numpy(kp.noise(3, 4, SHAPE))
LABELS, NULL = torch.tensor([1, 2, 3, 1]), torch.zeros(4, dtype=torch.int64)


def noise() -> Tensor:
    return NOISE.clone()


@pytest.mark.parametrize("scale", [0.0, 1.0, 2.5])
@pytest.mark.parametrize("as_extras", [False, True])
def test_guidance_is_that_of_a_model_guided_by_hand(scale: float, as_extras: bool) -> None:
    network, plan = TinyUNet(classes=4), kp.Plan(8, "heun")
    labels, null = torch.tensor([1, 2, 3, 1]), torch.zeros(4, dtype=torch.int64)

    def by_hand(x: Tensor, t: Tensor) -> Any:
        unguided = network(x, t, null)
        return unguided + scale * (network(x, t, labels) - unguided)

    wrap = (lambda y: {"labels": y}) if as_extras else (lambda y: y)
    guided = kpt.sample(
        network,
        noise(),
        plan,
        guidance_scale=scale,
        condition=wrap(labels),
        null_condition=wrap(null),
    )
    expected = kpt.sample(by_hand, noise(), plan)
    np.testing.assert_allclose(guided.endpoints, expected.endpoints, atol=1e-5)
    np.testing.assert_allclose(guided.kpe, expected.kpe, rtol=1e-5)
    assert plan.nfe is not None and guided.nfe.tolist() == [2 * plan.nfe] * 4
    conditional = kpt.sample(network, noise(), plan, condition=wrap(labels))
    assert conditional.nfe.tolist() == [plan.nfe] * 4
    if scale == 1.0:
        np.testing.assert_allclose(guided.kpe, conditional.kpe, rtol=1e-6)
    absent = kpt.sample(
        network, noise(), plan, guidance_scale=0.0, condition=wrap(labels), null_condition={}
    )
    np.testing.assert_allclose(absent.kpe, kpt.sample(network, noise(), plan).kpe, rtol=1e-6)


def test_parts_of_a_guided_velocity_are_its_own_at_both_ends() -> None:
    network, plan = TinyUNet(classes=4), kp.Plan(8, "rk4", kp.KTS(alpha=0.1, beta=0.05))
    labels, null = torch.tensor([1, 2, 3, 1]), torch.zeros(4, dtype=torch.int64)
    conditions: dict[str, Any] = {"condition": labels, "null_condition": null}

    def parts(scale: float) -> Any:
        record = kp.Record(parts=True)
        return kpt.sample(network, noise(), plan, guidance_scale=scale, record=record, **conditions)

    one, none = parts(1.0), parts(0.0)
    np.testing.assert_allclose(one.parts.conditional, one.kpe, rtol=1e-6)
    np.testing.assert_allclose(none.parts.unconditional, none.kpe, rtol=1e-6)
    assert (abs(one.parts.unconditional / one.kpe - 1) > 1e-3).all()
    np.testing.assert_array_equal(one.table()["kpe_conditional"], one.parts.conditional)
    assert kpt.sample(network, noise(), plan, guidance_scale=1.0, **conditions).parts is None
    with pytest.raises(kp.KinepathError, match="parts .* guided velocity only"):
        kpt.sample(network, noise(), plan, condition=labels, record=kp.Record(parts=True))


class Euler:
    """A guided Euler loop by hand, and what it measures."""

    def __init__(
        self,
        network: Callable[[Tensor, Tensor, Tensor], Tensor],
        scale: Any,
        interval: tuple[float, float],
        steps: int,
    ) -> None:
        x, self.nfe, self.kpe, parts = NOISE, 0, np.zeros(4), np.zeros((2, 4))
        for step in range(steps):
            t = step / steps
            v = conditional = network(x, torch.full((4,), t), LABELS)
            self.nfe += 1
            parts[0] += self.energy(conditional, steps)
            if interval[0] <= t <= interval[1]:
                without = network(x, torch.full((4,), t), NULL)
                v = without + scale * (conditional - without)
                self.nfe += 1
                parts[1] += self.energy(without, steps)
            self.kpe += self.energy(v, steps)
            x = x + v / steps
        self.end, self.conditional, self.unconditional = x, parts[0], parts[1]

    @staticmethod
    def energy(v: Tensor, steps: int) -> Any:
        return (v.double().square().sum((1, 2, 3)) / (2 * steps)).numpy()


@torch.no_grad()
@pytest.mark.parametrize("style", ["calls", "doubled"])
@pytest.mark.parametrize("interval", [None, (0.25, 0.75), (0.3, 0.55)])
@pytest.mark.parametrize("rows", [False, True])
@pytest.mark.parametrize("batch_size", [None, 3])
def test_an_interval_a_scale_for_each_and_a_doubled_batch_are_a_loop_by_hand(
    style: Any, interval: Any, rows: bool, batch_size: int | None
) -> None:
    network, scales = TinyUNet(classes=4), torch.tensor([0.5, 1.0, 2.5, 7.0])
    scale = scales if rows else 2.5
    paths = kpt.sample(
        network,
        NOISE,
        kp.Plan(8),
        guidance_scale=scale,
        condition=LABELS,
        null_condition=NULL,
        guidance_interval=interval,
        guidance_style=style,
        batch_size=batch_size,
        record=kp.Record(parts=True),
    )
    column = scales[:, None, None, None] if rows else 2.5
    expected = Euler(network, column, interval or (0.0, 1.0), 8)
    torch.testing.assert_close(paths.endpoints, expected.end, rtol=1e-6, atol=5e-6)
    assert paths.nfe.tolist() == [expected.nfe] * 4 and paths.parts is not None
    for found, wanted in [
        (paths.kpe, expected.kpe),
        (paths.parts.conditional, expected.conditional),
        (paths.parts.unconditional, expected.unconditional),
    ]:
        np.testing.assert_allclose(found, wanted, rtol=3e-6)


@pytest.mark.parametrize("solver", ["euler", "heun", "rk4"])
@pytest.mark.parametrize("interval", [(0.2, 0.65), (0.85, 0.9), (0.999, 1.0)])
@pytest.mark.parametrize("quadrature", ["solver", "left"])
def test_what_counts_within_an_interval_is_the_core_s(
    guided_file: Any, solver: str, interval: tuple[float, float], quadrature: str
) -> None:
    guidance = kp.Guidance(2.5, null_label=0, interval=interval)
    field = kp.OnnxField(guided_file, guidance=guidance)
    plan, record = kp.Plan(10, solver, "kts", quadrature=quadrature), kp.Record(parts=True)
    core = kp.sample(field, NOISE.numpy(), plan, labels=LABELS.tolist(), record=record)
    paths = kpt.sample(
        TinyUNet(classes=4),
        NOISE,
        plan,
        guidance_scale=2.5,
        condition=LABELS,
        null_condition=torch.tensor(0),
        guidance_interval=interval,
        guidance_style="doubled",
        record=record,
    )
    assert list(core.table()) == list(paths.table())
    for name, column in core.table().items():
        np.testing.assert_allclose(paths.table()[name], column, rtol=1e-5, atol=1e-8, err_msg=name)


@pytest.fixture(scope="module")
def guided_file(tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("guided") / "network.onnx"
    examples = (torch.zeros(2, *SHAPE), torch.zeros(2), torch.zeros(2, dtype=torch.int64))
    kp.export_onnx(TinyUNet(classes=4), examples, path)
    return path


def attending(x: Tensor, t: Tensor, prompt: Any = None, *, text: Any = None, **more: Any) -> Tensor:
    """A model of embeddings ``[B, L, C]`` and a mask, as one tensor, several, or by name."""
    (words, mask) = prompt if prompt is not None else (text, more["mask"])
    assert words.shape[0] == mask.shape[0] == x.shape[0] and more.get("flag", 1) == 1
    mean = (words * mask[..., None]).sum((1, 2)) / mask.sum(1)
    velocity: Tensor = -x * (0.5 + mean[:, None, None, None]) * (1 + t)[:, None, None, None]
    return velocity


@pytest.mark.parametrize("form", ["tuple", "mapping"])
@pytest.mark.parametrize("null_rows", ["each", "one", "none"])
@pytest.mark.parametrize("batch_size", [None, 3])
def test_conditions_of_several_tensors_go_in_one_batch(
    form: str, null_rows: str, batch_size: int | None
) -> None:
    generator = torch.Generator().manual_seed(0)
    words, mask = torch.rand(4, 5, 2, generator=generator), torch.ones(4, 5)
    mask[1, 3:] = 0.0
    nothing, all_of_it = torch.rand(1, 5, 2, generator=generator), torch.ones(1, 5)
    if null_rows == "each":
        nothing, all_of_it = nothing.expand(4, 5, 2), all_of_it.expand(4, 5)
    elif null_rows == "none":
        nothing, all_of_it = nothing[0], all_of_it[0]
    conditions: Any = (words, mask), (nothing, all_of_it)
    if form == "mapping":
        conditions = [{"text": a, "mask": b, "flag": 1} for a, b in conditions]
    paths = kpt.sample(
        attending,
        NOISE,
        kp.Plan(6),
        guidance_scale=2.0,
        condition=conditions[0],
        null_condition=conditions[1],
        guidance_style="doubled",
        batch_size=batch_size,
    )

    def by_hand(x: Tensor, t: Tensor) -> Tensor:
        without = attending(x, t, (nothing.expand(4, 5, 2), all_of_it.expand(4, 5)))
        return without + 2.0 * (attending(x, t, (words, mask)) - without)

    expected = kpt.sample(by_hand, NOISE, kp.Plan(6))
    np.testing.assert_allclose(paths.kpe, expected.kpe, rtol=2e-6)
    torch.testing.assert_close(paths.endpoints, expected.endpoints, rtol=1e-5, atol=1e-6)


class Prompt(NamedTuple):
    """Embeddings by name, and a strength."""

    words: Tensor
    strength: Tensor


@pytest.mark.parametrize("shape", [(4, 5, 2), (1, 5, 2), (1,), ()])
@pytest.mark.parametrize("batch_size", [None, 3])
def test_a_named_tuple_goes_to_the_model_as_it_is_in_either_style(
    shape: tuple[int, ...], batch_size: int | None
) -> None:
    words, nothing = torch.rand(shape), torch.rand(shape)

    def model(x: Tensor, t: Tensor, prompt: Prompt) -> Tensor:
        assert isinstance(prompt, Prompt)
        mean = prompt.words.reshape(len(prompt.words), -1).mean(1) if shape else prompt.words
        velocity: Tensor = -x * (mean * prompt.strength).reshape(-1, 1, 1, 1)
        return velocity

    conditions: dict[str, Any] = {
        "condition": Prompt(words, torch.tensor([1.0, 2.0, 3.0, 4.0])),
        "null_condition": Prompt(nothing, torch.ones(4)),
    }
    calls, doubled = (
        kpt.sample(
            model,
            NOISE,
            kp.Plan(6),
            guidance_scale=2.0,
            guidance_style=style,
            batch_size=batch_size,
            **conditions,
        )
        for style in get_args(Style)
    )
    np.testing.assert_allclose(doubled.kpe, calls.kpe, rtol=1e-6)
    torch.testing.assert_close(doubled.endpoints, calls.endpoints)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"guidance_scale": 2.0}, "needs both"),
        ({"guidance_scale": 2.0, "condition": 1}, "null_condition={}"),
        ({"condition": 1, "null_condition": 0}, "give guidance_scale"),
        ({"condition": 1, "guidance_interval": (0.1, 0.2)}, "give guidance_scale"),
        ({"condition": 1, "guidance_style": "doubled"}, "give guidance_scale"),
    ],
)
def test_half_a_guidance_is_refused(arguments: Any, words: str) -> None:
    with pytest.raises(kp.KinepathError, match=words):
        kpt.sample(lambda x, t, *condition: -x, NOISE, kp.Plan(4), **arguments)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"guidance_scale": float("inf")}, "scale is inf"),
        ({"guidance_scale": torch.tensor([1.0, 2.0, float("nan"), 1.0])}, "of a sample is NaN"),
        ({"guidance_scale": torch.ones(3)}, r"shape \[4\] on cpu; got .* shape \[3\]"),
        ({"guidance_scale": torch.ones(4).long()}, "got torch.int64"),
        ({"guidance_scale": np.ones(4)}, "a number or a tensor"),
        ({"guidance_interval": (0.5, 0.5)}, "from t = 0.5 to 0.5: an interval"),
        ({"guidance_interval": (-0.1, 0.5)}, r"from t = -0\.1"),
        ({"guidance_interval": 0.5}, "an interval two times"),
        ({"guidance_style": "twice"}, "unknown guidance style 'twice'; use calls or doubled"),
        ({"null_condition": torch.zeros(4, 3)}, r"\[4\] on cpu and its null .*guidance_style=.calls"),
        ({"null_condition": {}}, "a dict do not go in one batch of 8 rows"),
        ({"condition": {"y": LABELS}, "null_condition": {}}, "has y, the null condition nothing"),
        ({"condition": (LABELS,), "null_condition": (NULL, NULL)}, "a tuple and its null a tuple"),
        ({"condition": 1.0, "null_condition": 0.0}, "a float and its null a float"),
        ({"condition": 1, "null_condition": torch.zeros(3)}, r"a int and its null a tensor of shape \[3\]"),
        ({"condition": 1, "null_condition": np.zeros(4)}, "a int and its null a ndarray"),
        ({"condition": torch.ones(5, 2), "null_condition": torch.zeros(5, 2)}, "in one batch of 8 rows"),
        ({"condition": torch.ones(8), "null_condition": torch.zeros(8)}, "in one batch of 8 rows"),
    ],
)
def test_a_guidance_that_cannot_be_is_refused_before_any_evaluation(
    changed: dict[str, Any], words: str
) -> None:
    def never(x: Tensor, t: Tensor, y: Any) -> Tensor:
        raise AssertionError("evaluated")

    arguments: dict[str, Any] = {
        "guidance_scale": 2.0,
        "condition": LABELS,
        "null_condition": NULL,
        "guidance_style": "doubled",
    }
    with pytest.raises(kp.KinepathError, match=words):
        kpt.sample(never, NOISE, kp.Plan(4), **arguments | changed)
