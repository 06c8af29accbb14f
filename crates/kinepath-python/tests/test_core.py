"""The core on NumPy arrays, against integrations written out and against scikit-learn and SciPy."""

from __future__ import annotations

import copy
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import scipy.stats
from numpy.typing import NDArray

import kinepath as kp

TABLEAUS: dict[str, tuple[list[list[float]], list[float], list[float]]] = {
    "euler": ([[]], [1.0], [0.0]),
    "midpoint": ([[], [0.5]], [0.0, 1.0], [0.0, 0.5]),
    "heun": ([[], [1.0]], [0.5, 0.5], [0.0, 1.0]),
    "rk4": (
        [[], [0.5], [0.0, 0.5], [0.0, 0.0, 1.0]],
        [1 / 6, 1 / 3, 1 / 3, 1 / 6],
        [0.0, 0.5, 0.5, 1.0],
    ),
}


def integrate(
    f: Callable[[Any, float], Any],
    x: NDArray[np.float32],
    nodes: NDArray[np.float64],
    solver: str,
    eta: Callable[[float], float] = lambda t: 1.0,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Endpoints and energies by the definition, in float64."""
    a, b, c = TABLEAUS[solver]
    state, energy = x.astype(np.float64), np.zeros(len(x))
    for start, end in zip(nodes[:-1], nodes[1:]):
        h: float = end - start
        k: list[NDArray[np.float64]] = []
        for j in range(len(b)):
            at = state + h * sum(a[j][i] * k[i] for i in range(j))
            k.append(eta(start + c[j] * h) * f(at, start + c[j] * h))
        energy += 0.5 * h * sum(w * (m**2).reshape(len(x), -1).sum(1) for w, m in zip(b, k))
        state = state + h * sum(w * m for w, m in zip(b, k))
    return state, energy


def swirl(x: NDArray[Any], t: float) -> NDArray[Any]:
    """A field that depends on time and mixes the two dimensions."""
    return np.stack([np.cos(t) * x[..., 1] + 1.0, -x[..., 0] * (1.0 + t)], -1)


@pytest.mark.parametrize("solver", TABLEAUS)
@pytest.mark.parametrize("gain", [None, kp.KTS(alpha=0.05, beta=0.02), kp.SSC(0.1, 2.0)])
@pytest.mark.parametrize(
    "grid", [kp.Grid.uniform(20), kp.Grid.cosine(20), kp.Grid.shifted(20, 3.0), kp.Grid([0, 0.3, 1])]
)
def test_a_callable_is_integrated_as_by_hand(
    solver: str, gain: kp.Gain | None, grid: kp.Grid
) -> None:
    noise = kp.noise(3, 6, (2,))
    plan = kp.Plan(grid, solver, gain)
    paths = kp.sample(lambda x, t: swirl(x, t[0]).astype(np.float32), noise, plan)
    eta = gain.eta if gain else lambda t: 1.0
    ends, energies = integrate(swirl, noise, grid.nodes, solver, eta)
    np.testing.assert_allclose(paths.endpoints, ends, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(paths.kpe, energies, rtol=1e-5)
    np.testing.assert_allclose(paths.launch + paths.landing, paths.kpe, rtol=1e-12)
    assert paths.nfe.tolist() == [plan.nfe] * 6


def test_shapes_records_and_tables() -> None:
    field = kp.EmpiricalField(np.random.default_rng(0).normal(size=(5, 1, 2, 3)))
    assert field.shape == [1, 2, 3] and not field.labelled
    noise = kp.noise(0, [4, 1], (1, 2, 3))
    np.testing.assert_array_equal(noise[1], kp.noise(0, 2, (1, 2, 3))[1])
    plan = kp.Plan(10)
    record = kp.Record(profile=True, energy_map=True, trajectory=3)
    paths = kp.sample(field, noise, plan, record=record)
    assert paths.profile is not None and paths.trajectory is not None
    assert paths.energy_map is not None
    assert paths.endpoints.shape == (2, 1, 2, 3) and paths.profile.shape == (2, 10)
    assert paths.trajectory.shape == (2, 3, 1, 2, 3)
    np.testing.assert_array_equal(paths.trajectory[:, 0], noise)
    np.testing.assert_array_equal(paths.trajectory[:, -1], paths.endpoints)
    np.testing.assert_allclose(paths.energy_map.reshape(2, -1).sum(1), paths.kpe, rtol=1e-5)
    np.testing.assert_allclose(paths.profile.sum(1) * 0.5 / 10, paths.kpe, rtol=1e-12)
    columns = paths.table()
    assert list(columns)[:2] == ["index", "kpe"] and len(paths) == 2
    assert list(paths.to_pandas().columns) == list(columns)
    assert paths.to_polars().columns == list(columns)
    assert paths.to_arrow().column_names == list(columns)


def test_the_paths_of_an_exact_field_end_on_training_points() -> None:
    points = np.array([[-1.0, 0.0], [1.0, 0.0]])
    field = kp.EmpiricalField(points)
    paths = kp.sample(field, kp.noise(0, 8, (2,)), kp.Plan(200))
    found = kp.memorization(paths.endpoints, points)
    assert found.f_mem == 1.0 and found.d1.max() < 1e-3
    posterior = field.posterior_at(paths.endpoints, np.full(8, 0.99))
    np.testing.assert_array_equal(posterior.top, found.nearest)


def test_exact_paths_say_what_they_left_out() -> None:
    points = np.random.default_rng(5).normal(size=(400, 2, 3)).astype(np.float32)
    field, noise, plan = kp.EmpiricalField(points), kp.noise(1, 12, (2, 3)), kp.Plan(40)
    paths = kp.sample(field, noise, plan, record=kp.Record(profile=True, trajectory=41))
    whole = kp.sample(field, noise, plan, certify=None)
    assert whole.posterior is None and "top_index" not in whole.table()
    np.testing.assert_allclose(paths.endpoints, whole.endpoints, atol=1e-4)
    np.testing.assert_allclose(paths.kpe, whole.kpe, rtol=1e-5)

    found = paths.posterior
    assert found is not None and found.entropy is not None and found.effective_count is not None
    assert found.top.dtype == np.int64
    certificate = found.certificate
    assert certificate.tau == 20.0 and 0.0 < certificate.need < 20.0 and certificate.rescans == 0
    assert 0.0 < certificate.velocity_error < 1e-2 and "τ = 20" in str(certificate)
    assert paths.trajectory is not None
    for step, t in enumerate(plan.grid.nodes[:-1]):
        posterior = field.posterior_at(paths.trajectory[:, step], np.full(12, t))
        np.testing.assert_allclose(found.entropy[:, step], posterior.entropy, atol=2e-3)
        np.testing.assert_allclose(found.effective_count[:, step], posterior.effective_count, 1e-2)
    np.testing.assert_array_equal(found.top, posterior.top)
    collapsed = ~np.isnan(found.collapse)
    assert collapsed.sum() > 5
    np.testing.assert_array_equal(paths.endpoints[collapsed], points[found.top[collapsed]])

    columns = paths.table()
    assert list(columns)[-3:] == ["collapse_time", "top_index", "velocity_error"]
    np.testing.assert_array_equal(columns["collapse_time"], found.collapse)
    assert (columns["velocity_error"] == certificate.velocity_error).all()
    assert list(paths.to_pandas().columns) == paths.to_arrow().column_names == list(columns)
    assert paths.to_polars().columns == list(columns)
    wide = kp.sample(field, noise, plan, certify=12.0).posterior
    assert wide is not None and wide.certificate.velocity_error > certificate.velocity_error
    assert kp.sample(field, noise, kp.Plan(5, "midpoint")).posterior is None


def test_metrics_and_statistics_agree_with_other_libraries() -> None:
    random = np.random.default_rng(1)
    queries, points = random.normal(size=(30, 5)), random.normal(size=(80, 5))
    found = kp.neighbours(queries, points, k=3)
    distances = np.linalg.norm(
        queries.astype(np.float32)[:, None].astype(float) - points.astype(np.float32), axis=2
    )
    np.testing.assert_array_equal(found.indices, np.argsort(distances, 1)[:, :3])
    np.testing.assert_allclose(found.distances, np.sort(distances, 1)[:, :3], rtol=1e-12)
    x, y = random.normal(size=60), random.normal(size=60)
    rho = kp.spearman(x, x + y)
    assert rho.low < rho.estimate < rho.high
    assert rho.estimate == pytest.approx(scipy.stats.spearmanr(x, x + y).statistic, abs=1e-12)
    interval = kp.bootstrap(x)
    assert interval.estimate == pytest.approx(x.mean()) and interval.low < x.mean() < interval.high
    same, other = kp.compare(x, x + 1e-3 * y), kp.compare(x, x + 1.0)
    assert same.p_value > 0.05 and other.difference.estimate == pytest.approx(1.0)
    np.testing.assert_allclose(kp.adjust([0.01, 0.04, 0.03]), [0.03, 0.04, 0.04])


def test_neighbours_in_a_file_are_those_in_the_array(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    points = random.integers(-2, 3, size=(500, 2, 3)).astype(np.float32)
    queries = random.normal(size=(20, 2, 3)).astype(np.float32)
    file = tmp_path / "points.npy"
    np.save(file, points)
    whole = kp.neighbours(queries, points, k=7)
    for path in (file, str(file)):
        found = kp.neighbours(queries, path, k=7)
        np.testing.assert_array_equal(found.indices, whole.indices)
        np.testing.assert_array_equal(found.distances, whole.distances)
    with pytest.raises(kp.KinepathError, match=r"\[2, 3\]"):
        kp.neighbours(np.zeros((1, 3)), file)
    file.write_bytes(file.read_bytes()[:-4])
    with pytest.raises(kp.KinepathError, match="incomplete"):
        kp.neighbours(queries, file)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the system has no timers")
def test_a_search_in_a_file_can_be_interrupted(tmp_path: Path) -> None:
    def ring(number: int, frame: object) -> None:
        raise ZeroDivisionError

    # Of a little more than two blocks, none of which is on the disk.
    points = np.lib.format.open_memmap(
        tmp_path / "points.npy", mode="w+", dtype=np.float32, shape=(70, 1 << 20)
    )
    # Where the search ends, it ends with this.
    points[-1, -1] = np.nan
    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 0.001)
    try:
        with pytest.raises(ZeroDivisionError) as interrupted:
            kp.neighbours(np.zeros((1, 1 << 20), np.float32), tmp_path / "points.npy")
    finally:
        signal.signal(signal.SIGALRM, before)
    assert interrupted.value.__context__ is None


def test_grids_have_names_and_come_from_noise_levels() -> None:
    assert kp.Grid.named("shift:3", 7) == kp.Grid.shifted(7, 3.0)
    flux = kp.Grid.named("dynamic-shift:4096", 28)
    assert flux == kp.Grid.shifted(28, float(np.exp(1.15)))
    assert kp.Grid.from_sigmas([1.0, 0.5]) == kp.Grid([0.0, 0.5, 1.0])
    with pytest.raises(kp.KinepathError, match="dynamic-shift:LENGTH"):
        kp.Grid.named("zigzag", 3)
    with pytest.raises(kp.KinepathError, match="noise level 1 is 1 after 0.5"):
        kp.Grid.from_sigmas([0.5, 1.0])


def test_a_diffusion_network_is_the_field_of_the_straight_path() -> None:
    network = Path(__file__).parents[2] / "kinepath-cli/tests/fixtures/vp_gaussian.onnx"
    field = kp.OnnxField(network, predicts="noise", trained_on="vp:scaled-linear")
    exact = kp.MixtureField([1.0], [[1.0, -2.0]], [0.25])
    x, t = kp.noise(0, 5, (2,)), np.linspace(0.1, 0.9, 5)
    np.testing.assert_allclose(field.velocity(x, t), exact.velocity(x, t), atol=0.05)
    assert field.velocity(x, np.zeros(5)).shape == (5, 2)
    with pytest.raises(kp.KinepathError, match="no usual choice"):
        kp.OnnxField(network, trained_on="vp:linear")


def test_plans_and_what_they_are_made_of_survive_pickling() -> None:
    grid = kp.Grid.shifted(7, 3.0)
    for whole in [
        grid,
        kp.SSC(0.1, power=2.0),
        kp.Plan(grid, "heun", kp.KTS(0.02), quadrature="left"),
        kp.Plan(4, "dopri5", rtol=1e-3, atol=1e-6),
    ]:
        assert pickle.loads(pickle.dumps(whole)) == whole == copy.deepcopy(whole)


def test_solvers_are_those_of_the_core() -> None:
    for solver in kp.Solver:
        assert kp.Plan(4, solver).solver == solver.value
    with pytest.raises(kp.KinepathError) as refused:
        kp.Plan(4, "")
    assert str(refused.value).endswith("use " + ", ".join(solver.value for solver in kp.Solver))


def test_gains_have_one_meaning() -> None:
    assert str(kp.KTS(alpha=0.02, beta=0.0)).startswith("kts:alpha=0.02,beta=0,")
    assert kp.TableGain([(0.0, 1.5), (1.0, 0.5)]).eta(0.5) == 1.0
    assert kp.Governed([(0.0, 4.0)], split=0.5).governor(0.6) == (4.0, 0.5)
    assert kp.Plan(4, gain="ssc:alpha=0.1,power=2").gain == kp.SSC(0.1, power=2.0)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: kp.Plan(0), kp.KinepathError, "at least one step"),
        (lambda: kp.Plan(50, gain=kp.KTS(0.0, beta=3.0)), kp.KinepathError, "largest admissible"),
        (lambda: kp.Plan(5, "ode45"), kp.KinepathError, "use euler, midpoint"),
        (lambda: kp.KTS(launch=cast(Any, "steep")), kp.KinepathError, "launch"),
        (lambda: kp.Grid([0.5, 0.2]), kp.KinepathError, "must increase"),
        (lambda: kp.EmpiricalField(np.full((3, 2), np.nan)), kp.KinepathError, "NaN"),
        (lambda: kp.EmpiricalField(1.0), kp.KinepathError, "single number"),
        (
            lambda: kp.sample(kp.EmpiricalField([[0.0]]), [[1.0]], kp.Plan(4), certify=-1.0),
            kp.KinepathError,
            "gap above 0 nats, got -1; 20 is usual",
        ),
        (lambda: kp.sample(lambda x, t: x, [[1.0]], cast(Any, 50)), kp.KinepathError, "got 50"),
        (
            lambda: kp.sample(lambda x, t: x, [[1.0]], kp.Plan(4), record=cast(Any, "profile")),
            kp.KinepathError,
            r"kinepath\.Record\(profile=True\), got 'profile'",
        ),
        (lambda: kp.OnnxField("absent.onnx"), kp.KinepathError, "absent.onnx"),
        (lambda: kp.neighbours(np.zeros((2, 3)), np.zeros((4, 2))), kp.KinepathError, r"\[3\]"),
        (lambda: kp.compare([1.0, 2.0], [1.0]), kp.KinepathError, "one value per sample"),
        (lambda: kp.support([[0.0]], [[1.0]], method=cast(Any, "x")), kp.KinepathError, "knn"),
    ],
)
def test_bad_arguments_are_named(
    call: Callable[[], object], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        call()


def test_a_failing_callable_fails_clearly() -> None:
    noise, plan = kp.noise(0, 3, (2, 2)), kp.Plan(4)
    for bad, error, words in [
        (lambda x, t: x[:1], kp.ModelError, r"\[3, 2, 2\], got \[1, 2, 2\]"),
        (lambda x, t: x[:1].astype(np.float64), kp.ModelError, r"\[3, 2, 2\], got \[1, 2, 2\]"),
        (lambda x, t: x.astype(np.int64), kp.ModelError, "float32 .* got ndarray of int64"),
        (lambda x, t: x > 0, kp.ModelError, "got ndarray of bool"),
        (lambda x, t: x + 1j, kp.ModelError, "got ndarray of complex64"),
        (lambda x, t: None, kp.ModelError, "got NoneType"),
        (lambda x, t: x * np.nan, kp.SamplingError, "sample 0 became NaN .* step 0"),
        (lambda x, t: 1 / 0, ZeroDivisionError, "division by zero"),
    ]:
        with pytest.raises(error, match=words):
            kp.sample(bad, noise, plan)
    with pytest.raises(kp.KinepathError, match="noise of sample 1 holds NaN"):
        kp.sample(lambda x, t: x, np.array([[0.0], [np.nan]]), plan)
    field = kp.MixtureField([1.0], [[0.0]], [1.0])
    with pytest.raises(kp.KinepathError, match=r"\[2, 2\], but the velocity field has \[1\]"):
        kp.sample(field, noise, plan)
    with pytest.raises(kp.KinepathError, match="undefined at t = 1"):
        kp.sample(kp.EmpiricalField([[0.0]]), [[1.0]], kp.Plan(4, "heun"))


def test_velocities_of_other_fractions_are_rounded() -> None:
    noise, plan = kp.noise(0, 8, (2,)), kp.Plan(5)
    # Float64, as the times are; every path goes straight to the point (1, 1).
    paths = kp.sample(lambda x, t: (1 - x) / (1 - t[:, None]), noise, plan)
    np.testing.assert_allclose(paths.endpoints, 1.0, rtol=1e-6)
    np.testing.assert_allclose(paths.kpe, 0.5 * ((1.0 - noise) ** 2).sum(1), rtol=1e-5)
    half = kp.sample(lambda x, t: np.ones_like(x, np.float16), noise, plan)
    np.testing.assert_allclose(half.kpe, 1.0)


def test_memory_of_any_layout_is_read_and_never_written() -> None:
    field = kp.MixtureField([1.0], [[1.0, -1.0, 0.5]], [0.5])
    noise = kp.noise(0, 8, (3,))
    expected = kp.sample(field, noise, kp.Plan(5)).kpe
    frozen = noise.copy()
    frozen.setflags(write=False)
    wide = np.zeros((8, 6), np.float32)
    wide[:, ::2] = noise
    for same in [frozen, np.asfortranarray(noise), wide[:, ::2], noise[::-1][::-1]]:
        np.testing.assert_array_equal(kp.sample(field, same, kp.Plan(5)).kpe, expected)
    kept = noise.copy()
    kp.sample(field, noise, kp.Plan(5))
    np.testing.assert_array_equal(noise, kept)


def test_threads_sample_side_by_side() -> None:
    noise, plan = kp.noise(0, 16, (2,)), kp.Plan(20)
    results: dict[np.float32, NDArray[np.float64]] = {}

    def run(number: np.float32) -> None:
        results[number] = kp.sample(lambda x, t: -x * number, noise, plan).kpe

    threads = [threading.Thread(target=run, args=(np.float32(n),)) for n in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, kpe in results.items():
        _, energies = integrate(lambda x, t: -x * number, noise, plan.grid.nodes, "euler")
        np.testing.assert_allclose(kpe, energies, rtol=1e-5)


def test_importing_is_quick_and_leaves_torch_alone() -> None:
    code = "import kinepath, sys; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(("successes", "trials"), [(0, 7), (3, 45), (45, 45)])
def test_a_share_has_wilsons_interval(successes: int, trials: int) -> None:
    share = kp.stats.share(successes, trials, level=0.9)
    expected = scipy.stats.binomtest(successes, trials).proportion_ci(0.9, method="wilson")
    np.testing.assert_allclose(share, (successes / trials, *expected), atol=1e-12)


def test_a_share_of_nothing_is_refused() -> None:
    with pytest.raises(kp.KinepathError):
        kp.share(0, 0)
    with pytest.raises(kp.KinepathError):
        kp.bootstrap([])


@pytest.mark.parametrize("successes", [0, 3, 50])
@pytest.mark.parametrize("kind", [bool, float, np.int8])
def test_the_mean_of_a_column_of_truth_values_is_a_share(successes: int, kind: Any) -> None:
    column = np.arange(50) < successes
    expected = kp.share(successes, 50, level=0.9)
    assert kp.bootstrap(column.astype(kind), level=0.9) == expected
    assert expected.high > expected.low
    # Anything else among them, and they are numbers.
    assert kp.bootstrap(np.append(column, 0.5)) != kp.share(successes, 51)


def test_f_mem_has_the_interval_of_a_share() -> None:
    train = kp.noise(0, 30, (5,))
    found = kp.memorization(np.concatenate([train[:4], kp.noise(1, 12, (5,))]), train)
    interval = found.f_mem_interval()
    assert interval == kp.share(4, 16) and interval.estimate == found.f_mem
    wider = found.f_mem_interval(1.1, level=0.99)
    assert wider == kp.share(16, 16, level=0.99)


def test_a_field_is_asked_at_one_time_or_at_one_for_each_state() -> None:
    field, states = kp.EmpiricalField(kp.noise(0, 5, (3,))), kp.noise(1, 2, (3,))
    for time in (0.5, np.float32(0.5), np.array(0.5)):
        np.testing.assert_array_equal(field.velocity(states, time), field.velocity(states, [0.5] * 2))
    with pytest.raises(kp.KinepathError, match=r"one for all states or \[B\], got shape \[1, 2\]"):
        field.velocity(states, [[0.5, 0.5]])
    with pytest.raises(kp.KinepathError, match="times are numbers, got 'noon'"):
        field.velocity(states, cast(Any, "noon"))
    with pytest.raises(kp.KinepathError):
        field.velocity(states, [0.5] * 3)


@pytest.mark.parametrize("kind", [list, np.array, np.float32])
def test_a_field_takes_labels_of_any_kind(kind: Any) -> None:
    models = Path(__file__).parents[2] / "kinepath-onnx" / "tests" / "fixtures" / "models"
    field = kp.OnnxField(models / "labelled.onnx")
    states = kp.noise(1, 2, field.shape)
    expected = field.velocity(states, 0.5, [1, 0])
    np.testing.assert_array_equal(field.velocity(states, 0.5, kind([1, 0])), expected)
    with pytest.raises(kp.KinepathError, match="labels are whole numbers, got 0.5 at position 1"):
        field.velocity(states, 0.5, [1, 0.5])


def in_a_fork(index: int) -> float:
    """What needs the threads of the core."""
    samples = kp.noise(0, range(index, index + 200), (64,))
    return float(kp.memorization(samples, kp.noise(1, 300, (64,))).d1.sum())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no forks")
def test_a_forked_process_computes_with_threads_of_its_own() -> None:
    expected = [in_a_fork(index) for index in range(3)]
    with multiprocessing.get_context("fork").Pool(2) as forks:
        assert forks.map_async(in_a_fork, range(3)).get(timeout=120) == expected


def test_a_field_takes_any_array() -> None:
    field = kp.EmpiricalField(kp.noise(0, 5, (3,)))
    states, times = kp.noise(1, 2, (3,)), np.array([0.25, 0.5])
    expected = field.velocity(states, times)
    assert expected.dtype == np.float32
    np.testing.assert_array_equal(field.velocity(states.astype(np.float64), [0.25, 0.5]), expected)
    np.testing.assert_array_equal(field.velocity(states.tolist(), times), expected)
