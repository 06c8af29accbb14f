"""Run folders: what is written is read, and what is not known is not made up."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

import kinepath as kp

POINTS = np.random.default_rng(0).normal(size=(12, 1, 2, 3)).astype(np.float32)
PLAN = kp.Plan(10, gain=kp.KTS(alpha=0.05, beta=0.01))
RECORD = kp.Record(profile=True, energy_map=True, trajectory=3)


def paths(record: kp.Record = RECORD) -> kp.Paths[NDArray[np.float32]]:
    noise = kp.noise(4, 6, POINTS.shape[1:])
    return kp.sample(kp.EmpiricalField(POINTS), noise, PLAN, record=record)


def test_measured_paths_come_back_whole(tmp_path: Path) -> None:
    sampled = paths()
    run = kp.write_run(
        tmp_path / "run", sampled, plan=PLAN, model="exact", noise=4, record=RECORD, labels=range(6)
    )
    assert len(run) == 6 and repr(run).startswith("<kinepath.Run: 6 samples in")
    again = kp.read_run(str(tmp_path / "run"))
    np.testing.assert_array_equal(again.samples, sampled.endpoints)
    assert sampled.profile is not None and sampled.energy_map is not None
    np.testing.assert_array_equal(again.profile, sampled.profile.astype(np.float32))
    np.testing.assert_array_equal(again.energy_map, sampled.energy_map)
    np.testing.assert_array_equal(again.trajectory, sampled.trajectory)
    table = again.table()
    for name, column in sampled.table().items():
        np.testing.assert_array_equal(table[name], column, err_msg=name)
    assert table["label"].tolist() == list(range(6)) and table["label"].dtype == np.int64
    posterior = sampled.posterior
    assert posterior is not None and again.certificate == posterior.certificate
    assert posterior.entropy is not None and posterior.effective_count is not None
    np.testing.assert_array_equal(again.posterior_entropy, posterior.entropy.astype(np.float32))
    np.testing.assert_array_equal(
        again.effective_count, posterior.effective_count.astype(np.float32)
    )
    assert np.isnan(table["collapse_time"]).sum() == np.isnan(posterior.collapse).sum()
    settings = again.settings
    assert settings["shape"] == [1, 2, 3] and settings["field"]["spec"] == "external:exact"
    assert settings["sampler"]["nodes"] == PLAN.grid.nodes.tolist()
    assert settings["sampler"]["gain"] == str(PLAN.gain)
    assert settings["noise"] == {"source": "seed", "seed": 4}
    assert settings["record"]["trajectory"] == [0.0, 0.5, 1.0]


def test_tables_of_every_library_have_the_same_columns(tmp_path: Path) -> None:
    run = kp.write_run(tmp_path, paths(), plan=PLAN, record=RECORD, noise="once")
    pandas, polars, arrow = run.to_pandas(), run.to_polars(), run.to_arrow()
    assert list(pandas.columns) == polars.columns == arrow.column_names == list(run.table())
    np.testing.assert_array_equal(pandas["kpe"].to_numpy(), polars["kpe"].to_numpy())
    assert np.isnan(run.table()["label"]).all()
    assert run.profile is not None and run.settings["noise"] == {
        "source": "declared",
        "name": "once",
    }


def test_samples_alone_have_no_energies(tmp_path: Path) -> None:
    pictures = np.random.default_rng(1).integers(0, 256, (5, 4, 4, 3), dtype=np.uint8)
    run = kp.write_run(tmp_path / "pictures", pictures, model="my sampler")
    assert list(run.table()) == ["index", "label"]
    expected = pictures.transpose(0, 3, 1, 2) / np.float32(127.5) - 1
    np.testing.assert_allclose(run.samples, expected, atol=1e-6)
    assert run.profile is None and run.energy_map is None and run.trajectory is None
    assert run.certificate is None and run.posterior_entropy is None
    assert run.effective_count is None
    assert "sampler" not in run.settings and run.settings["noise"] == {"source": "unknown"}
    assert run.settings["field"]["sha256"] == "unknown"
    assert run.settings["field"]["scaling"] == "uint8-to-symmetric"
    np.save(tmp_path / "pictures.npy", pictures)
    same = kp.write_run(tmp_path / "again", tmp_path / "pictures.npy")
    np.testing.assert_array_equal(same.samples, run.samples)


def test_decoded_pictures_take_the_place_of_latents(tmp_path: Path) -> None:
    latents = paths(kp.Record())
    pictures = np.zeros((6, 3, 8, 8), np.float32)
    decoded = dataclasses.replace(latents, endpoints=pictures)
    run = kp.write_run(tmp_path, decoded, noise="generator 0")
    np.testing.assert_array_equal(run.samples, pictures)
    np.testing.assert_array_equal(run.table()["kpe"], latents.kpe)


def test_noise_is_known_by_its_content(tmp_path: Path) -> None:
    noise = kp.noise(4, 6, POINTS.shape[1:])
    one = kp.write_run(tmp_path / "one", paths(kp.Record()), noise=noise).settings["noise"]
    two = kp.write_run(tmp_path / "two", paths(kp.Record()), noise=noise.tolist()).settings["noise"]
    assert one == two and one["source"] == "array" and len(one["sha256"]) == 64
    other = kp.write_run(tmp_path / "other", POINTS, noise=POINTS * 2).settings["noise"]
    assert other["sha256"] != one["sha256"]


def test_what_makes_no_run_is_refused(tmp_path: Path) -> None:
    def refused(words: str, samples: Any, **options: Any) -> None:
        with pytest.raises(kp.KinepathError, match=words):
            kp.write_run(tmp_path / "new", samples, **options)
        assert not (tmp_path / "new").exists()

    bare, unknown = paths(kp.Record()), np.full(6, np.nan)
    refused("did not start from seed 5", bare, noise=5)
    refused("did not start from this noise", bare, noise=np.zeros((6, 1, 2, 3)))
    refused("one starting point per sample", bare, noise=np.zeros((5, 1, 2, 3)))
    refused("at least 0, got -1", bare, noise=-1)
    refused("needs the plan and the record", paths())
    refused("trajectory of 3 states, but record= tells 0 times", paths(), plan=PLAN)
    fewer = kp.Record(trajectory=2)
    refused(r"record= tells 2 times: .* record=kinepath\.Record", paths(), plan=PLAN, record=fewer)
    exact = bare.posterior
    assert exact is not None
    short = dataclasses.replace(exact, top=exact.top[:2])
    refused("top has 2 values for 6", dataclasses.replace(bare, posterior=short))
    negative = dataclasses.replace(exact, top=exact.top - 100)
    refused("which is no row", dataclasses.replace(bare, posterior=negative))
    halves = np.full(6, 10.5)
    refused("sample 0 took 10.5 evaluations", dataclasses.replace(bare, nfe=cast(Any, halves)))
    refused("sample 0 took NaN evaluations", dataclasses.replace(bare, nfe=cast(Any, unknown)))
    profile = kp.Record(profile=True)
    finer = kp.sample(lambda x, t: -x, kp.noise(4, 6, (2,)), kp.Plan(10), record=profile)
    refused("in 10 steps at times of their own", finer, plan=kp.Plan(5), record=profile)
    refused("a Plan is needed, .* got 10", bare, plan=10)
    refused("a record is a kinepath.Record", bare, plan=PLAN, record="profile")
    refused("2 labels for 12", POINTS, labels=[1, 2])
    refused("no endpoints", dataclasses.replace(bare, endpoints=cast(Any, None)))
    refused("displacement of sample 0 is NaN", dataclasses.replace(bare, displacement=unknown))
    refused("NaN", np.full((3, 2), np.nan))
    refused("one axis more", 1.0)
    refused("absent", "absent-folder")
    kp.write_run(tmp_path, POINTS)
    with pytest.raises(kp.KinepathError, match="holds a run already"):
        kp.write_run(tmp_path, POINTS)
    replaced = kp.write_run(tmp_path, POINTS[:3], overwrite=True)
    assert len(replaced) == 3
    with pytest.raises(kp.KinepathError, match="not a run folder"):
        kp.read_run(tmp_path / "none")


UNSHAPED = kp.Plan(10)
SHAPED = kp.Plan(10, gain=kp.KTS(alpha=0.02, beta=0.0))
GOVERNED = kp.Plan(10, gain=kp.Governed([(0.0, 1e9)]))
CHOSEN = kp.Plan(kp.Grid.uniform(2), "dopri5")


def along(plan: kp.Plan, **changed: Any) -> kp.Paths[NDArray[np.float32]]:
    sampled = kp.sample(lambda x, t: -x, kp.noise(4, 6, (2,)), plan)
    return dataclasses.replace(sampled, **changed)


@pytest.mark.parametrize(
    ("sampled", "told", "words"),
    [
        # 1 + 0.02 (1 − t/0.6) at 0, 0.1, … 0.5, and 1 from 0.6 on: 1 + 0.02 · 3.5 / 10.
        (UNSHAPED, SHAPED, r"sample 0 travelled with a mean gain of 1, but .* is 1\.007"),
        (SHAPED, UNSHAPED, r"mean gain of 1\.007, but that of .*gain unit> is 1\. Sample along"),
        (SHAPED, GOVERNED, "is from 0 to 1"),
        (CHOSEN, CHOSEN.with_gain(kp.KTS(0.1, 0.05)), "mean gain of 1, but .* is about 0.9"),
        (CHOSEN.with_gain("table:0=0.5,1=0.9"), CHOSEN, "mean gain of 0.7, but .* is about 1"),
        (kp.Plan(25), UNSHAPED, "from t = 0 to 1 in 25 steps at times of their own"),
        (kp.Plan(8), UNSHAPED, "in 8 steps"),
    ],
)
def test_paths_along_another_plan_are_refused(
    tmp_path: Path, sampled: kp.Plan, told: kp.Plan, words: str
) -> None:
    with pytest.raises(kp.KinepathError, match=words):
        kp.write_run(tmp_path / "run", along(sampled), plan=told)
    assert not (tmp_path / "run").exists()
    kp.write_run(tmp_path / "run", along(sampled), plan=sampled)


def own_loop(plan: kp.Plan, *, applied: bool, profile: bool) -> kp.Paths[NDArray[np.float32]]:
    """The steps of Euler's method, and what a meter would have told of them."""
    noise = kp.noise(4, 6, (2,))
    x, speeds, factors = noise.astype(np.float64), [], []
    for start, end in zip(plan.grid.nodes[:-1], plan.grid.nodes[1:]):
        v = -3.0 * x
        speed = (v**2).sum(1)
        factors.append(plan.gain.factor(start, speed) if applied else np.ones(6))
        speeds.append(factors[-1] ** 2 * speed)
        x += (end - start) * factors[-1][:, None] * v
    shaped = np.stack(speeds, 1)
    displacement = 0.5 * ((x - noise) ** 2).sum(1)
    told = {"launch": 0.05 * shaped.sum(1), "displacement": displacement, "nfe": np.full(6, 10)}
    return along(
        plan.with_gain("unit"),
        endpoints=x.astype(np.float32),
        mean_gain=np.mean(factors, 0),
        profile=shaped if profile else None,
        **told,
    )


