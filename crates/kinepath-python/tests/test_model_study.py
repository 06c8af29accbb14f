"""Studies of models: the runs are those that sampling each gain by hand gives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_examples import write_folder

import kinepath as kp

RANDOM = np.random.default_rng(7)
TRAIN = RANDOM.normal(size=(40, 1, 4, 4)).astype(np.float32)
GAINS: dict[str, kp.Gain | str] = {"slow": kp.TableGain([(0.0, 0.2)]), "kts": "kts:alpha=0.1,beta=0"}


def test_every_gain_is_sampled_from_the_same_noise_and_compared(tmp_path: Path) -> None:
    field, plan = kp.EmpiricalField(TRAIN), kp.Plan(20)
    study = kp.study_model(
        field, plan, GAINS, count=48, seed=3, batch=20, train=TRAIN, out=tmp_path, resamples=500
    )
    noise = kp.noise(3, 48, (1, 4, 4))
    for number, (name, gain) in enumerate({"baseline": "unit", **GAINS}.items()):
        run = kp.read_run(tmp_path / "runs" / f"{number}-{name}")
        paths = kp.sample(field, noise, plan.with_gain(gain), record=kp.Record(profile=True))
        np.testing.assert_allclose(run.samples, paths.endpoints, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(run.table()["kpe"], paths.kpe, rtol=1e-5)
        assert run.profile is not None and run.profile.shape == (48, 20)
        assert paths.posterior is not None and run.certificate is not None
        np.testing.assert_array_equal(run.table()["top_index"], paths.posterior.top)
        assert run.posterior_entropy is not None and run.posterior_entropy.shape == (48, 20)
        assert run.certificate.velocity_error == run.table()["velocity_error"].max()
    assert study.figures()["f_mem"][0] == 1.0
    # A fifth of the velocity leaves most of the noise where it was.
    assert study.figures("slow")["f_mem"][0] < 0.5
    assert study.verdicts["slow"] in ("improves", "leaves-noise", "trades")
    assert set(study.verdicts) == set(GAINS)
    assert study.results["models"][0]["certificate"]["tau"] == 20.0


def test_a_function_samples_as_the_field_it_calls(tmp_path: Path) -> None:
    field, plan = kp.EmpiricalField(TRAIN), kp.Plan(10)

    def sampler(noise: Any, plan: kp.Plan) -> kp.Paths[Any]:
        return kp.sample(field, noise, plan)

    settings: dict[str, Any] = {"count": 24, "train": TRAIN, "resamples": 200}
    own = kp.study_model(field, plan, {}, out=tmp_path / "a", **settings)
    called = kp.study_model(sampler, plan, {}, shape=(1, 4, 4), out=tmp_path / "b", **settings)
    assert own.figures() == called.figures() and own.verdicts == {}


def test_sampling_and_judging_tell_how_far_they_are(tmp_path: Path) -> None:
    told: list[tuple[str, float]] = []
    kp.study_model(
        kp.EmpiricalField(TRAIN),
        kp.Plan(5),
        {"half": kp.TableGain([(0.0, 0.5)])},
        count=20,
        batch=10,
        train=TRAIN,
        resamples=50,
        out=tmp_path,
        progress=lambda stage, done: told.append((stage, done)),
    )
    sampling = [("sampling", done) for done in (0.25, 0.5, 0.75, 1.0)]
    assert told[:4] == sampling and len(told) > 4 and told[-1][1] == 1.0


LABELLED = kp.OnnxField(
    Path(__file__).parents[2] / "kinepath-onnx" / "tests" / "fixtures" / "models" / "labelled.onnx"
)


def test_classes_reach_the_model_and_the_run(tmp_path: Path) -> None:
    shape, labels = tuple(LABELLED.shape), [0, 1, 1, 0, 1, 0]
    asked: list[list[int]] = []

    def sampler(noise: Any, plan: kp.Plan, labels: list[int]) -> kp.Paths[Any]:
        asked.append(labels)
        return kp.sample(LABELLED, noise, plan, labels=labels)

    settings: dict[str, Any] = {
        "count": 6,
        "labels": labels,
        "batch": 4,
        "train": RANDOM.normal(size=(20, *shape)).astype(np.float32),
        "resamples": 50,
    }
    plan = kp.Plan(4)
    own = kp.study_model(LABELLED, plan, {}, out=tmp_path / "a", **settings)
    called = kp.study_model(sampler, plan, {}, shape=shape, out=tmp_path / "b", **settings)
    assert own.figures() == called.figures() and asked == [labels[:4], labels[4:]]
    run = kp.read_run(tmp_path / "a" / "runs" / "0-baseline")
    assert run.table()["label"].tolist() == labels
    expected = kp.sample(LABELLED, kp.noise(0, 6, shape), plan, labels=labels)
    np.testing.assert_allclose(run.samples, expected.endpoints, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"plan": kp.Plan(5, gain=kp.KTS())}, "name it in gains"),
        ({"plan": 5}, r"a Plan is needed, such as kinepath.Plan\(50\), got 5"),
        ({"gains": {"baseline": "unit"}}, "without a gain"),
        ({"count": 4}, "at least 5 samples, got 4"),
        ({"count": 6, "reference": TRAIN}, "that has a reference needs at least 7 samples, got 6"),
        ({"batch": 0}, "integrated together is at least 1, got 0"),
        ({"labels": [0] * 7}, "7 labels for 8 samples"),
        ({"labels": [0] * 8}, "has no classes"),
        ({"model": lambda noise, plan: noise, "shape": None}, "shape is needed"),
        ({"model": lambda noise, plan: noise}, "return the Paths of its 8 samples"),
        ({"gains": {"bad": "kts:alpha=-9,beta=0"}}, "negative"),
        (
            {"model": lambda noise, plan: kp.sample(kp.EmpiricalField(TRAIN), noise, kp.Plan(5)), "gains": GAINS},
            r"mean gain of 1, but that of .*table:0=0\.2> is 0\.2\. Sample along the plan",
        ),
    ],
)
def test_what_cannot_be_studied_is_named(
    tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    given: dict[str, Any] = {
        "model": kp.EmpiricalField(TRAIN),
        "plan": kp.Plan(5),
        "gains": {},
        "count": 8,
        "shape": (1, 4, 4),
        **change,
    }
    with pytest.raises(kp.KinepathError, match=words):
        kp.study_model(**{"train": TRAIN, "out": tmp_path, **given})


@pytest.mark.parametrize(
    ("judged_by", "raised", "words"),
    [
        ({}, TypeError, "'train'"),
        ({"train": TRAIN, "refrence": TRAIN}, TypeError, "'refrence'"),
        ({"train": "absent.npy"}, kp.KinepathError, "absent.npy"),
        ({"train": TRAIN, "resamples": 0}, kp.KinepathError, "at least 40, got 0"),
        ({"train": TRAIN, "encoder": "absent.onnx"}, kp.KinepathError, "absent.onnx"),
        ({"train": TRAIN, "clip_text": "t.onnx"}, kp.KinepathError, "clip_image and prompts"),
        ({"train": TRAIN, "gains": {"bad": "kts:alpha=-9,beta=0"}}, kp.KinepathError, "negative"),
    ],
)
def test_what_cannot_be_judged_is_not_sampled(
    tmp_path: Path, judged_by: dict[str, Any], raised: type[Exception], words: str
) -> None:
    def sampler(noise: Any, plan: kp.Plan) -> kp.Paths[Any]:
        raise AssertionError("sampled")

    given: dict[str, Any] = {"gains": GAINS, "count": 8, "shape": (1, 4, 4), **judged_by}
    with pytest.raises(raised, match=words):
        kp.study_model(sampler, kp.Plan(5), out=tmp_path / "study", **given)
    assert not (tmp_path / "study").exists()


SMALLER = RANDOM.normal(size=(40, 1, 4, 3)).astype(np.float32)


@pytest.mark.parametrize("what", ["train", "reference"])
@pytest.mark.parametrize("where", ["array", "file", "large file", "folder"])
def test_data_of_another_shape_or_too_few_are_found_before_an_hour_of_sampling(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, where: str
) -> None:
    if where == "large file":
        monkeypatch.setattr("kinepath.judging.QUICKLY_LOADED", 100)

    def given(records: Any) -> Any:
        path = tmp_path / f"{len(records)}-{where}"
        if where == "array":
            return records
        if where == "folder":
            write_folder(path, np.uint8(records[:, 0] + 100))
            return path
        np.save(path, records)
        return path.with_suffix(".npy")

    def sampler(noise: Any, plan: kp.Plan) -> kp.Paths[Any]:
        raise AssertionError("sampled")

    few = 10 if what == "train" else 5
    for records, words in (
        (SMALLER, rf"{what} has records of shape \[1, 4, 3\], but samples have \[1, 4, 4\]: bring"),
        (TRAIN[:few], f"{what} has {few} records; a study needs at least {few + 1}"),
    ):
        with pytest.raises(kp.KinepathError, match=words):
            kp.study_model(
                sampler,
                kp.Plan(5),
                GAINS,
                count=8,
                shape=(1, 4, 4),
                out=tmp_path / "study",
                **{"train": TRAIN, what: given(records)},
            )
    assert not (tmp_path / "study").exists()


def test_the_least_that_a_study_needs_is_enough(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"out": tmp_path, "resamples": 50}
    field, plan = kp.MixtureField([1.0], [[2.0] * 16], [0.5]), kp.Plan(5, "heun")
    flat = TRAIN[:11].reshape(11, 16)
    kp.study_model(field, plan, GAINS, count=5, train=flat, **settings)
    kp.study_model(field, plan, GAINS, count=7, train=flat, reference=flat[:6], **settings)


def test_a_decoder_makes_other_shapes(tmp_path: Path) -> None:
    # Found to be no network, but not by the shape of what it would decode.
    (tmp_path / "decoder.onnx").write_text("none")
    field = kp.EmpiricalField(TRAIN)
    with pytest.raises(kp.KinepathError, match="decoder.onnx"):
        kp.study_model(
            field,
            kp.Plan(5),
            {},
            count=8,
            train=SMALLER,
            decoder=tmp_path / "decoder.onnx",
            out=tmp_path / "study",
        )


def test_a_model_that_starts_later_scales_its_noise_or_not(tmp_path: Path) -> None:
    start = 0.2
    plan = kp.Plan(kp.Grid.uniform(5).within(start, 1.0))
    settings: dict[str, Any] = {"count": 8, "shape": (1, 4, 4), "train": TRAIN, "resamples": 50}
    for name, scale in {"whole": 1.0, "scaled": 1.0 - start}.items():
        kp.study_model(
            lambda noise, plan: kp.sample(kp.EmpiricalField(TRAIN), scale * noise, plan),
            plan,
            {"kts": "kts:alpha=0.1,beta=0"},
            out=tmp_path / name,
            **settings,
        )
    with pytest.raises(kp.KinepathError, match="did not start from seed 0, as it is or times"):
        kp.study_model(
            lambda noise, plan: kp.sample(kp.EmpiricalField(TRAIN), noise / 2, plan),
            plan,
            {},
            out=tmp_path / "half",
            **settings,
        )


def test_paths_of_batches_are_joined_as_far_as_all_have_the_same() -> None:
    record = kp.Record(profile=True, energy_map=True, trajectory=2)
    noise = kp.noise(0, 6, (1, 4, 4))
    whole, first, last = (
        kp.sample(kp.EmpiricalField(TRAIN), noise[rows], kp.Plan(5), record=record)
        for rows in (slice(0, 6), slice(0, 4), slice(4, 6))
    )
    parts = kp.PartEnergies(np.arange(6.0), -np.arange(6.0))
    first, last = (
        replace(some, parts=kp.PartEnergies(*(energies[rows] for energies in parts)))
        for some, rows in ((first, slice(0, 4)), (last, slice(4, 6)))
    )
    both = kp.Paths.joined([first, last])
    assert both.parts is not None and both.posterior is not None
    assert both.energy_map is not None and whole.energy_map is not None
    assert both.trajectory is not None and whole.trajectory is not None
    np.testing.assert_array_equal(both.parts, parts)
    np.testing.assert_allclose(both.kpe, whole.kpe, rtol=1e-5)
    np.testing.assert_allclose(both.energy_map, whole.energy_map, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(both.trajectory, whole.trajectory, rtol=1e-5, atol=1e-5)
    assert len(both.posterior.top) == 6
    assert kp.Paths.joined([first, replace(last, profile=None)]).profile is None
