"""Paths whose states are tensors: batches, rows, devices."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from networks import TinyUNet
from torch import Tensor

import kinepath as kp
import kinepath.torch as kpt
from kinepath.diffusers import KineticFlowMatchEulerScheduler, PipelinePaths

NOISE = torch.from_numpy(kp.noise(3, 5, (1, 8, 8)))
EVERYTHING = kp.Record(profile=True, energy_map=True, trajectory=3)
PLAN = kp.Plan(6, "heun", kp.KTS(alpha=0.1, beta=0.02))


def paths(**how: Any) -> kp.Paths[Tensor]:
    return kpt.sample(TinyUNet(), NOISE, PLAN, record=EVERYTHING, **how)


@pytest.mark.parametrize("batch_size", [1, 2, 5, 100])
def test_batches_are_integrated_to_what_they_are_together(batch_size: int) -> None:
    whole, joined = paths(), paths(batch_size=batch_size)
    for name in ("endpoints", "energy_map", "trajectory"):
        torch.testing.assert_close(getattr(joined, name), getattr(whole, name), rtol=1e-4, atol=1e-5)
    for name, column in whole.table().items():
        np.testing.assert_allclose(joined.table()[name], column, rtol=1e-5, err_msg=name)
    assert joined.profile is not None and whole.profile is not None
    np.testing.assert_allclose(joined.profile, whole.profile, rtol=1e-5)
    np.testing.assert_array_equal(joined.times, PLAN.grid.nodes)


def test_no_more_than_a_batch_is_evaluated_at_once_with_its_own_condition() -> None:
    labels, seen = torch.arange(5), []

    def watched(x: Tensor, t: Tensor, label: Tensor) -> Tensor:
        seen.append(label.tolist())
        return -x * (1 + label[:, None, None, None])

    found = kpt.sample(watched, NOISE, kp.Plan(2), condition=labels, batch_size=2)
    assert seen == [[0, 1], [0, 1], [2, 3], [2, 3], [4], [4]]
    together = kpt.sample(watched, NOISE, kp.Plan(2), condition=labels)
    np.testing.assert_allclose(found.kpe, together.kpe, rtol=1e-6)
    none = kpt.sample(watched, NOISE[:0], kp.Plan(2), condition=labels[:0], batch_size=2)
    assert len(none) == 0 and repr(none) == "<kinepath.Paths: 0 samples>"


def test_a_sample_of_a_later_batch_has_its_own_number() -> None:
    broken = NOISE.clone()
    broken[3, 0, 0, 0] = torch.nan
    with pytest.raises(kp.KinepathError, match="the noise of sample 3"):
        kpt.sample(TinyUNet(), broken, PLAN, batch_size=2)

    def failing(x: Tensor, t: Tensor, fails: Tensor) -> Tensor:
        return torch.where(fails[:, None, None, None], torch.inf, x)

    fails = torch.tensor([False, False, False, False, True])
    with pytest.raises(kp.SamplingError, match="velocity of sample 4"):
        kpt.sample(failing, NOISE, PLAN, condition=fails, batch_size=3)


@pytest.mark.parametrize("rows", [slice(1, 4), slice(None, None, -2), [4, 0], np.arange(5) > 2])
def test_rows_of_tensors_are_tensors(rows: Any) -> None:
    whole = paths()
    some, numbers = whole[rows], torch.arange(5).numpy()[rows]
    for name in ("endpoints", "energy_map", "trajectory"):
        assert torch.equal(getattr(some, name), getattr(whole, name)[numbers.tolist()])
    np.testing.assert_array_equal(some.kpe, whole.kpe[numbers])


def test_states_move_together() -> None:
    whole = paths()
    assert whole.energy_map is not None
    away = whole.to("meta")
    assert away.endpoints.device.type == away.energy_map.device.type == "meta"  # type: ignore[union-attr]
    arrays = whole.numpy()
    assert isinstance(arrays.endpoints, np.ndarray) and isinstance(arrays.trajectory, np.ndarray)
    np.testing.assert_array_equal(arrays.endpoints, whole.endpoints.numpy())
    with pytest.raises(kp.KinepathError, match=r"arrays in some .* part\.numpy\(\)"):
        mixed: list[Any] = [whole, arrays]
        kp.Paths.joined(mixed)
    with pytest.raises(kp.KinepathError, match="endpoints of these paths cannot be joined"):
        kp.Paths.joined([whole, away])
    both = kp.Paths.joined([whole, whole[:2]])
    assert torch.equal(both.endpoints, torch.cat([whole.endpoints, whole.endpoints[:2]]))


def test_paths_of_a_pipeline_are_cut_and_joined_as_others() -> None:
    scheduler = KineticFlowMatchEulerScheduler(shift=3.0)
    scheduler.set_timesteps(5)
    x = NOISE
    for timestep in scheduler.timesteps:
        x = scheduler.step(x, timestep, x, return_dict=False)[0]
    whole = scheduler.paths
    some = whole[1:3]
    assert isinstance(some, PipelinePaths) and repr(some).startswith("<kinepath.diffusers")
    assert len(some) == 2 and torch.equal(some.endpoints, x[1:3]) and some.start == whole.start
    both = kp.Paths.joined([whole[:1], whole[1:]])
    assert isinstance(both, PipelinePaths) and both.start == whole.start
    np.testing.assert_array_equal(both.kpe, whole.kpe)
    np.testing.assert_array_equal(both.times, whole.times)
    assert torch.equal(both.endpoints, whole.endpoints)
    # Its times are those of all its samples, so that what has several is none.
    later = replace(whole, times=whole.times / 2)
    assert type(kp.Paths.joined([whole, later])) is kp.Paths
    plain = kpt.sample(lambda x, t: x, NOISE, kp.Plan(kp.Grid(whole.times)))
    assert type(kp.Paths.joined([whole, plain])) is kp.Paths
    assert repr(whole[:0]).endswith("0 samples, t from 0 to 1>")
