"""Grids, gains and plans: what they are made of, and what they tell loops of the caller's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import kinepath as kp

GAINS = [
    kp.Gain(),
    kp.KTS(alpha=0.2, beta=0.02),
    kp.SSC(0.1, power=2.0),
    kp.TableGain([(0.0, 1.5), (1.0, 0.5)]),
]
GOVERNED = kp.Governed([(0.0, 4.0), (1.0, 2.0)], strength=0.5, split=0.5)


@pytest.mark.parametrize("gain", GAINS)
def test_a_gain_has_many_values_at_once(gain: kp.Gain) -> None:
    times = np.linspace(0.0, 1.0, 12).reshape(3, 4)
    etas = gain.eta(times)
    assert etas.shape == (3, 4) and etas.dtype == np.float64
    assert etas.ravel().tolist() == [gain.eta(t) for t in times.ravel().tolist()]
    assert gain.eta([0.0, 0.5]).tolist() == [gain.eta(0.0), gain.eta(0.5)]
    for one in (0, 0.0, np.float32(0.0), np.array(0.0)):
        assert isinstance(gain.eta(one), float) and gain.eta(one) == gain.eta(0.0)
    with pytest.raises(kp.KinepathError, match="times are numbers, got 'noon'"):
        gain.eta(cast_away("noon"))


@pytest.mark.parametrize("gain", GAINS)
def test_the_factor_of_an_open_loop_is_its_value(gain: kp.Gain) -> None:
    speeds = np.array([0.0, 1.0, 1e9])
    np.testing.assert_array_equal(gain.factor(0.7, speeds), np.full(3, gain.eta(0.7)))
    times = np.array([0.1, 0.5, 0.9])
    np.testing.assert_array_equal(gain.factor(times, speeds), gain.eta(times))
    np.testing.assert_array_equal(gain.factor(times, 0.0), gain.eta(times))


def test_the_factor_of_a_closed_loop_is_that_of_each_sample() -> None:
    speeds = np.array([1.0, 3.0, 12.0])
    assert GOVERNED.factor(0.4, speeds).tolist() == [1.0, 1.0, 1.0]
    # The ceiling at 0.75 is 2.5, and the exponent half the strength.
    np.testing.assert_allclose(
        GOVERNED.factor(0.75, speeds), [1.0, (2.5 / 3.0) ** 0.25, (2.5 / 12.0) ** 0.25], rtol=1e-12
    )
    assert GOVERNED.factor(0.75, 12.0) == GOVERNED.factor(0.75, speeds)[2]
    assert GOVERNED.factor([0.4, 0.75, 0.75], speeds)[0] == 1.0
    assert GOVERNED.factor([0.4, 0.75], 12.0).tolist() == [1.0, GOVERNED.factor(0.75, 12.0)]
    assert GOVERNED.factor([0.4, 0.75], 0.0).tolist() == [1.0, 1.0]
    with pytest.raises(kp.KinepathError, match=r"each of \[3\] squared speeds, .* shape \[2\]"):
        GOVERNED.factor(np.array([0.5, 0.6]), speeds)
    with pytest.raises(kp.KinepathError, match="squared speeds are numbers"):
        GOVERNED.factor(0.75, cast_away("fast"))


def test_a_closed_loop_has_no_value_at_a_time_alone() -> None:
    for gain in (GOVERNED, kp.Plan(5, gain=GOVERNED).gain):
        for times in (0.0, 0.75, [0.0, 0.1]):
            with pytest.raises(kp.KinepathError, match=r"use gain.factor\(t, speeds\), .*kinepath.sample"):
                gain.eta(cast_away(times))


def test_a_loop_of_its_own_is_the_plan_of_a_closed_loop() -> None:
    plan = kp.Plan(20, gain=kp.Governed([(0.0, 0.5)], split=0.3))
    noise = kp.noise(0, 8, (2,))
    x = noise.astype(np.float64)
    for start, end in zip(plan.grid.nodes[:-1], plan.grid.nodes[1:]):
        v = -3.0 * x
        factor = plan.gain.factor(start, (v**2).sum(1))
        x += (end - start) * factor[:, None] * v
    paths = kp.sample(lambda x, t: -3.0 * x, noise, plan)
    assert (paths.mean_gain < 0.999).any()
    np.testing.assert_allclose(paths.endpoints, x, rtol=1e-5, atol=1e-6)


def test_a_grid_is_made_of_anything_with_times() -> None:
    expected = kp.Grid([0.0, 0.25, 0.5, 0.75, 1.0])
    for times in (np.linspace(0, 1, 5), np.linspace(0, 1, 5, dtype=np.float32), range(2)):
        assert kp.Grid(times).nodes[-1] == 1.0
    assert kp.Grid(np.linspace(0, 1, 5)) == expected == kp.Grid.uniform(np.int64(4))
    assert kp.Grid.from_sigmas(np.linspace(1, 0, 5)) == expected
    assert kp.Plan(np.int64(4)) == kp.Plan(expected)
    for no_times in ("noon", [["a"]], None, 1.0 + 1.0j):
        with pytest.raises(kp.KinepathError, match="nodes of a grid are numbers, got"):
            kp.Grid(cast_away(no_times))
    for no_list in (0.5, [[0.0, 1.0]]):
        with pytest.raises(kp.KinepathError, match="a list of times in"):
            kp.Grid(no_list)


def test_gains_of_points_take_arrays_and_pairs_that_are_read_once() -> None:
    points = np.array([(0.0, 1.5), (1.0, 0.5)])
    assert kp.TableGain(points) == kp.TableGain(zip([0.0, 1.0], [1.5, 0.5])) == GAINS[-1]
    assert kp.Governed(zip([0.0, 1.0], [4.0, 2.0]), strength=0.5, split=0.5) == GOVERNED


def test_equal_gains_and_plans_have_one_hash() -> None:
    same: list[tuple[Any, Any]] = [
        (kp.KTS(0.02, 0.0), kp.Gain("kts:alpha=0.02,beta=0")),
        (kp.KTS(0.02, 0.0), kp.KTS(0.02, -0.0)),
        (GOVERNED, kp.Gain(str(GOVERNED))),
        (kp.Grid.uniform(4), kp.Grid([0.0, 0.25, 0.5, 0.75, 1.0])),
        (kp.Plan(4, "heun", "kts:"), kp.Plan(kp.Grid.uniform(4), "heun", kp.KTS())),
    ]
    for one, other in same:
        assert one == other and hash(one) == hash(other)
    different = {*GAINS, GOVERNED, kp.Plan(4), kp.Plan(5), kp.Plan(4, "heun"), kp.Plan(4, gain="kts:")}
    assert len(different) == 9 and len({hash(each) for each in different}) == 9


def cast_away(value: object) -> Any:
    """What type checkers would not let pass."""
    return value
