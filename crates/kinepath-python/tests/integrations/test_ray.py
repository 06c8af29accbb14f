"""Sampling and evaluation on a Ray cluster of this machine, against one process and the core."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import ray
import scipy.stats
from moto.server import ThreadedMotoServer
from numpy.typing import NDArray
from pyarrow import fs

import kinepath as kp
import kinepath.ray as kpr
from kinepath.ray import pool as pool_module
from kinepath.ray.pool import Pool
from kinepath.samplers import in_batches, sampler_of

SHAPE = (2, 3)
RANDOM = np.random.default_rng(0)
POINTS = RANDOM.normal(size=(30, *SHAPE)).astype(np.float32)
PLAN = kp.Plan(6)
SMALL: dict[str, Any] = {"shape": SHAPE, "seed": 4, "batch": 4, "part_size": 8}


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    ray.init(num_cpus=2, num_gpus=1, include_dashboard=False, object_store_memory=100 << 20)
    yield
    ray.shutdown()


def field() -> kp.Field:
    return kp.EmpiricalField(POINTS)


def expected(count: int, batch: int = 4) -> kp.Paths[NDArray[np.float32]]:
    """What one process samples."""
    return in_batches(
        sampler_of(field(), kp.Record()),
        PLAN,
        seed=4,
        rows=range(count),
        batch=batch,
        shape=SHAPE,
        labels=None,
    )


def column(dataset: kpr.Dataset, name: str) -> NDArray[Any]:
    return np.concatenate([dataset.table(part)[name] for part in dataset.whole()])


def samples(dataset: kpr.Dataset) -> NDArray[np.float32]:
    return np.concatenate([dataset.tensors(part)["samples"] for part in dataset.whole()])


def assert_same(dataset: kpr.Dataset, count: int) -> None:
    """The bytes of one process, every sample once."""
    one = expected(count)
    np.testing.assert_array_equal(column(dataset, "index"), np.arange(count))
    np.testing.assert_array_equal(samples(dataset), one.endpoints)
    for name, values in one.table().items():
        if name != "velocity_error":
            np.testing.assert_array_equal(column(dataset, name), values, err_msg=name)


def test_two_workers_sample_what_one_process_does(tmp_path: Path) -> None:
    told: list[float] = []
    dataset = kpr.sample(
        lambda: kp.EmpiricalField(POINTS),
        PLAN,
        45,
        tmp_path,
        **SMALL,
        progress=lambda stage, done: told.append(done),
    )
    assert len(dataset) == 45 and len(dataset.ranges) == 6
    assert_same(dataset, 45)
    assert told[0] == 0.0 and told[-1] == 1.0 and told == sorted(told) and len(told) == 7
    other = expected(45, batch=45)
    np.testing.assert_allclose(samples(dataset), other.endpoints, rtol=1e-6, atol=1e-6)
    assert not (tmp_path / "incoming").exists()


def test_what_is_missing_is_computed_and_nothing_else(tmp_path: Path) -> None:
    log = tmp_path / "log"

    def model() -> Any:
        def sampler(noise: Any, plan: kp.Plan) -> kp.Paths[Any]:
            with log.open("a") as file:
                file.write(f"{len(noise)}\n")
            return kp.sample(kp.EmpiricalField(POINTS), noise, plan)

        return sampler

    sample = partial(kpr.sample, model, PLAN, path=tmp_path / "set", workers=1, **SMALL)
    dataset = sample(count=32, range=range(8, 32))
    assert dataset.missing() == [range(0, 8)]
    written = {path: path.stat().st_mtime_ns for path in (tmp_path / "set").rglob("*.parquet")}
    assert len(written) == 3
    log.unlink()
    for part in ("table/part-000000000016-000000000024.parquet", "tensors/*-000000000032.*"):
        next((tmp_path / "set").glob(part)).unlink()
    # The size of parts is that of the data set.
    assert_same(kpr.sample(model, PLAN, 32, tmp_path / "set", shape=SHAPE, seed=4, batch=4), 32)
    assert log.read_text().split() == ["4"] * 6
    kept = tmp_path / "set" / "table" / "part-000000000008-000000000016.parquet"
    assert kept.stat().st_mtime_ns == written[kept]
    log.unlink()
    assert_same(sample(count=32), 32)
    assert not log.exists()
    with pytest.raises(kp.KinepathError, match="noise.seed is 4 in dataset.toml, and 5"):
        kpr.sample(model, PLAN, 32, tmp_path / "set", **{**SMALL, "seed": 5})
    with pytest.raises(kp.KinepathError, match="not made of whole parts of 8 of 32"):
        sample(count=32, range=range(4, 16))
    assert not log.exists()


def test_a_call_whose_settings_were_replaced_finds_out_after_a_part(tmp_path: Path) -> None:
    log, written = tmp_path / "log", tmp_path / "set" / "dataset.toml"

    def model() -> Any:
        # As another call does that began at the same moment.
        written.write_text(written.read_text().replace("seed = 4", "seed = 5"))

        def sampler(noise: Any, plan: kp.Plan) -> kp.Paths[Any]:
            with log.open("a") as file:
                file.write("called\n")
            return kp.sample(kp.EmpiricalField(POINTS), noise, plan)

        return sampler

    with pytest.raises(kp.KinepathError, match="noise.seed is 5 in dataset.toml, and 4"):
        kpr.sample(model, PLAN, 800, tmp_path / "set", workers=1, **SMALL)
    # The next part may have begun meanwhile.
    assert 2 <= len(log.read_text().split()) < 20
    dataset = kpr.Dataset(tmp_path / "set")
    assert dataset.missing() == dataset.ranges


def test_a_bug_of_the_model_is_not_tried_again(tmp_path: Path) -> None:
    log = tmp_path / "log"

    def model() -> Any:
        def sampler(noise: Any, plan: kp.Plan) -> kp.Paths[Any]:
            with log.open("a") as file:
                file.write("called\n")
            if np.array_equal(noise, kp.noise(4, range(8, 12), SHAPE)):
                raise ZeroDivisionError("a bug")
            return kp.sample(kp.EmpiricalField(POINTS), noise, plan)

        return sampler

    with pytest.raises(kpr.WorkError, match=r"^sampling 8\.\.16 failed: ZeroDivisionError: a bug$"):
        kpr.sample(model, PLAN, 32, tmp_path / "set", workers=1, **SMALL)
    assert log.read_text().split() == ["called"] * 3
    assert kpr.Dataset(tmp_path / "set").missing() == [range(8, 16), range(16, 24), range(24, 32)]


def test_a_model_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    def absent() -> kp.Field:
        raise FileNotFoundError("no weights")

    with pytest.raises(kpr.WorkError, match="opening failed: FileNotFoundError: no weights"):
        kpr.sample(absent, PLAN, 8, tmp_path / "a", workers=1, **SMALL)
    with pytest.raises(kpr.WorkError, match="must return the Paths of its 4 samples"):
        kpr.sample(lambda: lambda noise, plan: noise, PLAN, 8, tmp_path / "b", workers=1, **SMALL)
    other = {**SMALL, "shape": (6,)}
    with pytest.raises(kpr.WorkError, match=r"0\.\.8 failed: KinepathError: noise has"):
        kpr.sample(lambda: kp.EmpiricalField(POINTS), PLAN, 8, tmp_path / "c", workers=1, **other)


def test_what_is_recorded_is_what_was_asked_for(tmp_path: Path) -> None:
    everything = kp.Record(profile=True, energy_map=True, trajectory=2)

    def model() -> Any:
        return partial(kp.sample, kp.EmpiricalField(POINTS), record=everything)

    def sampled(folder: str, record: kp.Record) -> kpr.Dataset:
        return kpr.sample(model, PLAN, 8, tmp_path / folder, record=record, workers=1, **SMALL)

    dataset = sampled("profile", kp.Record(profile=True))
    kept = {"samples", "profile", "posterior_entropy", "effective_count"}
    assert dataset.tensors(dataset.whole()[0]).keys() == kept
    dataset = sampled("bare", kp.Record())
    assert dataset.tensors(dataset.whole()[0]).keys() == {"samples"}
    with pytest.raises(kpr.WorkError, match="3 states of a trajectory .* recorded 2"):
        sampled("three", kp.Record(trajectory=3))
    with pytest.raises(kpr.WorkError, match="parts was asked for"):
        sampled("parts", kp.Record(parts=True))


def test_the_work_of_a_killed_worker_is_done_by_another(tmp_path: Path) -> None:
    marker = tmp_path / "killed"

    def model() -> Any:
        def sampler(noise: Any, plan: kp.Plan) -> kp.Paths[Any]:
            if np.array_equal(noise, kp.noise(4, range(12, 16), SHAPE)) and not marker.exists():
                marker.touch()
                os._exit(1)
            return kp.sample(kp.EmpiricalField(POINTS), noise, plan)

        return sampler

    dataset = kpr.sample(model, PLAN, 45, tmp_path / "set", **SMALL)
    assert marker.exists()
    assert_same(dataset, 45)


def test_a_part_that_kills_every_worker_ends_the_run(tmp_path: Path) -> None:
    def model() -> Any:
        return lambda noise, plan: os._exit(1)

    with pytest.raises(kpr.WorkError, match=r"sampling 0\.\.8 failed 2 times, at last: "):
        kpr.sample(model, PLAN, 8, tmp_path, workers=1, retries=1, **SMALL)


def test_a_store_that_fails_is_tried_again(tmp_path: Path) -> None:
    def opener() -> Any:
        def work(task: int) -> int:
            attempts = tmp_path / str(task)
            made = len(attempts.read_text()) if attempts.exists() else 0
            attempts.write_text("x" * (made + 1))
            if made < task:
                raise kpr.StoreError(f"attempt {made}")
            return task

        return work

    def pool(retries: int) -> Pool[int, int]:
        return Pool(resources=None, workers=1, retries=retries)

    done = pool(2)
    done.add([0, 1, 2])
    assert dict(done.run(opener)) == {0: 0, 1: 1, 2: 2}
    failed = pool(2)
    failed.add([9])
    with pytest.raises(kpr.WorkError, match="9 failed 3 times, at last: attempt 2"):
        list(failed.run(opener))


def test_workers_take_the_resources_they_ask_for(tmp_path: Path) -> None:
    def model() -> Any:
        def sampler(noise: Any, plan: kp.Plan) -> kp.Paths[Any]:
            taken = ray.get_runtime_context().get_assigned_resources()
            (tmp_path / f"gpu-{os.getpid()}").write_text(json.dumps([taken, ray.get_gpu_ids()]))
            (tmp_path / f"threads-{os.getpid()}").write_text(os.environ["RAYON_NUM_THREADS"])
            return kp.sample(kp.EmpiricalField(POINTS), noise, plan)

        return sampler

    resources = {"CPU": 2, "GPU": 0.25}
    kpr.sample(model, PLAN, 8, tmp_path / "set", resources=resources, **SMALL)
    (gpu,) = tmp_path.glob("gpu-*")
    assert json.loads(gpu.read_text()) == [{"CPU": 2.0, "GPU": 0.25}, [0]]
    (threads,) = tmp_path.glob("threads-*")
    assert threads.read_text() == "2"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"resources": {"CPU": -1}}, "at least 0 of CPU"),
        ({"resources": {"CPU": "two"}}, "a number of CPU"),
        ({"resources": {"GPU": 1.5}}, "part of one GPU"),
        ({"resources": {"gpu": 1}}, "takes {'gpu': 1}: none has gpu; .*workers="),
        ({"resources": {"CPU": 3}}, "none has more than 2 of CPU"),
        ({"workers": 0}, "workers is at least 1"),
        ({"workers": 1.5}, "workers is an integer"),
        ({"retries": -1}, "retries is at least 0"),
    ],
)
def test_workers_that_cannot_be_are_refused_before_anything_is_written(
    tmp_path: Path, wrong: dict[str, Any], words: str
) -> None:
    with pytest.raises(kp.KinepathError, match=words):
        kpr.sample(field, PLAN, 8, tmp_path / "set", **{**SMALL, **wrong})
    assert not (tmp_path / "set").exists()


def test_workers_without_room_are_waited_for_where_it_is_said_how_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class EnoughWaited(Exception):
        pass

    def seen(worker: Pool[Any, Any]) -> None:
        said(worker)
        raise EnoughWaited

    said = Pool._say_what_is_awaited
    monkeypatch.setattr(Pool, "_say_what_is_awaited", seen)
    monkeypatch.setattr(pool_module, "PATIENCE", 0.01)
    with pytest.raises(EnoughWaited):
        kpr.sample(field, PLAN, 8, tmp_path, workers=1, resources={"mine": 1}, **SMALL)
    assert [record.message for record in caplog.records] == [
        "no node has room for a worker, which takes {'mine': 1}: none has mine; they are waited for",
        "no worker has started yet: each takes {'mine': 1}, and of the cluster's nodes none has mine",
    ]


def test_numbers_may_be_of_numpy(tmp_path: Path) -> None:
    whole = {"shape": np.array(SHAPE), "seed": np.uint8(4), "batch": np.int64(4)}
    dataset = kpr.sample(
        lambda: kp.EmpiricalField(POINTS),
        PLAN,
        np.int64(16),
        tmp_path,
        **whole,
        part_size=np.int32(8),
        workers=1,
    )
    assert_same(dataset, 16)
    found = kpr.evaluate(tmp_path, POINTS, support=np.int64(3), block_size=np.int16(20), workers=1)
    assert "support" in found.table(dataset.whole()[0])


def test_a_torch_model_is_one_short_function_and_gets_its_classes(tmp_path: Path) -> None:
    def model() -> Any:
        import torch

        import kinepath.torch as kpt

        weights = torch.arange(3.0) - 1.0

        def sampler(noise: Any, plan: kp.Plan, labels: list[int]) -> kp.Paths[Any]:
            shift = torch.tensor(labels)[:, None, None]
            return kpt.sample(lambda x, t: weights * x + shift, torch.from_numpy(noise), plan)

        return sampler

    labels = [i % 3 for i in range(12)]
    dataset = kpr.sample(model, PLAN, 12, tmp_path, labels=labels, workers=1, **SMALL)
    assert column(dataset, "label").tolist() == labels
    noise = kp.noise(4, 12, SHAPE)
    weights, shift = np.arange(3.0, dtype=np.float32) - 1.0, np.array(labels)[:, None, None]
    one = kp.sample(lambda x, t: (weights * x + shift).astype(np.float32), noise, PLAN)
    np.testing.assert_allclose(samples(dataset), one.endpoints, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(column(dataset, "kpe"), one.kpe, rtol=1e-5)


@pytest.fixture
def endpoint() -> Iterator[str]:
    """An S3-compatible store."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield ":".join(map(str, server.get_host_and_port()))
    server.stop()


