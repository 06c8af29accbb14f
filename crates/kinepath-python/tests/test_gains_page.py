"""docs/gains.md tells what the package does; and so does the mixture of docs/empirical.md."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kinepath as kp

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "gains.md").read_text(encoding="utf-8")
SHAPES = ("linear", "constant", "exponential")


def blocks(text: str, language: str) -> list[str]:
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    return found


def test_the_numbers_are_those_of_the_gains() -> None:
    table = PAGE[PAGE.index("## The README's gains in numbers") :].splitlines()
    (head,) = (line for line in table if line.startswith("| gain |"))
    times = [float(cell.replace("t =", "")) for cell in head.split("|")[2:-1]]
    rows = [line for line in table if line.startswith("| `")]
    assert len(rows) == 4 and len(times) == 8
    for row in rows:
        words, *etas = (cell.strip(" `") for cell in row.split("|")[1:-1])
        assert etas == [f"{kp.Gain(words).eta(t):.4f}" for t in times], words


@pytest.mark.parametrize("launch", SHAPES)
@pytest.mark.parametrize("landing", SHAPES)
def test_the_shapes_are_those_of_the_page(launch: Any, landing: Any) -> None:
    alpha, beta, split, rate = 0.2, 0.03, 0.55, 2.5
    rising = {"linear": lambda u: u, "constant": lambda u: 1.0}
    boost = rising | {"exponential": lambda u: math.expm1(rate * u) / math.expm1(rate)}
    damp = rising | {"exponential": lambda s: math.expm1(rate * s)}
    gain = kp.KTS(alpha, beta, split=split, launch=launch, landing=landing, rate=rate)
    for t in np.linspace(0, 1, 41):
        if t < split:
            expected = 1 + alpha * boost[launch](1 - t / split)
        else:
            expected = 1 - beta * damp[landing]((t - split) / (1 - split))
        assert gain.eta(t) == pytest.approx(expected, rel=1e-13)


def test_words_and_classes_are_the_same_gains() -> None:
    rows = re.findall(r"^\| \w+ \|.*\| `([^`]*)` \| `(kp\.[^`]*)` \|$", PAGE, re.MULTILINE)
    assert len(rows) == 5
    ceiling = [(0.0, 2.0), (0.5, 1.5)]
    for words, python in rows:
        written = words.replace("reference=RUN", "ceiling=0:2;0.5:1.5")
        assert eval(python, {"kp": kp, "ceiling": ceiling}) == kp.Gain(written), words
    assert kp.KTS() == kp.Gain("kts:") == kp.Gain(
        "kts:alpha=0.01,beta=0.01,split=0.6,launch=linear,landing=exponential,rate=3"
    )


def test_a_gain_may_be_in_a_file(tmp_path: Path) -> None:
    found, table = tmp_path / "tune.toml", tmp_path / "gain.txt"
    found.write_text('gain = "kts:alpha=0.02,beta=0"\nnote = "for people"\n')
    table.write_text("0 1.1\n0.5 1\n")
    assert kp.Gain(str(found)) == kp.KTS(0.02, 0.0)
    assert kp.Plan(10, gain=str(table)).gain == kp.TableGain([(0.0, 1.1), (0.5, 1.0)])
    found.write_text("beta = 1\n")
    with pytest.raises(kp.KinepathError, match="tune.toml"):
        kp.Gain(str(found))


@pytest.mark.parametrize("steps", [-1, 2.5, "many", 2**70])
def test_a_number_of_steps_that_is_none_is_named(steps: Any) -> None:
    for make in (
        kp.Grid.uniform,
        kp.Grid.cosine,
        lambda steps: kp.Grid.shifted(steps, 3.0),
        lambda steps: kp.Grid.named("uniform", steps),
    ):
        with pytest.raises(kp.KinepathError, match="number of steps of at least 1, got"):
            make(steps)


def test_the_largest_betas_are_those_that_are_taken() -> None:
    euler, others = re.findall(r"up to (0\.\d+)", PAGE)
    assert float(euler) == pytest.approx(1 / math.expm1(3 * 0.95), abs=1e-6)
    assert float(others) == pytest.approx(1 / math.expm1(3), abs=1e-6)
    for largest, solvers in ((euler, ["euler"]), (others, ["heun", "rk4", "dopri5"])):
        for solver in solvers:
            kp.Plan(50, solver, f"kts:alpha=0.01,beta={largest}")
            beyond = kp.KTS(0.01, float(largest) + 2e-6)
            with pytest.raises(kp.KinepathError, match=f"largest admissible beta .* is {largest}"):
                kp.Plan(50, solver, beyond)


def test_a_governed_gain_from_a_profile() -> None:
    block, loop = blocks(PAGE, "python")
    field, noise = kp.MixtureField([1.0], [[3.0, 0.0]], [0.25]), kp.noise(0, 200, (2,))
    space: dict[str, Any] = {"kp": kp, "np": np, "field": field, "noise": noise}
    exec(block, space)
    paths = kp.sample(field, noise, kp.Plan(50, gain=space["governed"]))
    exec(loop, space)
    assert space["factor"][0] == 1.0 and 0.0 < space["factor"][1] < 0.01
    damped = paths.mean_gain < 1.0
    assert 0.05 < damped.mean() < 0.4
    np.testing.assert_array_less(paths.kpe[damped], space["base"].kpe[damped])


def test_the_mixture_of_the_page_is_one() -> None:
    tomllib = pytest.importorskip("tomllib")
    (block,) = blocks((DOCS / "empirical.md").read_text(encoding="utf-8"), "toml")
    file = tomllib.loads(block)
    assert kp.MixtureField(**file).shape == [2]
    assert kp.MixtureField(**file | {"variances": [[0.1, 0.4], [0.3, 0.3]]}).shape == [2]
