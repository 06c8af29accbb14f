"""Data sets and loaders of PyTorch are data, and tensors are arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch.utils.data import BatchSampler, DataLoader, SequentialSampler, Subset, TensorDataset

import kinepath as kp

RECORDS = torch.from_numpy(kp.noise(3, 40, (1, 4, 4)))
SAMPLES = kp.noise(4, 10, (1, 4, 4))


def test_loaders_and_data_sets_are_their_records() -> None:
    labelled = TensorDataset(RECORDS, torch.arange(40))
    expected = kp.memorization(SAMPLES, RECORDS).d1
    for train in (
        labelled,
        TensorDataset(RECORDS),
        Subset(labelled, range(40)),
        DataLoader(labelled, batch_size=7),
        DataLoader(labelled, batch_size=None),
        DataLoader(labelled, batch_size=40, shuffle=True),
        DataLoader(labelled, batch_sampler=BatchSampler(SequentialSampler(labelled), 10, False)),
        DataLoader(labelled, batch_sampler=[[0, 1, 2], list(range(3, 40))]),
        # One at a time, which is no batch though it comes from a sampler.
        DataLoader(labelled, batch_size=None, sampler=SequentialSampler(labelled)),
    ):
        np.testing.assert_array_equal(kp.memorization(SAMPLES, train).d1, expected)


def test_tensors_are_times_and_labels(tmp_path: Path) -> None:
    times = torch.linspace(0, 1, 5, requires_grad=True)
    assert kp.Grid(times) == kp.Grid.uniform(4)
    assert kp.Grid.from_sigmas(1 - times) == kp.Grid.uniform(4)
    field = kp.MixtureField([1.0], [[2.0]], [1.0])
    velocity = field.velocity(torch.zeros(5, 1), times)
    np.testing.assert_array_equal(velocity, field.velocity(np.zeros((5, 1)), np.linspace(0, 1, 5)))
    run = kp.write_run(tmp_path, RECORDS, labels=torch.arange(40))
    assert run.table()["label"].tolist() == list(range(40))
