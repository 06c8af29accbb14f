"""Data sets in parts without a cluster: what is whole counts, what is not does not, and it merges."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fsspec import AbstractFileSystem
from fsspec.implementations.memory import MemoryFileSystem
from numpy.typing import NDArray

import kinepath as kp
from kinepath.ray import (
    Dataset,
    Moments,
    Part,
    Store,
    StoreError,
    evaluate,
    parts,
    sample,
    settings,
    to_run,
    training,
)
from kinepath.ray.neighbours import Nearest, in_block, merged
from kinepath.ray.part_sampling import SampleTask, Sampling
from kinepath.ray.resources import checked, lacking, room
from kinepath.ray.sampling import fitting
from kinepath.ray.searching import MergeTask, Searching, SearchTask
from kinepath.samplers import in_batches, sampler_of

POINTS = np.random.default_rng(0).normal(size=(12, 2, 3)).astype(np.float32)
FIELD = kp.EmpiricalField(POINTS)
PLAN = kp.Plan(8, gain=kp.KTS(alpha=0.05, beta=0.01))
RECORD = kp.Record(profile=True, energy_map=True, trajectory=3)
ASKED: dict[str, Any] = {
    "model": "exact",
    "plan": PLAN,
    "count": 20,
    "shape": (2, 3),
    "seed": 4,
    "labels": None,
    "record": RECORD,
    "batch": 4,
    "part_size": 8,
}


def paths(rows: range) -> kp.Paths[NDArray[np.float32]]:
    return in_batches(
        sampler_of(FIELD, RECORD), PLAN, seed=4, rows=rows, batch=4, shape=(2, 3), labels=None
    )


def filled(folder: Path, labels: list[int] | None = None) -> Dataset:
    store = Store(folder)
    claimed = claim(store, labels=labels)
    claimed.make()
    for rows in parts.ranges(20, 8):
        own = None if labels is None else labels[rows.start : rows.stop]
        publish(store, rows, own, claimed)
    return Dataset(folder)


def claim(store: Store, **change: Any) -> settings.Claim:
    return settings.of_dataset(store, settings.settings_of(**{**ASKED, **change}))


def publish(
    store: Store, rows: range, labels: list[int] | None, claimed: settings.Claim
) -> None:
    digest = settings.digest(claimed.settings)
    parts.publish(store, rows, paths(rows), labels, settings_sha256=digest)


@pytest.fixture(params=["local", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "local":
        return Store(tmp_path / "set")
    return Store(f"memory://{request.node.originalname}")


def test_data_sets_are_read_without_ray() -> None:
    code = "import sys; sys.modules['ray'] = None; import kinepath.ray as kpr; kpr.Dataset, kpr.to_run"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_files_appear_whole_replace_each_other_and_go(store: Store) -> None:
    assert store.size("table/a") is None and store.sizes("table") == {}
    store.write("table/a", b"first")
    store.write("table/a", memoryview(b"second"))
    assert store.read("table/a") == b"second" and store.sizes("table") == {"a": 6}
    assert store.sizes("incoming") == {}
    store.delete("table/a")
    store.delete("table/a")
    with pytest.raises(StoreError, match="cannot open table/a"):
        store.read("table/a")
    store.write("table/b", b"")
    store.delete_folder("table")
    store.delete_folder("table")
    assert store.sizes("table") == {}


class Full(MemoryFileSystem):  # type: ignore[misc]
    """A store that runs out of space in the middle of a file."""

    protocol = "full"

    def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        file = super()._open(path, mode, **options)
        if mode == "wb":

            def write(content: bytes) -> int:
                type(file).write(file, content[: len(content) // 2])
                raise OSError("no space left")

            file.write = write
        return file


def test_what_could_not_be_written_is_not_there() -> None:
    store = Store("/full", Full())
    with pytest.raises(StoreError, match="cannot write table/a in /full: .*no space left"):
        store.write("table/a", b"12345678")
    assert store.sizes("table") == {}


class Cached(MemoryFileSystem):  # type: ignore[misc]
    """A store that keeps what it once listed, as fsspec's object stores do."""

    protocol = "cached"
    find = AbstractFileSystem.find

    def ls(self, path: str, detail: bool = True, **options: Any) -> Any:
        folder = self._strip_protocol(path)
        if folder not in self.dircache:
            self.dircache[folder] = super().ls(path, detail=True, **options)
        found = self.dircache[folder]
        return found if detail else [info["name"] for info in found]

    def info(self, path: str, **options: Any) -> Any:
        whole = self._strip_protocol(path)
        for info in self.dircache.get(self._parent(whole)) or ():
            if info["name"] == whole:
                return info
        return super().info(path, **options)

    def invalidate_cache(self, path: str | None = None) -> None:
        self.dircache.pop(self._strip_protocol(path or ""), None)


