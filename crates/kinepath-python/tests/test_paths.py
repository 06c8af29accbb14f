"""Paths as columns of samples: some of them, several together, and when they were where."""

from __future__ import annotations

import pickle
import warnings
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import kinepath as kp

POINTS = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)
EVERYTHING = kp.Record(profile=True, energy_map=True, trajectory=3)
NOISE = kp.noise(0, 6, (3,))


def paths(rows: Any = slice(None), plan: kp.Plan = kp.Plan(5)) -> kp.Paths[Any]:
    followed = kp.sample(kp.EmpiricalField(POINTS), NOISE[rows], plan, record=EVERYTHING)
    numbers = np.arange(6.0)[rows]
    return replace(followed, parts=kp.PartEnergies(numbers, -numbers))


def columns(of: kp.Paths[Any]) -> dict[str, NDArray[Any]]:
    """Every array that has a row for each sample."""
    assert of.posterior is not None and of.parts is not None
    found = {field.name: getattr(of, field.name) for field in fields(kp.Paths)}
    found |= {f"posterior {name}": value for name, value in vars(of.posterior).items()}
    found |= {f"parts {name}": value for name, value in of.parts._asdict().items()}
    others = ("posterior", "parts", "times", "trajectory_times", "posterior certificate")
    return {name: value for name, value in found.items() if name not in others and value is not None}


MASK = np.array([True, False, False, True, False, True])


@pytest.mark.parametrize(
    "rows",
    [slice(2), slice(1, None, 2), slice(None, None, -1), slice(4, 1, -2), [5, 0, 0], MASK, [-1], []],
    ids=str,
)
def test_some_samples_have_the_rows_of_every_column(rows: Any) -> None:
    whole = paths()
    some = whole[rows]
    numbers = np.arange(6)[rows]
    assert len(some) == len(numbers) and list(columns(some)) == list(columns(whole))
    assert len(columns(some)) >= 17
    for name, column in columns(some).items():
        np.testing.assert_array_equal(column, columns(whole)[name][numbers], err_msg=name)
    assert some.posterior is not None and whole.posterior is not None
    assert some.posterior.certificate == whole.posterior.certificate
    np.testing.assert_array_equal(some.times, whole.times)
    np.testing.assert_array_equal(some.table()["kpe"], whole.kpe[numbers])


def test_no_sample_is_some_samples() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        none = paths()[:0]
        assert len(none) == 0 and repr(none) == "<kinepath.Paths: 0 samples>"
        assert none.efficiency.shape == (0,)


@pytest.mark.parametrize("rows", [3, np.int64(3), 0.5, "kpe", [[0, 1], [2, 3]], None, [0.5]])
def test_what_names_no_rows_is_refused(rows: Any) -> None:
    with pytest.raises(kp.KinepathError, match=r"a slice, numbers or a mask, such as"):
        paths()[rows]


def test_rows_that_are_not_there_are_named() -> None:
    with pytest.raises(IndexError, match="7 is out of bounds"):
        paths()[[0, 7]]
    with pytest.raises(TypeError, match="not iterable"):
        list(paths())  # type: ignore[call-overload]


def test_parts_are_joined_to_what_they_were() -> None:
    whole = paths()
    both = kp.Paths.joined([whole[:4], whole[4:]])
    for name, column in columns(both).items():
        np.testing.assert_array_equal(column, columns(whole)[name], err_msg=name)
    np.testing.assert_array_equal(both.times, whole.times)
    assert both.posterior is not None and whole.posterior is not None
    assert both.posterior.certificate.tau == whole.posterior.certificate.tau
    np.testing.assert_array_equal(both.trajectory_times, whole.trajectory_times)
    assert kp.Paths.joined([whole, replace(whole, parts=None)]).parts is None
    with pytest.raises(kp.KinepathError, match="no paths to join"):
        kp.Paths.joined([])
    with pytest.raises(kp.KinepathError, match="trajectory of these paths cannot be joined"):
        assert whole.trajectory is not None
        kp.Paths.joined([whole, replace(whole, trajectory=whole.trajectory[:, :2])])


