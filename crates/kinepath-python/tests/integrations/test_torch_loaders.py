"""Data sets and loaders of PyTorch are data."""

from __future__ import annotations

import numpy as np
import torch
from torch.utils.data import DataLoader, Subset, TensorDataset

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
    ):
        np.testing.assert_array_equal(kp.memorization(SAMPLES, train).d1, expected)
