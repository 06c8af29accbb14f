"""Arguments of every layout are read as they are meant, and what cannot be is named."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import kinepath as kp
from kinepath.stats import share

MODELS = Path(__file__).parents[2] / "kinepath-onnx" / "tests" / "fixtures" / "models"
POINTS = np.random.default_rng(3).normal(size=(6, 3)).astype(np.float32)
NOISE = kp.noise(0, 4, (3,))
PLAN = kp.Plan(4)


def at_an_odd_offset(array: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same values in memory that begins at no multiple of their size."""
    memory = np.zeros(array.nbytes + 1, np.uint8)
    shifted: NDArray[np.float32] = memory[1:].view(np.float32).reshape(array.shape)
    shifted[:] = array
    assert not shifted.flags.aligned
    return shifted


def in_a_packed_record(array: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same values, each followed by two bytes of something else."""
    records = np.zeros(array.shape, np.dtype([("value", np.float32), ("other", np.int16)]))
    values: NDArray[np.float32] = records["value"]
    values[:] = array
    assert values.strides[-1] == 6
    return values


def read_only(array: NDArray[np.float32]) -> NDArray[np.float32]:
    copy: NDArray[np.float32] = array.copy()
    copy.setflags(write=False)
    return copy


def recorded(trajectory: Any) -> object:
    return kp.sample(lambda x, t: -x, NOISE, PLAN, record=kp.Record(trajectory=trajectory))


def untyped(value: object) -> Any:
    """What type checkers would not let pass."""
    return value


LAYOUTS: dict[str, Callable[[NDArray[np.float32]], Any]] = {
    "Fortran": np.asfortranarray,
    "backwards": lambda x: np.ascontiguousarray(x[::-1])[::-1],
    "every other": lambda x: np.repeat(x, 2, axis=0)[::2],
    "read-only": read_only,
    "big-endian": lambda x: x.astype(">f4"),
    "float64": lambda x: x.astype(np.float64),
    "lists": lambda x: x.tolist(),
    "odd offset": at_an_odd_offset,
    "packed": in_a_packed_record,
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_the_same_array(layout: str) -> None:
    lay = LAYOUTS[layout]
    expected = kp.sample(kp.EmpiricalField(POINTS), NOISE, PLAN)
    paths = kp.sample(kp.EmpiricalField(lay(POINTS)), lay(NOISE), PLAN)
    np.testing.assert_array_equal(paths.endpoints, expected.endpoints)
    assert kp.frechet_distance(lay(NOISE), POINTS) == kp.frechet_distance(NOISE, POINTS)
    column = POINTS[:, 0]
    assert kp.bootstrap(lay(column)) == kp.bootstrap(column)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_velocity_of_every_layout_is_read_or_refused(layout: str) -> None:
    lay = LAYOUTS[layout]
    expected = kp.sample(lambda x, t: -x, NOISE, PLAN).kpe
    if layout in ("odd offset", "packed"):
        with pytest.raises(kp.KinepathError, match="samples must be aligned in memory"):
            kp.EmpiricalField(POINTS).velocity(lay(NOISE), np.zeros(4))
    if layout == "lists":
        with pytest.raises(kp.ModelError, match="must return a float32 array"):
            kp.sample(lambda x, t: lay(-x), NOISE, PLAN)
    else:
        np.testing.assert_array_equal(kp.sample(lambda x, t: lay(-x), NOISE, PLAN).kpe, expected)


def test_threads_sample_side_by_side() -> None:
    field = kp.EmpiricalField(POINTS)
    expected = kp.sample(field, NOISE, PLAN).kpe

    def run(number: int) -> NDArray[np.float64]:
        if number % 2:
            return kp.sample(field, NOISE, PLAN).kpe
        return kp.sample(lambda x, t: field.velocity(x, t), NOISE, PLAN).kpe

    with ThreadPoolExecutor(8) as pool:
        for kpe in pool.map(run, range(32)):
            np.testing.assert_allclose(kpe, expected, rtol=1e-6)


NO_ARRAYS: list[Any] = [["a"], None, {}, np.ones((3, 2), complex), [[1.0], [1.0, 2.0]]]


@pytest.mark.parametrize("given", NO_ARRAYS, ids=repr)
def test_what_is_no_array_of_numbers_is_named(given: Any) -> None:
    uses: list[Callable[[], object]] = [
        lambda: kp.EmpiricalField(given),
        lambda: kp.sample(kp.EmpiricalField(POINTS), given, PLAN),
        lambda: kp.memorization(given, POINTS),
        lambda: kp.prdc(POINTS, given),
        lambda: kp.vendi_score(given),
        lambda: kp.bootstrap(given),
        lambda: kp.adjust(given),
        lambda: kp.MixtureField([1.0], given, [1.0]),
    ]
    for use in uses:
        with pytest.raises(kp.KinepathError, match="numbers is needed"):
            use()


def test_paths_are_arrays_for_metrics_alone() -> None:
    for use in (kp.EmpiricalField, kp.bootstrap, kp.adjust):
        with pytest.raises(kp.KinepathError, match="numbers is needed"):
            use("x.npy")
    with pytest.raises(kp.KinepathError, match="x.npy: cannot be read"):
        kp.memorization("x.npy", POINTS)


@pytest.mark.parametrize("kind", [int, np.int64, np.uint8, np.array])
def test_whole_numbers_of_every_kind_are_taken(kind: Callable[[int], Any], tmp_path: Path) -> None:
    expected = kp.noise(7, 3, (3,))
    np.testing.assert_array_equal(kp.noise(kind(7), kind(3), (kind(3),)), expected)
    np.testing.assert_array_equal(kp.noise(7, np.arange(3), untyped(np.array([3]))), expected)
    np.testing.assert_array_equal(kp.noise(7, (i for i in range(3)), [3]), expected)
    paths = kp.sample(lambda x, t: -x, NOISE, PLAN, record=kp.Record(trajectory=kind(2)))
    assert paths.trajectory is not None and paths.trajectory.shape == (4, 2, 3)
    np.testing.assert_array_equal(
        kp.neighbours(NOISE, POINTS, kind(2)).indices, kp.neighbours(NOISE, POINTS, 2).indices
    )
    assert kp.prdc(NOISE, POINTS, kind(2)) == kp.prdc(NOISE, POINTS, 2)
    assert kp.bootstrap(POINTS[:, 0], seed=kind(5)) == kp.bootstrap(POINTS[:, 0], seed=5)
    run = kp.write_run(tmp_path, NOISE, noise=kind(7), labels=[kind(1)] * 4)
    assert run.settings["noise"]["seed"] == 7 and run.table()["label"].tolist() == [1] * 4
    assert kp.Guidance(2.0, null_label=kind(9)).null_label == 9


WHOLE = [0.0, 3.0, 2.0, 1.0]


@pytest.mark.parametrize("labels", [WHOLE, np.array(WHOLE), np.array(WHOLE, np.float32)])
def test_labels_may_be_floats_if_they_are_whole(labels: Any, tmp_path: Path) -> None:
    run = kp.write_run(tmp_path, NOISE, labels=labels)
    assert run.table()["label"].tolist() == [0, 3, 2, 1]


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([0.9, 1.7, 2.0, 3.0], "labels are whole numbers, got 0.9 at position 0"),
        ([0, 1, 2, float("nan")], "whole numbers, got nan at position 3"),
        ([0, 1, 2, float("inf")], "whole numbers, got inf"),
        ([0, 1, 2, 2**63], "labels are at most 9223372036854775807"),
        ([0, 1, 2, 2**80], "numbers is needed"),
        (["cat"] * 4, "numbers is needed"),
        ([[0, 1, 2, 3]], r"labels are a list of whole numbers, got shape \(1, 4\)"),
        (1, r"got shape \(\)"),
    ],
)
def test_labels_that_are_none_are_named(labels: Any, words: str, tmp_path: Path) -> None:
    field = kp.OnnxField(MODELS / "sit.onnx")
    with pytest.raises(kp.KinepathError, match=words):
        kp.sample(field, kp.noise(0, 4, field.shape), PLAN, labels=labels)
    with pytest.raises(kp.KinepathError, match=words):
        kp.write_run(tmp_path / "run", NOISE, labels=labels)


def test_labels_of_a_study_of_a_model_are_whole_numbers_too(tmp_path: Path) -> None:
    from kinepath.samplers import in_batches

    with pytest.raises(kp.KinepathError, match="labels are whole numbers, got 0.5 at position 0"):
        in_batches(
            lambda noise, plan, labels: kp.sample(lambda x, t: -x, noise, plan),
            PLAN,
            seed=0,
            rows=range(4),
            batch=2,
            shape=(3,),
            labels=untyped([1, 0, 0.5, 1]),
        )


def test_null_inputs_may_be_a_path() -> None:
    path = MODELS / "inputs.safetensors"
    assert kp.Guidance(2.0, null_inputs=path) == kp.Guidance(2.0, null_inputs=str(path))
    # Past the arguments: the file is looked for.
    with pytest.raises(kp.KinepathError, match="no_such_file"):
        kp.OnnxField(
            MODELS / "text_to_image.onnx",
            time="scaled:1000",
            guidance=kp.Guidance(2.0, null_inputs=MODELS / "no_such_file.safetensors"),
        )


@pytest.mark.parametrize(
    ("use", "error", "words"),
    [
        (lambda: kp.bootstrap(POINTS), kp.KinepathError, r"\[N\]; got shape \(6, 3\)"),
        (lambda: kp.spearman(1.0, 2.0), kp.KinepathError, r"\[N\]; got shape \(\)"),
        (lambda: kp.EmpiricalField(np.zeros((0, 3))), kp.KinepathError, "at least one"),
        (lambda: kp.EmpiricalField(1.0), kp.KinepathError, "got a single number"),
        (lambda: kp.MixtureField([1.0], [0.0], [1.0]), kp.KinepathError, r"means must be \[K, D\]"),
        (lambda: kp.Plan(untyped(2.5)), kp.KinepathError, "Grid or a number of steps, got 2.5"),
        (lambda: kp.Plan(-1), kp.KinepathError, "Grid or a number of steps, got -1"),
        (lambda: kp.Plan(4, gain=untyped(3)), kp.KinepathError, "text expression, got 3"),
        (lambda: PLAN.with_gain(untyped(None)), kp.KinepathError, "text expression, got None"),
        (lambda: kp.Plan(2**62), kp.KinepathError, "at most 1000000 steps, got 4611686018427387904"),
        (lambda: kp.noise(0, -1, (3,)), kp.KinepathError, "at least 0, got -1"),
        (lambda: kp.noise(0, untyped(2.5), (3,)), kp.KinepathError, "sample indices are a list"),
        (lambda: kp.noise(0, [0, -2], (3,)), kp.KinepathError, "indices are at least 0, got -2"),
        (lambda: kp.noise(-1, 2, (3,)), kp.KinepathError, "a seed is at least 0, got -1"),
        (lambda: kp.noise(2**64, 2, (3,)), kp.KinepathError, "a seed is at most"),
        (lambda: kp.noise(untyped(0.5), 2, (3,)), kp.KinepathError, "seed .* whole number, got 0.5"),
        (lambda: kp.noise(0, 2, untyped(3)), kp.KinepathError, "axes of a sample are a list"),
        (lambda: kp.noise(0, 2, (-3,)), kp.KinepathError, "axes of a sample are at least 0"),
        (lambda: recorded(-1), kp.KinepathError, "recorded states is at least 0, got -1"),
        (lambda: recorded([0, -1]), kp.KinepathError, "node -1 is beyond .* last node is 4"),
        (lambda: recorded([0.5]), kp.KinepathError, "nodes are whole numbers, got 0.5"),
        (lambda: kp.neighbours(NOISE, POINTS, -1), kp.KinepathError, "k is at least 1, got -1"),
        (lambda: kp.support(NOISE, POINTS, k=-1), kp.KinepathError, "k is at least 1, got -1"),
        (lambda: kp.prdc(NOISE, POINTS, -1), kp.KinepathError, "k is at least 1, got -1"),
        (lambda: kp.bootstrap([1.0], seed=-1), kp.KinepathError, "a seed is at least 0"),
        (lambda: kp.bootstrap([1.0], resamples=-1), kp.KinepathError, "resamples is at least 1"),
        (lambda: share(-1, 2), kp.KinepathError, "successes is at least 0, got -1"),
        (
            lambda: kp.Guidance(2.0, null_label=untyped(0.5)),
            kp.KinepathError,
            "null label must be a whole number, got 0.5",
        ),
        (lambda: kp.noise(0, 2, (2**62,)), MemoryError, "2 samples of shape .* do not fit"),
        (lambda: kp.noise(0, 0, (2**40, 2**40)), MemoryError, "do not fit into memory"),
    ],
)
def test_bad_arguments_are_named(
    use: Callable[[], object], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        use()
