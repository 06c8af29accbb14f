"""Data mean the same to every function: uint8 are pictures in [−1, 1]."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import kinepath as kp
from kinepath._kinepath import load_data

RANDOM = np.random.default_rng(11)
PICTURES = RANDOM.integers(0, 256, (60, 1, 4, 4), dtype=np.uint8)
OTHERS = RANDOM.integers(0, 256, (50, 1, 4, 4), dtype=np.uint8)
SCALED = load_data(PICTURES)
"""The same pictures, read as the program reads them."""


def test_copies_of_uint8_pictures_are_copies(tmp_path: Path) -> None:
    found = kp.memorization(SCALED[:20], PICTURES)
    np.testing.assert_array_equal(found.d1, 0.0)
    np.testing.assert_array_equal(found.nearest, np.arange(20))
    assert found.f_mem == kp.memorization(PICTURES[:20], SCALED).f_mem == 1.0
    study = kp.study(SCALED[:20], train=PICTURES, out=tmp_path, resamples=100)
    assert study.figures()["f_mem"][0] == 1.0


def test_uint8_is_what_the_program_makes_of_it() -> None:
    others = load_data(OTHERS)
    flat, flat_others = PICTURES.reshape(60, -1), OTHERS.reshape(50, -1)
    features, other_features = SCALED.reshape(60, -1), others.reshape(50, -1)
    for bytes_, floats in [
        (kp.neighbours(OTHERS, PICTURES, 3), kp.neighbours(others, SCALED, 3)),
        (kp.memorization(OTHERS, PICTURES), kp.memorization(others, SCALED)),
        (kp.prdc(flat_others, flat), kp.prdc(other_features, features)),
    ]:
        for own, expected in zip(bytes_, floats, strict=True):
            np.testing.assert_array_equal(own, expected)
    np.testing.assert_array_equal(kp.support(OTHERS, PICTURES), kp.support(others, SCALED))
    for distance in (kp.frechet_distance, kp.kernel_distance):
        assert distance(flat_others, flat) == distance(other_features, features)
    assert kp.vendi_score(flat) == kp.vendi_score(features)


def test_a_file_of_uint8_has_the_neighbours_of_its_array(tmp_path: Path) -> None:
    file = tmp_path / "pictures.npy"
    np.save(file, PICTURES)
    for queries in (OTHERS, RANDOM.normal(size=(9, 1, 4, 4)).astype(np.float32), SCALED[:5]):
        found, whole = kp.neighbours(queries, file, 2), kp.neighbours(queries, SCALED, 2)
        np.testing.assert_array_equal(found.indices, whole.indices)
        np.testing.assert_allclose(found.distances, whole.distances, rtol=1e-5, atol=1e-6)


def test_a_field_of_uint8_pictures_ends_on_them() -> None:
    field = kp.EmpiricalField(PICTURES)
    paths = kp.sample(field, kp.noise(0, 8, (1, 4, 4)), kp.Plan(20))
    assert kp.memorization(paths.endpoints, PICTURES).f_mem == 1.0
    assert field.posterior_at(PICTURES[:3], [0.9] * 3).mean == pytest.approx(
        field.posterior_at(SCALED[:3], [0.9] * 3).mean
    )


def test_wider_integers_stay_as_they_are() -> None:
    found = kp.memorization(PICTURES.astype(np.int32)[:5], PICTURES.astype(np.float32))
    np.testing.assert_array_equal(found.d1, 0.0)