def test_what_another_process_wrote_is_seen() -> None:
    """In a file system that caches listings, of which every process has its own."""
    here = Store("/cached", Cached(skip_instance_cache=True))
    other = Store("/cached", Cached(skip_instance_cache=True))
    here.write("table/a", b"first")
    assert here.sizes("table") == {"a": 5}
    other.write("table/b", b"second")
    other.write("table/a", b"longer")
    assert here.size("table/a") == 6 and here.size("table/b") == 6
    assert here.sizes("table") == {"a": 6, "b": 6}
    other.delete("table/a")
    assert here.size("table/a") is None and here.sizes("table") == {"b": 6}
    here.delete_folder("table")
    assert other.sizes("table") == {}


def test_a_file_has_a_folder_and_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    # On a disk a question mark is a letter, and nothing follows a path.
    for path, folder, name in (
        ("a/train?.npy", "a", "train?.npy"),
        ("train.npy", ".", "train.npy"),
        ((tmp_path / "b" / "train.npy").as_uri(), (tmp_path / "b").as_uri(), "train.npy"),
        ("memory://of-file/train.npy?a=b", "memory://of-file", "train.npy?a=b"),
    ):
        store, found = Store.of_file(path)
        store.write(found, b"content")
        assert (str(store), found) == (folder, name)
        assert store.read(name) == b"content" and store.pieces(name, [1, 5], 3) == [b"ont", b"nt"]
    assert (tmp_path / "a" / "train?.npy").exists() and (tmp_path / "train.npy").exists()
    with pytest.raises(StoreError, match=r"cannot open absent in \."):
        Store(".").pieces("absent", [0], 1)


@pytest.mark.parametrize("uri", ["nowhere://x", "github://x/y", "hdfs://nowhere:1/x"])
def test_a_path_that_nothing_opens_is_named(monkeypatch: pytest.MonkeyPatch, uri: str) -> None:
    # A machine with Hadoop would ask for the host.
    for folder in ("ARROW_LIBHDFS_DIR", "HADOOP_HOME", "JAVA_HOME"):
        monkeypatch.setenv(folder, "nowhere")
    with pytest.raises(kp.KinepathError, match=f"cannot open {uri}: .*filesystem="):
        Store(uri)


def test_what_is_no_file_system_is_refused() -> None:
    with pytest.raises(kp.KinepathError, match="one of pyarrow or fsspec, got 's3'"):
        Store("bucket/set", "s3")


def test_settings_are_those_of_the_tables(store: Store) -> None:
    claim(store, seed=5).make()
    # No table is of the others.
    claim(store).make()
    with pytest.raises(kp.KinepathError, match="noise.seed is 4 in dataset.toml, and 5"):
        claim(store, seed=5).check()
    publish(store, range(16, 20), None, claim(store))
    claim(store).make()
    found = settings.read(store)
    assert found is not None and found["shape"] == [2, 3]
    assert found["record"]["trajectory"] == [0.0, 0.5, 1.0]
    changes: dict[str, tuple[Any, str]] = {
        "seed": (5, "noise.seed is 4 in dataset.toml, and 5"),
        "plan": (kp.Plan(8), "sampler.gain is 'kts:.*, and 'unit'"),
        "count": (21, "count is 20 in dataset.toml, and 21"),
        "model": ("other", "field.spec is 'external:exact'"),
        "labels": ([0] * 20, "labels is absent"),
        "part_size": (4, "part_size is 8"),
        "record": (kp.Record(), "record.energy_map is True"),
    }
    for key, (value, words) in changes.items():
        with pytest.raises(kp.KinepathError, match=words):
            claim(store, **{key: value}).make()
    assert settings.read(store) == found
    what = "choose another folder or the same settings, or remove dataset.toml, table/ and tensors/"
    with pytest.raises(kp.KinepathError, match=f"5 is asked for; {what} from this one$"):
        claim(store, seed=5).make()
    store.write("dataset.toml", b"count = ")
    with pytest.raises(kp.KinepathError, match="is no TOML"):
        claim(store).make()