@pytest.fixture
def bucket(endpoint: str) -> Any:
    """Its file system, with a folder ``bucket``."""
    store = fs.S3FileSystem(
        endpoint_override=endpoint,
        scheme="http",
        access_key="any",
        secret_key="any",
        region="us-east-1",
        allow_bucket_creation=True,
    )
    store.create_dir("bucket")
    return store


def uri(endpoint: str, path: str) -> str:
    return f"s3://any:any@{path}?endpoint_override={endpoint}&scheme=http&region=us-east-1"


def test_an_object_store_holds_the_same(endpoint: str, bucket: Any, tmp_path: Path) -> None:
    sample = partial(
        kpr.sample, lambda: kp.EmpiricalField(POINTS), PLAN, 20, "bucket/set", filesystem=bucket
    )
    assert_same(sample(**SMALL), 20)
    name = "bucket/set/table/part-000000000008-000000000016.parquet"
    bucket.delete_file(name)
    assert_same(sample(**SMALL), 20)
    found = kpr.evaluate("bucket/set", POINTS, block_size=11, filesystem=bucket)
    assert found.f_mem.estimate == kp.memorization(expected(20).endpoints, POINTS).f_mem
    listed = bucket.get_file_info(fs.FileSelector("bucket/set", recursive=True))
    files = {info.path.removeprefix("bucket/set/").split("/")[0] for info in listed if info.is_file}
    assert files == {"dataset.toml", "table", "tensors", "neighbours.toml", "neighbours"}
    run = kpr.to_run(uri(endpoint, "bucket/set"), tmp_path / "run")
    np.testing.assert_array_equal(run.samples, expected(20).endpoints)