def test_a_closed_loop_that_was_not_applied_is_refused(tmp_path: Path) -> None:
    plan = kp.Plan(10, gain=kp.Governed([(0.0, 0.5)], split=0.25))
    applied = own_loop(plan, applied=True, profile=True)
    kp.write_run(tmp_path / "applied", applied, plan=plan, noise=4)
    without = own_loop(plan, applied=False, profile=True)
    words = (
        r"the gain was not applied: sample \d had a squared speed of [\d.]+ at t = 0\.3, where the "
        r"ceiling of .*governed.* is 0\.5, .* mean gain of 1\. .*plan\.gain\.factor\(t, speeds\)"
    )
    with pytest.raises(kp.KinepathError, match=words):
        kp.write_run(tmp_path / "without", without, plan=plan, noise=4)
    kp.write_run(tmp_path / "unit", without, plan=plan.with_gain("unit"), noise=4)
    # Without a profile nobody knows, and below the ceiling there is nothing to damp.
    unknown = own_loop(plan, applied=False, profile=False)
    kp.write_run(tmp_path / "unknown", unknown, plan=plan, noise=4)
    high = plan.with_gain(kp.Governed([(0.0, 1e9)], split=0.25))
    kp.write_run(tmp_path / "high", without, plan=high, noise=4)


