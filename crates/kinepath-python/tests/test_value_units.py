"""Samples and training data of different units are told; those that only look so are not."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

import kinepath as kp
from kinepath._kinepath import load_data

RANDOM = np.random.default_rng(5)
PICTURES = load_data("builtin:fashion-mnist")
"""Of clothes, in [−1, 1]."""
TRAIN, SAMPLES = PICTURES[:400], PICTURES[400:]
LATENTS = RANDOM.normal(size=(400, 4, 4, 4)).astype(np.float32)
FEATURES = np.maximum(RANDOM.normal(size=(300, 32)), 0.0).astype(np.float32)
POINTS = RANDOM.normal(size=(300, 2)).astype(np.float32)

Array = NDArray[np.float32]


@pytest.mark.parametrize("use", [kp.memorization, kp.support])
@pytest.mark.parametrize(
    ("samples", "train", "ranges"),
    [
        ((SAMPLES + 1) / 2, TRAIN, r"samples lie in \[0, 1\], the training data in \[-1, 1\]"),
        (SAMPLES, (TRAIN + 1) / 2, r"samples lie in \[-1, 1\], the training data in \[0, 1\]"),
        (0.03 * RANDOM.normal(size=SAMPLES.shape) + (SAMPLES + 1) / 2, TRAIN, r"in \[-0\.\d+, 1\."),
        (127.5 * (SAMPLES + 1), TRAIN, r"\[0, 255\], .* \[-1, 1\]"),
        (SAMPLES, 127.5 * (TRAIN + 1), r"\[-1, 1\], .* \[0, 255\]"),
        (0.18215 * LATENTS[:64], LATENTS[64:], "same units"),
        (LATENTS[:64] / 0.18215, LATENTS[64:], "same units"),
        (100 * POINTS[:100], POINTS[100:], "same units"),
    ],
)
def test_different_units_are_told(
    use: Callable[[Array, Array], object], samples: Array, train: Array, ranges: str
) -> None:
    with pytest.warns(UserWarning, match=ranges) as told:
        use(samples, train)
    assert len(told) == 1 and told[0].filename == __file__


@pytest.mark.parametrize("use", [kp.memorization, kp.support])
@pytest.mark.parametrize(
    ("samples", "train"),
    [
        (SAMPLES, TRAIN),
        ((SAMPLES + 1) / 2, (TRAIN + 1) / 2),
        (np.repeat(TRAIN[:1], 50, 0), TRAIN),
        (SAMPLES + RANDOM.normal(size=SAMPLES.shape) * 0.4, TRAIN),
        (LATENTS[:64], LATENTS[64:]),
        (1.5 * LATENTS[:64], LATENTS[64:]),
        (LATENTS[:64] + 0.3, LATENTS[64:]),
        (FEATURES[:50], FEATURES[50:]),
        (np.repeat(FEATURES[:1], 50, 0), FEATURES),
        # All samples at one point, of few dimensions, none of whose values is negative.
        (np.abs(np.repeat(POINTS[:1], 50, 0)), np.abs(POINTS)),
        (np.repeat(POINTS[(POINTS > 0).all(1)][:1], 50, 0), POINTS),
        # Few records, of whatever scale.
        (np.zeros((1, 1, 28, 28)), TRAIN),
        ((SAMPLES[:15] + 1) / 2, TRAIN),
        (SAMPLES, TRAIN[:15] * 100),
    ],
)
def test_what_only_looks_like_other_units_is_not_told(
    use: Callable[[Array, Array], object], samples: Array, train: Array
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        use(samples, train)


def test_one_sample_gone_astray_does_not_change_the_units() -> None:
    stray = SAMPLES.copy()
    stray[3, 0, 2, 2] = 1e4
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        kp.memorization(stray, TRAIN)
