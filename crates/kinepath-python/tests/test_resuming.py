"""A study of a model that was interrupted goes on where it was, and nothing else is taken for it."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kinepath as kp

TRAIN = np.random.default_rng(7).normal(size=(40, 1, 4, 4)).astype(np.float32)
FIELD = kp.EmpiricalField(TRAIN)
GAINS: dict[str, kp.Gain | str] = {"slow": "table:0=0.5", "kts": "kts:alpha=0.1,beta=0"}
EVERY = ["unit", "table:0=0.5", str(kp.KTS(0.1, 0.0))]


class Sampler:
    """Notes the gains it is asked for, once for each batch, and fails at one of them."""

    def __init__(self, failing: str | None = None) -> None:
        self.asked: list[str] = []
        self.failing = None if failing is None else str(kp.Gain(failing))

    def __call__(self, noise: Any, plan: kp.Plan, labels: Any = None) -> kp.Paths[Any]:
        self.asked.append(str(plan.gain))
        if str(plan.gain) == self.failing:
            raise ZeroDivisionError
        return kp.sample(FIELD, noise, plan)


def study(sampler: Any, out: Path, **change: Any) -> kp.Study:
    given: dict[str, Any] = {
        "plan": kp.Plan(5),
        "gains": GAINS,
        "count": 8,
        "shape": (1, 4, 4),
        "train": TRAIN,
        "resamples": 50,
        **change,
    }
    return kp.study_model(sampler, out=out, **given)


def interrupted(out: Path, **change: Any) -> None:
    """A study whose sampler fails at its last gain."""
    failing = Sampler("kts:alpha=0.1,beta=0")
    with pytest.raises(ZeroDivisionError):
        study(failing, out, **change)
    assert failing.asked == EVERY


def test_what_was_sampled_whole_is_kept(tmp_path: Path) -> None:
    interrupted(tmp_path / "study")
    told: list[tuple[str, float]] = []
    again = Sampler()
    with pytest.warns(UserWarning, match=r"2 of 3 runs .* called 'model' too.*resume=False") as warned:
        resumed = study(again, tmp_path / "study", progress=lambda *what: told.append(what))
    assert [warning.filename for warning in warned] == [__file__]
    assert again.asked == EVERY[2:]
    assert told[:2] == [("sampling", 2 / 3), ("sampling", 1.0)]
    whole = study(Sampler(), tmp_path / "whole")
    for name in ("baseline", *GAINS):
        assert resumed.figures(name) == whole.figures(name)
    assert resumed.verdicts == whole.verdicts
    # It is done: the next one is another.
    anew = Sampler()
    study(anew, tmp_path / "study")
    assert anew.asked == EVERY


def test_a_study_that_was_interrupted_while_it_judged_goes_on(tmp_path: Path) -> None:
    def stop(stage: str, done: float) -> None:
        if stage != "sampling":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        study(Sampler(), tmp_path, progress=stop)
    again = Sampler()
    study(again, tmp_path)
    assert again.asked == []


@pytest.mark.parametrize(
    "change",
    [
        {"resume": False},
        {"name": "another"},
        {"seed": 1},
        {"count": 9},
        {"labels": [0] * 8},
        {"plan": kp.Plan(6)},
        {"plan": kp.Plan(5, "midpoint")},
        {"shape": (4, 4), "train": TRAIN[:, 0]},
    ],
    ids=lambda change: ",".join(change),
)
def test_another_study_begins_anew(tmp_path: Path, change: dict[str, Any]) -> None:
    interrupted(tmp_path)
    other = Sampler("table:0=0.5")
    if change.get("shape") == (4, 4):
        field = kp.EmpiricalField(TRAIN[:, 0])

        def flat(noise: Any, plan: kp.Plan) -> kp.Paths[Any]:
            other.asked.append(str(plan.gain))
            return kp.sample(field, noise, plan)

        study(flat, tmp_path, **change)
        assert other.asked == EVERY
        return
    with pytest.raises(ZeroDivisionError):
        study(other, tmp_path, **change)
    assert other.asked == EVERY[:2]
    # What it sampled itself is now what there is to go on with.
    if change != {"resume": False}:
        again = Sampler()
        study(again, tmp_path, **change)
        assert again.asked == EVERY[1:]


def test_labels_that_are_gone_begin_anew(tmp_path: Path) -> None:
    interrupted(tmp_path, labels=[0, 1] * 4)
    again = Sampler()
    study(again, tmp_path)
    assert again.asked == EVERY


def test_a_run_that_is_damaged_or_no_study_listed_is_sampled(tmp_path: Path) -> None:
    interrupted(tmp_path)
    (tmp_path / "runs" / "0-baseline" / "run.toml").unlink()
    again = Sampler("kts:alpha=0.1,beta=0")
    with pytest.raises(ZeroDivisionError):
        study(again, tmp_path)
    assert again.asked == [EVERY[0], EVERY[2]]
    for text in ("no list", json.dumps({"sampled": 3}), json.dumps({"sampled": []})):
        (tmp_path / "kinepath-sampled.json").write_text(text)
        again = Sampler("unit")
        with pytest.raises(ZeroDivisionError):
            study(again, tmp_path)


MEANS, VARIANCES = [[0.0] * 16, [1.0] * 16], [0.5, 0.5]
FIELDS: list[Callable[[], kp.Field]] = [
    lambda: kp.EmpiricalField(TRAIN),
    lambda: kp.EmpiricalField(-TRAIN),
    lambda: kp.EmpiricalField(TRAIN[:-1]),
    lambda: kp.MixtureField([1.0, 3.0], MEANS, VARIANCES),
    lambda: kp.MixtureField([1.0, 2.0], MEANS, VARIANCES),
    lambda: kp.MixtureField([1.0, 3.0], MEANS, [0.5, 0.25]),
]


@pytest.mark.parametrize("number", range(len(FIELDS)))
def test_a_field_is_known_by_what_it_is_made_from(number: int, tmp_path: Path) -> None:
    sampled: list[float] = []

    def note(stage: str, done: float) -> None:
        if stage != "sampling":
            raise KeyboardInterrupt
        sampled.append(done)

    def sampled_by(model: Any) -> int:
        """How many times sampling was told of: after every batch, and of what was kept."""
        sampled.clear()
        with pytest.raises(KeyboardInterrupt), warnings.catch_warnings():
            warnings.simplefilter("error")
            study(model, tmp_path, progress=note, train=TRAIN.reshape(40, -1))
        return len(sampled)

    assert sampled_by(FIELDS[number]()) == 3
    assert sampled_by(FIELDS[number]()) == 1 and sampled == [1.0]
    for other in (*FIELDS[:number], *FIELDS[number + 1 :]):
        assert sampled_by(other()) == 3
        assert sampled_by(FIELDS[number]()) == 3
    # A function that is called as fields are when nobody names them.
    function = Sampler()
    with pytest.raises(KeyboardInterrupt):
        study(function, tmp_path, progress=note)
    assert function.asked == EVERY


def test_a_network_is_known_by_its_file(tmp_path: Path) -> None:
    models = Path(__file__).parents[2] / "kinepath-onnx" / "tests" / "fixtures" / "models"
    field = kp.OnnxField(models / "labelled.onnx")
    labels, train = [0, 1] * 4, kp.noise(1, 20, field.shape)
    given: dict[str, Any] = {"labels": labels, "train": train, "shape": None}

    def stop(stage: str, done: float) -> None:
        if stage != "sampling":
            raise KeyboardInterrupt

    sampled: list[float] = []

    def note(stage: str, done: float) -> None:
        if stage == "sampling":
            sampled.append(done)

    with pytest.raises(KeyboardInterrupt):
        study(field, tmp_path, progress=stop, **given)
    # Its name says nothing.
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        study(field, tmp_path, name="other", progress=note, **given)
    assert sampled == [1.0]
    with pytest.raises(KeyboardInterrupt):
        study(field, tmp_path, progress=stop, **given)
    guided = kp.OnnxField(models / "labelled.onnx", guidance=(2.0, 1))
    sampled.clear()
    study(guided, tmp_path, progress=note, **given)
    assert len(sampled) == 3