@pytest.mark.parametrize("number", [0, -1, 2.0, "3"])
@pytest.mark.parametrize("name", ["support", "block_size"])
def test_numbers_of_an_evaluation_are_at_least_one(tmp_path: Path, name: str, number: Any) -> None:
    filled(tmp_path)
    with pytest.raises(kp.KinepathError, match=f"^{name} is "):
        evaluate(tmp_path, POINTS, **{name: number})


@pytest.mark.parametrize("name", ["", "table", "incoming", "dataset", "a/b", "a b", "a-in-blocks"])
def test_a_name_that_is_in_the_way_is_refused(tmp_path: Path, name: str) -> None:
    filled(tmp_path)
    with pytest.raises(kp.KinepathError, match="^a name "):
        evaluate(tmp_path, POINTS, name=name)


def test_other_neighbours_need_another_name(store: Store) -> None:
    settings.of_evaluation(store, {"support": 3}, "near").make()
    settings.of_evaluation(store, {"support": 4}, "near").make()
    store.write("near/table", b"")
    what = "use another name=, or remove near.toml and the folder near"
    with pytest.raises(kp.KinepathError, match=f"support is 4 in near.toml, and 5 .*; {what}$"):
        settings.of_evaluation(store, {"support": 5}, "near").make()


def test_parts_are_as_large_as_those_that_are_there(tmp_path: Path) -> None:
    store, other = Store(tmp_path), settings.settings_of(**{**ASKED, "part_size": 20})

    def size(asked: settings.Settings) -> int:
        found: int = settings.in_parts_as_there(store, asked)["part_size"]
        return found

    assert size(other) == 20
    claim(store).make()
    assert size(other) == 8
    # Of a first call with other settings nothing is kept, until there is a table.
    assert size({**other, "batch": 10}) == 20
    publish(store, range(16, 20), None, claim(store))
    assert size({**other, "batch": 10}) == 8


def test_a_part_of_other_settings_is_missing(tmp_path: Path) -> None:
    filled(tmp_path)
    written = tmp_path / "dataset.toml"
    text = written.read_text()
    written.write_text("# Sampled for the paper.\n" + text)
    assert Dataset(tmp_path).missing() == []
    assert "seed = 4" in text
    written.write_text(text.replace("seed = 4", "seed = 5"))
    dataset = Dataset(tmp_path)
    assert dataset.missing() == dataset.ranges and dataset.part(range(8, 16)) is None
    with pytest.raises(kp.KinepathError, match="3 of 3 parts .* are missing"):
        to_run(tmp_path, tmp_path / "run")


def test_a_worker_does_what_is_of_other_settings_again(tmp_path: Path) -> None:
    store, rows = filled(tmp_path).store, range(8, 16)
    calls: list[int] = []

    def sampler(noise: Any, plan: kp.Plan) -> kp.Paths[Any]:
        calls.append(len(noise))
        return kp.sample(FIELD, noise, plan, record=RECORD)

    def work(seed: int) -> None:
        digest = settings.digest(claim(store, seed=seed).settings)
        job = Sampling(lambda: sampler, store, PLAN, (2, 3), seed, 4, RECORD, digest)
        job()(SampleTask(rows, None))

    work(4)
    assert calls == []
    work(5)
    assert calls == [4, 4] and Dataset(tmp_path).missing() == [rows]
    work(4)
    assert Dataset(tmp_path).missing() == []