@pytest.mark.parametrize("start", [1 / 81, 0.4])
def test_noise_of_a_later_start_is_as_it_is_or_of_the_size_it_has_there(
    tmp_path: Path, start: float
) -> None:
    plan, noise = kp.Plan(kp.Grid.uniform(10).within(start, 1.0)), kp.noise(4, 6, (2,))
    for name, scale in {"whole": 1.0, "scaled": 1.0 - start}.items():
        paths = kp.sample(lambda x, t: 2.0 - x, scale * noise, plan)
        run = kp.write_run(tmp_path / name, paths, plan=plan, noise=4)
        assert run.settings["noise"] == {"source": "seed", "seed": 4}
    other = kp.sample(lambda x, t: 2.0 - x, 0.5 * (1.0 - start) * noise, plan)
    with pytest.raises(kp.KinepathError, match=rf"seed 4, as it is or times 1 − {start:.4f}: its"):
        kp.write_run(tmp_path / "other", other, plan=plan, noise=4)
    # From t = 0 on there is one size.
    scaled = kp.sample(lambda x, t: 2.0 - x, (1.0 - start) * noise, kp.Plan(10))
    with pytest.raises(kp.KinepathError, match="did not start from seed 4: its"):
        kp.write_run(tmp_path / "early", scaled, plan=kp.Plan(10), noise=4)


@pytest.mark.parametrize("solver", ["euler", "midpoint", "heun", "rk4", "dopri5"])
@pytest.mark.parametrize(
    "gain", ["unit", "kts:alpha=0.1,beta=0.01", "table:0=1.2,0.3=0.4,0.35=1.5", GOVERNED.gain]
)
@pytest.mark.parametrize("grid", [kp.Grid.uniform(1), kp.Grid.cosine(7).within(0.1, 0.9)])
def test_paths_along_their_own_plan_are_taken(
    tmp_path: Path, solver: str, gain: kp.Gain | str, grid: kp.Grid
) -> None:
    plan = kp.Plan(grid, solver, gain, rtol=1e-2, atol=1e-2)
    kp.write_run(tmp_path, along(plan), plan=plan)


def test_evaluations_may_be_counted_in_other_ways(tmp_path: Path) -> None:
    heun = kp.Plan(10, "heun")
    for count in (10, 20, 33, 40, 60):
        told = along(heun, nfe=np.full(6, count, np.uint32))
        kp.write_run(tmp_path / str(count), told, plan=heun)
