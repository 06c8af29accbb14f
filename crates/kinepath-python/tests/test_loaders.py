"""Records come from arrays, files, and what yields them as PyTorch's data sets and loaders do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import kinepath as kp

RANDOM = np.random.default_rng(4)
TRAIN = RANDOM.normal(size=(40, 1, 4, 4)).astype(np.float32)
SAMPLES = RANDOM.normal(size=(20, 1, 4, 4)).astype(np.float32)


class Dataset:
    """Records with a label, numbered, as ``torch.utils.data.TensorDataset`` has them."""

    def __init__(self, records: NDArray[Any]) -> None:
        self.records = records

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, number: int) -> tuple[NDArray[Any], int]:
        # One that is without end unless its length is asked for.
        return self.records[number % len(self)], number


class Loader:
    """Its batches, as ``torch.utils.data.DataLoader`` yields them; single records without a size."""

    def __init__(self, dataset: Dataset, batch_size: int | None) -> None:
        self.dataset = dataset
        self.batch_size = batch_size

    def __iter__(self) -> Iterator[Any]:
        if self.batch_size is None:
            yield from (self.dataset[number] for number in range(len(self.dataset)))
            return
        for first in range(0, len(self.dataset), self.batch_size):
            yield [self.dataset.records[first : first + self.batch_size], first]


def sources(records: NDArray[Any], folder: Path) -> list[Any]:
    np.save(folder / "records.npy", records)
    dataset = Dataset(records)
    return [
        folder / "records.npy",
        str(folder / "records.npy"),
        dataset,
        Loader(dataset, 7),
        Loader(dataset, None),
        (record for record in records),
        list(records),
    ]


def test_metrics_take_data_wherever_they_are(tmp_path: Path) -> None:
    expected = kp.memorization(SAMPLES, TRAIN)
    for train in sources(TRAIN, tmp_path):
        np.testing.assert_array_equal(kp.memorization(SAMPLES, train).d1, expected.d1)
    for samples in sources(SAMPLES, tmp_path):
        np.testing.assert_array_equal(kp.memorization(samples, TRAIN).d1, expected.d1)
    flat, flat_samples = TRAIN.reshape(40, -1), SAMPLES.reshape(20, -1)
    loader = Loader(Dataset(flat), 7)
    assert kp.prdc(flat_samples, loader) == kp.prdc(flat_samples, flat)
    assert kp.frechet_distance(loader, flat) == kp.frechet_distance(flat, flat)
    assert kp.kernel_distance(flat_samples, loader) == kp.kernel_distance(flat_samples, flat)
    assert kp.vendi_score(loader) == kp.vendi_score(flat)
    np.testing.assert_array_equal(kp.support(loader, flat, k=3), kp.support(flat, flat, k=3))
    found = kp.neighbours(Loader(Dataset(SAMPLES), 7), Dataset(TRAIN), 2)
    np.testing.assert_array_equal(found.indices, kp.neighbours(SAMPLES, TRAIN, 2).indices)


def test_measured_paths_are_their_endpoints(tmp_path: Path) -> None:
    shape = TRAIN.shape[1:]
    points, own = (
        kp.sample(kp.EmpiricalField(TRAIN), kp.noise(seed, 20, shape), kp.Plan(5)) for seed in (0, 1)
    )
    found = kp.memorization(own, points)
    np.testing.assert_array_equal(found.d1, kp.memorization(own.endpoints, points.endpoints).d1)
    assert kp.vendi_score(own) == kp.vendi_score(own.endpoints)
    np.testing.assert_array_equal(
        kp.neighbours(own, points).indices, kp.neighbours(own.endpoints, points.endpoints).indices
    )
    given: dict[str, Any] = {"out": tmp_path, "resamples": 50}
    expected = kp.study(SAMPLES, train=points.endpoints, **given).figures()
    assert kp.study(SAMPLES, train=points, **given).figures() == expected
    nothing: Any = None
    without = replace(own, endpoints=nothing)
    for use in (lambda: kp.vendi_score(without), lambda: kp.study(SAMPLES, train=without, **given)):
        with pytest.raises(kp.KinepathError, match="these paths have no endpoints: .*replace"):
            use()


def test_neighbours_are_found_in_every_file_that_is_data(tmp_path: Path) -> None:
    """Only of an NPY file are they sought block by block."""
    np.savez(tmp_path / "train.npz", TRAIN)
    np.save(tmp_path / "TRAIN.NPY.npy", TRAIN)
    (tmp_path / "TRAIN.NPY.npy").rename(tmp_path / "TRAIN.NPY")
    expected = kp.neighbours(SAMPLES, TRAIN, 3)
    for name in ("train.npz", "TRAIN.NPY"):
        found = kp.neighbours(SAMPLES, tmp_path / name, 3)
        np.testing.assert_array_equal(found.indices, expected.indices)
        np.testing.assert_allclose(found.distances, expected.distances, rtol=1e-6)
    embedded = kp.neighbours(np.zeros((1, 28, 28), np.float32), "builtin:fashion-mnist")
    assert embedded.indices.shape == (1, 1)
    with pytest.raises(kp.KinepathError, match=r"missing\.npz: cannot be read"):
        kp.neighbours(SAMPLES, tmp_path / "missing.npz")


def test_bytes_of_a_loader_are_pictures(tmp_path: Path) -> None:
    pictures = RANDOM.integers(0, 256, (40, 4, 4), dtype=np.uint8)
    samples = np.tanh(SAMPLES[:, 0])
    expected = kp.memorization(samples, pictures)
    # A file of grey pictures has a channel, which these samples have not.
    for train in sources(pictures, tmp_path)[:-2]:
        np.testing.assert_array_equal(kp.memorization(samples, train).d1, expected.d1)


def test_a_study_takes_them_too(tmp_path: Path) -> None:
    given: dict[str, Any] = {"out": tmp_path, "resamples": 50}
    expected = kp.study(SAMPLES, train=TRAIN, **given).figures()
    loaders = Loader(Dataset(SAMPLES), 7), Loader(Dataset(TRAIN), 7)
    assert kp.study(loaders[0], train=loaders[1], **given).figures() == expected
    once = (record for record in TRAIN)
    study = kp.study_model(kp.EmpiricalField(TRAIN), kp.Plan(5), {}, count=8, train=once, **given)
    assert study.figures()["f_mem"][0] == 1.0


def test_what_yields_no_records_is_named() -> None:
    ragged = [np.zeros((2, 3)), np.zeros((2, 4))]
    wrong: list[tuple[Any, str]] = [
        (iter([{"image": TRAIN[0], "label": 3}]), r"not mappings of \['image', 'label'\]"),
        (iter(ragged), r"records of different shapes, as \(2, 3\)"),
        (iter([]), "yields no records"),
        (iter(["a"]), "real numbers is needed"),
        (Loader(Dataset(TRAIN[:0]), 7), "Loader yields no records"),
    ]
    for given, words in wrong:
        with pytest.raises(kp.KinepathError, match=words):
            kp.memorization(SAMPLES, given)


def test_a_model_in_pytorch_is_no_network_of_a_study(tmp_path: Path) -> None:
    class Module:
        """What is no path."""

    for name in ("encoder", "classifier", "decoder", "clip_image", "clip_text"):
        judged_by: dict[str, Any] = {name: Module()}
        with pytest.raises(kp.KinepathError, match="got Module: kinepath.export_onnx writes one"):
            kp.study(SAMPLES, train=TRAIN, out=tmp_path, **judged_by)
