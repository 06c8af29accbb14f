"""Arguments of every layout are read as they are meant, and what cannot be is named."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import kinepath as kp

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


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name != "big-endian"])
def test_a_velocity_of_every_layout_is_read_or_refused(layout: str) -> None:
    lay = LAYOUTS[layout]
    expected = kp.sample(lambda x, t: -x, NOISE, PLAN).kpe
    if layout in ("odd offset", "packed"):
        with pytest.raises(kp.KinepathError, match="velocity must be aligned in memory"):
            kp.sample(lambda x, t: lay(-x), NOISE, PLAN)
        with pytest.raises(kp.KinepathError, match="samples must be aligned in memory"):
            kp.EmpiricalField(POINTS).velocity(lay(NOISE), np.zeros(4))
    elif layout in ("float64", "lists"):
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


NO_ARRAYS: list[Any] = [["a"], None, {}, "x.npy", np.ones((3, 2), complex), [[1.0], [1.0, 2.0]]]


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
        (lambda: kp.Plan(2**62), kp.KinepathError, "4611686018427387904 steps does not fit"),
        (lambda: kp.noise(0, -1, (3,)), kp.KinepathError, "at least 0, got -1"),
        (lambda: kp.noise(0, 2, (2**62,)), MemoryError, "2 samples of shape .* do not fit"),
        (lambda: kp.noise(0, 0, (2**40, 2**40)), MemoryError, "do not fit into memory"),
    ],
)
def test_bad_arguments_are_named(
    use: Callable[[], object], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        use()