def test_paths_without_endpoints_are_refused(tmp_path: Path) -> None:
    def sampler(noise: Any, plan: kp.Plan) -> kp.Paths[Any]:
        nothing: Any = None
        return replace(kp.sample(FIELD, noise, plan), endpoints=nothing)

    job = Sampling(lambda: sampler, Store(tmp_path), PLAN, (2, 3), 4, 4, kp.Record(), "any")
    with pytest.raises(kp.KinepathError, match="paths have no endpoints"):
        job()(SampleTask(range(8, 16), None))
    assert Store(tmp_path).sizes("table") == {}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"count": 0}, "count is at least 1 .* got 0"),
        ({"count": 8.0}, "count is an integer, got 8.0"),
        ({"seed": -1}, "seed is at least 0 .* got -1"),
        ({"seed": 2**64}, "seed is .* at most 18446744073709551615, got 18446744073709551616"),
        ({"seed": np.float64(4)}, "seed is an integer"),
        ({"batch": np.int8(0)}, "batch is at least 1"),
        ({"shape": (0, 3)}, "an axis of shape is at least 1"),
        ({"shape": (2.0, 3)}, "an axis of shape is an integer"),
        ({"part_size": -4}, "part_size is at least 1"),
        ({"part_size": 6}, "whole batches of 4"),
        ({"labels": [1, 2]}, "2 labels for 8"),
    ],
)
def test_what_cannot_be_sampled_is_refused(
    tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    given = {"count": 8, "shape": (2, 3), "seed": 4, "batch": 4, "part_size": 8, **change}
    with pytest.raises(kp.KinepathError, match=words):
        sample(lambda: FIELD, PLAN, path=tmp_path / "set", **given)
    assert not (tmp_path / "set").exists()


def test_neighbours_are_those_of_the_samples_and_of_what_was_searched(tmp_path: Path) -> None:
    store, rows = filled(tmp_path / "set").store, range(8, 16)
    np.save(tmp_path / "train.npy", POINTS)
    train = training.training_set(tmp_path / "train.npy", (2, 3))
    blocks = (range(0, 7), range(7, 12))

    def searching(digest: str) -> Searching:
        return Searching(Dataset(tmp_path / "set"), train, blocks, 2, None, "near", digest)

    def part() -> Part:
        found = Dataset(tmp_path / "set").part(rows)
        assert found is not None
        return found

    job = searching("a")
    work = job()
    for block in blocks:
        work(SearchTask(rows, block))
    assert sorted(store.sizes("near-in-blocks")) == [
        job.found_name(part(), block).partition("/")[2] for block in blocks
    ]
    work(MergeTask(rows))
    note = job.note(part())
    assert note is not None and note["tensors_sha256"] == part().note["tensors_sha256"]
    assert searching("b").note(part()) is None
    before = {searching(name).found_name(part(), blocks[0]) for name in "ab"}
    # The same settings, and a model that gave other samples.
    changed = paths(rows)
    digest = settings.digest(claim(store).settings)
    other = replace(changed, endpoints=changed.endpoints + 1)
    parts.publish(store, rows, other, None, settings_sha256=digest)
    assert job.note(part()) is None and job.found_name(part(), blocks[0]) not in before
    assert len(before) == 2


def test_parts_read_back_what_was_sampled(tmp_path: Path) -> None:
    dataset = filled(tmp_path, labels=list(range(20)))
    whole = paths(range(20))
    there = dataset.whole()
    assert [part.rows for part in there] == [range(0, 8), range(8, 16), range(16, 20)]
    tables = [dataset.table(part) for part in there]
    tensors = [dataset.tensors(part) for part in there]
    expected = whole.table() | {"label": np.arange(20)}
    assert tables[0].keys() == expected.keys()
    for name, column in expected.items():
        joined = np.concatenate([table[name] for table in tables])
        # Its bound is that of the batches of a part together.
        if name != "velocity_error":
            np.testing.assert_array_equal(joined, column, err_msg=name)
    for name in ("energy_map", "trajectory"):
        joined = np.concatenate([some[name] for some in tensors])
        np.testing.assert_array_equal(joined, getattr(whole, name))
    samples = np.concatenate([some["samples"] for some in tensors])
    np.testing.assert_array_equal(samples, whole.endpoints)
    kpe = dataset.kpe()
    assert (kpe.count, kpe.low, kpe.high) == (20, whole.kpe.min(), whole.kpe.max())
    np.testing.assert_allclose([kpe.mean, kpe.sd], [whole.kpe.mean(), whole.kpe.std(ddof=1)])


def test_a_damaged_part_is_missing(tmp_path: Path) -> None:
    dataset = filled(tmp_path)
    assert dataset.missing() == []
    table = tmp_path / parts.table_name(range(0, 8))
    table.write_bytes(table.read_bytes()[:-20])
    tensors = tmp_path / parts.tensors_name(range(8, 16))
    content = tensors.read_bytes()
    tensors.write_bytes(content[:-4])
    (tmp_path / parts.tensors_name(range(16, 20))).unlink()
    assert dataset.missing() == dataset.ranges
    assert all(dataset.part(rows) is None for rows in dataset.ranges)
    assert dataset.missing([range(8, 16)]) == [range(8, 16)]
    with pytest.raises(kp.KinepathError, match="3 of 3 parts .* are missing"):
        dataset.whole()
    # As long, but not the same.
    tensors.write_bytes(content[:-4] + b"abcd")
    part = dataset.part(range(8, 16))
    assert part is not None
    with pytest.raises(kp.KinepathError, match="not what its table was written with"):
        dataset.tensors(part)
    publish(dataset.store, range(8, 16), None, claim(dataset.store))
    assert dataset.tensors(part)["samples"].shape == (8, 2, 3)


def test_a_table_without_its_tensors_is_gone_before_they_change(tmp_path: Path) -> None:
    dataset = filled(tmp_path)

    class Failing(Store):
        def write(self, name: str, content: Any) -> None:
            raise StoreError("lost")

    with pytest.raises(StoreError):
        publish(Failing(tmp_path), range(0, 8), None, claim(dataset.store))
    assert dataset.missing() == [range(0, 8)]


def test_samples_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    bad = paths(range(8, 16))
    bad.endpoints[3, 1] = np.nan
    with pytest.raises(kp.KinepathError, match="NaN or infinite: number 11"):
        parts.publish(Store(tmp_path), range(8, 16), bad, None, settings_sha256="any")
    assert Store(tmp_path).sizes("tensors") == {}


def test_no_data_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(kp.KinepathError, match="holds no data set"):
        Dataset(tmp_path)


@pytest.mark.parametrize("labels", [None, list(range(20))])
def test_a_data_set_becomes_a_run(tmp_path: Path, labels: list[int] | None) -> None:
    filled(tmp_path / "set", labels)
    told: list[tuple[str, float]] = []
    run = to_run(
        tmp_path / "set",
        tmp_path / "run",
        progress=lambda stage, done: told.append((stage, done)),
    )
    assert told == [("writing the run", done) for done in (0.4, 0.8, 1.0)]
    whole = paths(range(20))
    expected = kp.write_run(
        tmp_path / "same", whole, plan=PLAN, model="exact", noise=4, labels=labels, record=RECORD
    )
    np.testing.assert_array_equal(run.samples, expected.samples)
    np.testing.assert_array_equal(run.profile, expected.profile)
    np.testing.assert_array_equal(run.trajectory, expected.trajectory)
    np.testing.assert_array_equal(run.energy_map, expected.energy_map)
    np.testing.assert_array_equal(run.posterior_entropy, expected.posterior_entropy)
    assert run.certificate == expected.certificate
    table = run.table()
    assert table.keys() == expected.table().keys()
    for name, column in expected.table().items():
        if name != "velocity_error":
            np.testing.assert_array_equal(table[name], column, err_msg=name)
    assert run.settings["batch"] == 8
    assert ("conditions" in run.settings) == (labels is not None)
    for key in run.settings.keys() - {"batch", "content", "conditions"}:
        assert run.settings[key] == expected.settings[key], key
    # A second call has nothing left to do.
    assert len(to_run(tmp_path / "set", tmp_path / "run")) == 20
    study = kp.study(run, train=POINTS, out=tmp_path / "study", resamples=50)
    assert study.figures()["f_mem"][0] == kp.memorization(whole.endpoints, POINTS).f_mem


def test_a_data_set_of_other_labels_is_another_run(tmp_path: Path) -> None:
    filled(tmp_path / "set", list(range(20)))
    to_run(tmp_path / "set", tmp_path / "run")
    filled(tmp_path / "other", list(range(1, 21)))
    with pytest.raises(kp.KinepathError, match="conditions.labels.sha256"):
        to_run(tmp_path / "other", tmp_path / "run")


def test_only_a_whole_data_set_becomes_a_run(tmp_path: Path) -> None:
    filled(tmp_path)
    (tmp_path / parts.table_name(range(8, 16))).unlink()
    with pytest.raises(kp.KinepathError, match="1 of 3 parts"):
        to_run(tmp_path, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_training_set_is_known_by_every_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dtype: type[np.floating[Any]]
) -> None:
    # Blocks that do not end where the records do.
    monkeypatch.setattr(training, "HASHED_VALUES", 100)
    points = np.random.default_rng(3).normal(size=(301, 2, 3)).astype(np.float32)

    def known(points: NDArray[np.float32]) -> dict[str, Any]:
        np.save(tmp_path / "train.npy", points.astype(dtype))
        told.clear()
        found = training.training_set(tmp_path / "train.npy", (2, 3))
        return training.fingerprint(found, lambda stage, done: told.append((stage, done)))

    told: list[tuple[str, float]] = []
    digest = hashlib.sha256(points.tobytes()).hexdigest()
    assert known(points) == {"count": 301, "shape": [2, 3], "sha256": digest}
    assert {stage for stage, _ in told} == {"hashing the training set"}
    assert [done for _, done in told] == [min(1.0, 16 * block / 301) for block in range(1, 20)]
    hashes = {known(points)["sha256"]}
    for row in (1, 150, 299, 300):
        changed = points.copy()
        changed[row, 1, 2] = np.nextafter(changed[row, 1, 2], np.float32(9))
        hashes.add(known(changed)["sha256"])
    assert len(hashes) == 5


def test_moments_merge_in_any_pieces() -> None:
    values = np.random.default_rng(1).lognormal(8.0, 2.0, 1000)
    for cuts in ([], [1], [0, 0, 500], [3, 700, 999]):
        moments = Moments.merged(Moments.of(piece) for piece in np.split(values, cuts))
        assert (moments.count, moments.low, moments.high) == (1000, values.min(), values.max())
        np.testing.assert_allclose(moments.mean, values.mean(), rtol=1e-13)
        np.testing.assert_allclose(moments.sd, values.std(ddof=1), rtol=1e-13)
        np.testing.assert_allclose(moments.standard_error, moments.sd / 1000**0.5)
    for moments in (Moments(), Moments.of(values[:1]), Moments.of(values)):
        assert Moments.from_record(moments.record()) == moments
    assert np.isnan(Moments().sd) and np.isnan(Moments.of(values[:1]).standard_error)


@pytest.mark.parametrize("seed", range(20))
def test_blocks_change_nothing(seed: int) -> None:
    """Small integers: ties and copies, within blocks and across their borders."""
    random = np.random.default_rng(seed)
    points = random.integers(-2, 3, (random.integers(8, 60), 2)).astype(np.float32)
    points[random.integers(len(points))] = -0.0
    samples = random.integers(-2, 3, (9, 2)).astype(np.float32) + 0.5 * (seed % 2)
    k = min(len(np.unique(points, axis=0)), 2 + seed % 4)
    whole = Nearest(*kp._kinepath.distinct_neighbours(samples, points, k))
    found = [
        Nearest.from_bytes(
            in_block(samples, points[rows.start : rows.stop], rows.start, k).to_bytes()
        )
        for rows in parts.ranges(len(points), int(random.integers(1, len(points) + 1)))
    ]
    both = merged(found, k, lambda rows: points[rows])
    np.testing.assert_array_equal(both.rows, whole.rows)
    np.testing.assert_array_equal(both.squares, whole.squares)
    core = kp.memorization(samples, points)
    np.testing.assert_array_equal(both.rows[:, 0], core.nearest)
    np.testing.assert_array_equal(np.sqrt(both.squares[:, :2]), np.stack([core.d1, core.d2], 1))


def test_too_few_different_points_are_counted() -> None:
    points = np.zeros((6, 2), np.float32)
    found = [in_block(points[:1], points[:3], 0, 2), in_block(points[:1], points[3:], 3, 2)]
    with pytest.raises(kp.KinepathError, match="2 nearest neighbours need 2 .* there are 1"):
        merged(found, 2, lambda rows: points[rows])


@pytest.mark.parametrize(
    ("nodes", "resources", "workers"),
    [
        ([{"CPU": 3}, {"CPU": 3}], {"CPU": 2}, 2),
        ([{"GPU": 2}], {"GPU": 0.4}, 4),
        ([{"GPU": 2}], {"GPU": 0.1}, 20),
        ([{"GPU": 8, "CPU": 5}, {"CPU": 64}], {"GPU": 2, "CPU": 2}, 2),
        ([{"CPU": 0.3}], {"CPU": 0.1}, 3),
        ([{"CPU": 4, "memory": 9e9}], {"CPU": 1, "memory": 4e9, "GPU": 0}, 2),
        ([{"CPU": 4}], {"CPU": 0}, 1),
        ([{"CPU": 4}], {"CPU": 1, "gpu": 1}, 0),
        ([], {"CPU": 1}, 0),
    ],
)
def test_every_worker_fits_on_one_node(
    nodes: list[dict[str, float]], resources: dict[str, float], workers: int
) -> None:
    assert room(checked(resources), nodes) == workers


def test_what_no_node_has_is_named() -> None:
    nodes = [{"CPU": 4.0}, {"CPU": 2.0, "GPU": 1.0}]
    assert lacking({"CPU": 5, "gpu": 1}, nodes) == "none has more than 4 of CPU, none has gpu"
    assert lacking({"CPU": 4, "GPU": 1}, nodes) == "none has all of it at once"


@pytest.mark.parametrize(
    ("resources", "words"),
    [
        ({"GPU": 1.5}, "part of one GPU or some whole ones, got 1.5: ask for 1 or 2"),
        ({"CPU": "two"}, "a number of CPU, got 'two'"),
        ({"CPU": None}, "a number of CPU, got None"),
        ({"CPU": -1}, "at least 0 of CPU, got -1"),
        ({"mine": float("nan")}, "at least 0 of mine, got nan"),
        ({"mine": float("inf")}, "at least 0 of mine, got inf"),
        ({"GPU": 1e-5}, "steps of 0.0001, got 1e-05 of GPU"),
    ],
)
def test_amounts_that_cannot_be_are_refused(resources: Any, words: str) -> None:
    with pytest.raises(kp.KinepathError, match=words):
        checked(resources)


def test_amounts_may_be_of_numpy() -> None:
    found = checked({"CPU": np.int64(2), "GPU": np.float32(0.5), "mine": np.float64(1.0)})
    assert found == {"CPU": 2, "GPU": 0.5, "mine": 1}
    assert {type(amount) for amount in found.values()} == {int, float}


@pytest.mark.parametrize(
    ("count", "batch", "shape", "workers", "expected"),
    [
        (1_000_000, 4096, (8,), 2, 65536),
        (1_000_000, 64, (3, 256, 256), 2, 64),
        (10_000, 64, (3, 32, 32), 8, 256),
        (10, 64, (8,), 1, 64),
        (1_000_000, 64, (1, 28, 28), 1, 21376),
    ],
)
def test_parts_have_whole_batches_and_fit(
    count: int, batch: int, shape: tuple[int, ...], workers: int, expected: int
) -> None:
    assert fitting(count, batch, shape, workers) == expected