def test_a_training_set_in_an_object_store_is_searched_there(
    endpoint: str, bucket: Any, tmp_path: Path
) -> None:
    def put(name: str, array: NDArray[Any]) -> None:
        with bucket.open_output_stream(f"bucket/{name}") as file:
            np.save(file, array)

    kpr.sample(lambda: kp.EmpiricalField(POINTS), PLAN, 20, tmp_path, workers=1, **SMALL)
    core = kp.memorization(expected(20).endpoints, TRAIN)
    pictures = RANDOM.integers(0, 256, (9, *SHAPE), dtype=np.uint8)
    put("train.npy", TRAIN)
    put("columns.npy", np.asfortranarray(TRAIN))
    put("pictures.npy", pictures)
    put("objects.npy", np.array([{}] * 3))
    put("train.bin", TRAIN)

    def evaluated(train: str, name: str, filesystem: Any = None) -> kpr.Evaluation:
        return kpr.evaluate(
            tmp_path, train, name=name, block_size=20, workers=1, train_filesystem=filesystem
        )

    for name, train, filesystem in (
        ("uri", uri(endpoint, "bucket/train.npy"), None),
        ("filesystem", "bucket/train.npy", bucket),
        ("columns", "bucket/columns.npy", bucket),
    ):
        found = evaluated(train, name, filesystem)
        tables = [found.table(part) for part in found.dataset.whole()]
        np.testing.assert_array_equal(np.concatenate([t["d1"] for t in tables]), core.d1)
    there = evaluated("bucket/pictures.npy", "pictures", bucket)
    assert there.d1 == kpr.evaluate(tmp_path, pictures, name="here", workers=1).d1
    for train, words in (
        ("bucket/train.bin", "only those called ….npy are read, got bucket/train.bin"),
        ("bucket/absent.npy", "cannot open absent.npy in bucket"),
        ("bucket/objects.npy", "bucket/objects.npy cannot be read"),
    ):
        with pytest.raises(kp.KinepathError, match=words):
            evaluated(train, "wrong", bucket)
    with pytest.raises(kp.KinepathError, match="bucket/train.npy is no file of this machine; .*URI"):
        evaluated("bucket/train.npy", "wrong")
    with pytest.raises(kp.KinepathError, match="only those called ….npy"):
        evaluated(uri(endpoint, "bucket/train.bin"), "wrong")
    with pytest.raises(kp.KinepathError, match="train is an array"):
        kpr.evaluate(tmp_path, TRAIN, train_filesystem=bucket)


