"""Fields and runs go to other processes, and copies of them are what they were."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import kinepath as kp

MODELS = Path(__file__).parents[2] / "kinepath-onnx" / "tests" / "fixtures" / "models"
POINTS = np.random.default_rng(3).normal(size=(6, 1, 2, 3)).astype(np.float32)
FIELDS: dict[str, Callable[[], kp.Field]] = {
    "empirical": lambda: kp.EmpiricalField(POINTS),
    "isotropic": lambda: kp.MixtureField([1.0, 3.0], [[0.0, 1.0], [2.0, 3.0]], [0.5, 0.25]),
    "diagonal": lambda: kp.MixtureField([1.0], [[0.0, 1.0]], [[0.5, 0.25]]),
    "network": lambda: kp.OnnxField(MODELS / "sit.onnx", guidance=(2.0, 3), engine="rten"),
}


def velocities(field: kp.Field) -> list[float]:
    labels = [0, 1, 2] if field.labelled else None
    found = field.velocity(kp.noise(0, 3, field.shape), [0.1, 0.4, 0.8], labels)
    values: list[float] = found.ravel().tolist()
    return values


@pytest.mark.parametrize("kind", FIELDS)
def test_copies_are_the_same_field(kind: str) -> None:
    field = FIELDS[kind]()
    for other in (pickle.loads(pickle.dumps(field)), copy.copy(field), copy.deepcopy(field)):
        assert type(other) is type(field) and other.shape == field.shape
        assert velocities(other) == velocities(field)


def test_a_worker_that_is_spawned_has_them() -> None:
    fields = [FIELDS[kind]() for kind in ("empirical", "network")]
    with multiprocessing.get_context("spawn").Pool(1) as workers:
        assert workers.map_async(velocities, fields).get(timeout=120) == [
            velocities(field) for field in fields
        ]


def test_a_run_is_known_by_its_folder(tmp_path: Path) -> None:
    run = kp.write_run(tmp_path / "run", POINTS)
    for other in (pickle.loads(pickle.dumps(run)), copy.deepcopy(run)):
        assert isinstance(other, kp.Run) and other.path == run.path and len(other) == 6
        np.testing.assert_array_equal(other.samples, POINTS)