@pytest.mark.parametrize("known", [True, False])
def test_parts_of_other_times_have_nothing_along_the_way(known: bool) -> None:
    whole, other = paths(), paths(slice(2), kp.Plan(kp.Grid.cosine(5)))
    parts = [whole, other if known else replace(other, times=None, trajectory_times=None)]
    for order in (parts, parts[::-1]):
        both = kp.Paths.joined(order)
        assert both.times is None and both.profile is None
        assert both.trajectory is None and both.trajectory_times is None
        assert both.posterior is not None
        assert both.posterior.entropy is None and both.posterior.effective_count is None
        np.testing.assert_array_equal(both.kpe, np.concatenate([part.kpe for part in order]))
        assert both.energy_map is not None and len(both.posterior.top) == 8


def test_trajectories_of_other_nodes_are_none_together() -> None:
    def at(*nodes: int) -> kp.Paths[Any]:
        record = kp.Record(profile=True, trajectory=nodes)
        return kp.sample(kp.EmpiricalField(POINTS), NOISE, kp.Plan(5), record=record)

    np.testing.assert_array_equal(at(1, 3).trajectory_times, [0.2, 3 / 5])
    both = kp.Paths.joined([at(1, 3), at(1, 4)])
    assert both.trajectory is None and both.trajectory_times is None
    assert both.profile is not None and both.profile.shape == (12, 5)
    assert kp.Paths.joined([at(1, 3), at(1, 3)]).trajectory is not None
    assert kp.Paths.joined([at(1, 3), replace(at(1, 3), trajectory=None)]).trajectory_times is None
    assert at().trajectory_times is None


def test_profiles_whose_times_nobody_knows_are_joined() -> None:
    """As those of a meter whose samples are at different times."""
    whole = replace(paths(), times=None)
    both = kp.Paths.joined([whole[:2], whole[2:]])
    np.testing.assert_array_equal(both.profile, whole.profile)


@pytest.mark.parametrize("solver", ["euler", "rk4", "dopri5"])
def test_times_are_the_nodes_of_the_profile(solver: str, tmp_path: Path) -> None:
    plan = kp.Plan(kp.Grid.shifted(7, 3.0).within(0.1, 0.9), solver)
    record = kp.Record(profile=True)
    # ‖v‖² = 3 t⁴ at every node, whatever the state.
    field = lambda x, t: np.ones_like(x) * t[:, None] ** 2  # noqa: E731
    travelled = kp.sample(field, NOISE, plan, record=record)
    assert travelled.profile is not None and travelled.times is not None
    np.testing.assert_array_equal(travelled.times, plan.grid.nodes)
    np.testing.assert_allclose(travelled.profile[0], 3 * travelled.times[:-1] ** 4, rtol=1e-5)
    kp.write_run(tmp_path / "run", travelled, plan=plan, record=record)
    other = kp.Plan(kp.Grid.uniform(7).within(0.1, 0.9), solver)
    with pytest.raises(kp.KinepathError, match=r"times of their own, .*Grid\(paths\.times\)"):
        kp.write_run(tmp_path / "other", travelled, plan=other, record=record)


def test_another_method_on_the_same_nodes_is_no_run_of_the_plan(tmp_path: Path) -> None:
    plan = kp.Plan(5, "rk4")
    travelled = kp.sample(lambda x, t: -x, NOISE, plan)
    for nfe, taken in [(20, True), (17, True), (16, False), (11, False)]:
        counted = replace(travelled, nfe=np.full_like(travelled.nfe, nfe))
        if taken:
            kp.write_run(tmp_path / f"{nfe}", counted, plan=plan)
            continue
        with pytest.raises(kp.KinepathError, match=f"took {nfe} evaluations .* takes 20"):
            kp.write_run(tmp_path / f"{nfe}", counted, plan=plan)


def test_states_of_the_core_are_arrays_already() -> None:
    whole = paths()
    assert whole.numpy().endpoints is whole.endpoints
    with pytest.raises(kp.KinepathError, match=r"no device: torch\.from_numpy"):
        whole.to("cuda")
    assert len(pickle.loads(pickle.dumps(whole))) == 6