TRAIN = np.concatenate([POINTS, POINTS[7:9], RANDOM.normal(size=(20, *SHAPE))]).astype(np.float32)


@pytest.fixture(scope="module")
def near_and_far(tmp_path_factory: pytest.TempPathFactory) -> kpr.Dataset:
    """Samples of which half are close to a training point."""

    def model() -> Any:
        field = kp.MixtureField([1.0, 1.0], POINTS[:2].reshape(2, -1), np.array([1e-3, 1.0]))

        def velocity(x: Any, t: Any) -> Any:
            return field.velocity(x.reshape(-1, 6), t).reshape(x.shape)

        return partial(kp.sample, velocity)

    return kpr.sample(model, kp.Plan(50), 45, tmp_path_factory.mktemp("near") / "set", **SMALL)


@pytest.mark.parametrize("source", ["array", "file", "doubles"])
@pytest.mark.parametrize("block_size", [None, 9])
def test_an_evaluation_is_the_cores(
    near_and_far: kpr.Dataset, tmp_path: Path, source: str, block_size: int | None
) -> None:
    dataset, train = near_and_far, cast(Any, TRAIN)
    name = f"{source}-{block_size}"
    if source != "array":
        train = tmp_path / "train.npy"
        np.save(train, TRAIN.astype(np.float64) if source == "doubles" else TRAIN)
    found = kpr.evaluate(
        dataset.store.name, train, block_size=block_size, support=4, name=name, workers=1
    )
    core = kp.memorization(samples(dataset), TRAIN)
    tables = [found.table(part) for part in dataset.whole()]
    joined = {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}
    np.testing.assert_array_equal(joined["index"], np.arange(45))
    for name in ("nearest", "d1", "d2", "ratio"):
        np.testing.assert_array_equal(joined[name], getattr(core, name), err_msg=name)
    np.testing.assert_array_equal(joined["memorized"], core.memorized())
    support = kp.support(samples(dataset), TRAIN, k=4)
    np.testing.assert_allclose(joined["support"], support, rtol=1e-14)
    assert 0 < found.memorized < 45 and found.f_mem.estimate == core.f_mem
    interval = scipy.stats.binomtest(found.memorized, 45).proportion_ci(method="wilson")
    np.testing.assert_allclose(found.f_mem[1:], [interval.low, interval.high])
    kpe, memorized = column(dataset, "kpe"), core.memorized()
    for moments, values in (
        (found.kpe, kpe),
        (found.kpe_of_memorized, kpe[memorized]),
        (found.kpe_of_others, kpe[~memorized]),
        (found.d1, core.d1),
    ):
        assert (moments.count, moments.low, moments.high) == (
            len(values),
            values.min(),
            values.max(),
        )
        np.testing.assert_allclose(moments.mean, values.mean(), rtol=1e-12)
        np.testing.assert_allclose(moments.sd, values.std(ddof=1), rtol=1e-12)
    assert "F_mem" in repr(found)


