"""A node of two is killed in the middle: nothing is lost, and nothing is there twice."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import ray
from ray.cluster_utils import Cluster

import kinepath as kp
import kinepath.ray as kpr

SHAPE = (5,)
PLAN = kp.Plan(6, "heun")
WAIT = 120.0
"""Seconds that a busy machine may take to start a worker."""


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    cluster = Cluster(
        initialize_head=True,
        connect=True,
        head_node_args={"num_cpus": 0, "include_dashboard": False},
    )
    yield cluster
    ray.shutdown()
    cluster.shutdown()


def test_the_other_node_goes_on(cluster: Cluster, tmp_path: Path) -> None:
    nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
    started = tmp_path / "started"
    started.mkdir()

    def model() -> Any:
        (started / ray.get_runtime_context().get_node_id()).touch()
        deadline = time.monotonic() + WAIT
        # Both nodes are at work when one is killed, however long one of them takes to start.
        while len(list(started.iterdir())) < 2:
            assert time.monotonic() < deadline, "the other node did not start"
            time.sleep(0.05)
        return kp.MixtureField([1.0, 2.0], np.eye(2, *SHAPE) * 3.0, np.array([0.2, 0.1]))

    killed: list[float] = []

    def progress(stage: str, done: float) -> None:
        if done >= 0.3 and not killed:
            cluster.remove_node(nodes[1], allow_graceful=False)
            killed.append(done)

    dataset = kpr.sample(
        model,
        PLAN,
        400,
        tmp_path / "set",
        shape=SHAPE,
        seed=2,
        batch=10,
        part_size=10,
        progress=progress,
    )
    assert killed and killed[0] < 0.5 and len(list(started.iterdir())) == 2
    there = dataset.whole()
    assert len(there) == 40
    tables = [dataset.table(part) for part in there]
    np.testing.assert_array_equal(np.concatenate([t["index"] for t in tables]), np.arange(400))
    for part, table in zip(there, tables, strict=True):
        one = kp.sample(
            kp.MixtureField([1.0, 2.0], np.eye(2, *SHAPE) * 3.0, np.array([0.2, 0.1])),
            kp.noise(2, part.rows, SHAPE),
            PLAN,
        )
        np.testing.assert_array_equal(table["kpe"], one.kpe)
        np.testing.assert_array_equal(dataset.tensors(part)["samples"], one.endpoints)