def test_an_evaluation_goes_on_where_it_stopped(tmp_path: Path) -> None:
    kpr.sample(lambda: kp.EmpiricalField(POINTS), PLAN, 20, tmp_path, workers=1, **SMALL)
    first = kpr.evaluate(tmp_path, TRAIN, block_size=20, workers=1)
    tables = sorted((tmp_path / "neighbours").iterdir())
    kept, content = tables[0].stat().st_mtime_ns, tables[1].read_bytes()
    tables[1].write_bytes(content[: len(content) // 2])
    told: list[tuple[str, float]] = []
    again = kpr.evaluate(
        tmp_path,
        TRAIN,
        block_size=20,
        workers=1,
        progress=lambda stage, done: told.append((stage, done)),
    )
    # Three blocks and putting them together.
    searching = [("searching", done) for done in (0.25, 0.5, 0.75, 1.0)]
    assert told == [("hashing the training set", 1.0), *searching]
    assert tables[0].stat().st_mtime_ns == kept and tables[1].read_bytes() == content
    assert (again.memorized, again.kpe, again.d1) == (first.memorized, first.kpe, first.d1)
    with pytest.raises(kp.KinepathError, match="train.count is 52 in neighbours.toml, and 30"):
        kpr.evaluate(tmp_path, POINTS)
    changed = TRAIN.copy()
    changed[51, 1, 2] += 1e-3
    with pytest.raises(kp.KinepathError, match="train.sha256 is"):
        kpr.evaluate(tmp_path, changed)
    with pytest.raises(kp.KinepathError, match="support is absent"):
        kpr.evaluate(tmp_path, TRAIN, support=3)
    other = kpr.evaluate(tmp_path, POINTS, name="others", workers=1)
    assert other.f_mem.estimate == 1.0


def test_what_cannot_be_evaluated_is_refused(tmp_path: Path) -> None:
    kpr.sample(lambda: kp.EmpiricalField(POINTS), PLAN, 16, tmp_path, workers=1, **SMALL)
    bad = TRAIN.copy()
    bad[3, 0, 0] = np.nan
    np.save(tmp_path / "bad.npy", bad)
    with pytest.raises(kpr.WorkError, match=r"neighbours of 0\.\.8 failed: KinepathError: .*NaN"):
        kpr.evaluate(tmp_path, tmp_path / "bad.npy", workers=1, name="bad", block_size=8)
    with pytest.raises(kpr.WorkError, match="2 nearest neighbours need 2 different"):
        kpr.evaluate(tmp_path, POINTS[:1], workers=1, name="one")
    with pytest.raises(kp.KinepathError, match=r"records have shape \(6,\), but samples"):
        kpr.evaluate(tmp_path, TRAIN.reshape(-1, 6))
    (tmp_path / "text.npy").write_text("no array")
    with pytest.raises(kp.KinepathError, match="no NPY file"):
        kpr.evaluate(tmp_path, tmp_path / "text.npy")
    for wrong in ({"name": "a-in-blocks"}, {"support": 0}, {"block_size": 0}):
        with pytest.raises(kp.KinepathError, match="at least 1|a name "):
            kpr.evaluate(tmp_path, TRAIN, **wrong)
    next((tmp_path / "tensors").iterdir()).unlink()
    with pytest.raises(kp.KinepathError, match="1 of 2 parts"):
        kpr.evaluate(tmp_path, TRAIN)
