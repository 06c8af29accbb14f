"""How sure is it? Intervals, correlations and paired comparisons of columns.

A column has one value per sample. Resampling is seeded: the same seed gives the same interval.
Numbers of resamples are at least 1, and seeds at least 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy.typing as npt

from . import _kinepath
from .arrays import F64, column, integer


class Interval(NamedTuple):
    """An estimate and its confidence interval."""

    estimate: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.estimate:.4g} [{self.low:.4g}, {self.high:.4g}]"


class Comparison(NamedTuple):
    """The mean difference of two columns on the same samples."""

    difference: Interval
    """Variant minus baseline, with its interval: of columns of 0 and 1, which are shares, that of
    Bonett and Price (2012), else BCa."""
    p_value: float
    """Two-sided, by paired permutation (sign flips)."""
    detectable: float
    """The smallest true difference that this number of samples would show with 80 % power."""


def _draws(resamples: int, seed: int) -> tuple[int, int]:
    return integer(resamples, "the number of resamples", least=1), integer(seed, "a seed")


def bootstrap(
    values: npt.ArrayLike, *, resamples: int = 2000, seed: int = 0, level: float = 0.95
) -> Interval:
    """The mean of a column with its BCa interval; agrees with ``scipy.stats.bootstrap``.

    The mean of truth values, or of nothing but 0 and 1, is a share, and its interval that of
    :func:`share`: resamples of a column in which all are alike cannot tell how sure a share of 0 or
    1 is.

        >>> kp.bootstrap([False] * 50).high > 0.07
        True

    Raises:
        KinepathError: for an empty column, NaN or infinity, or a level outside (0, 1).
    """
    numbers, draws = column(values), _draws(resamples, seed)
    if len(numbers) and ((numbers == 0.0) | (numbers == 1.0)).all():
        return share(int(numbers.sum()), len(numbers), level=level)
    return Interval(*_kinepath.mean_interval(numbers, *draws, level))


def share(successes: int, trials: int, *, level: float = 0.95) -> Interval:
    """The share of successes with Wilson's score interval, which needs no columns.

    Agrees with ``statsmodels.stats.proportion.proportion_confint(method="wilson")``.

    Raises:
        KinepathError: without trials, for more successes than trials, or a level outside (0, 1).
    """
    counts = integer(successes, "the number of successes"), integer(trials, "the number of trials")
    return Interval(*_kinepath.share(*counts, level))


def compare(
    baseline: npt.ArrayLike,
    variant: npt.ArrayLike,
    *,
    resamples: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Comparison:
    """Whether ``variant`` differs from ``baseline`` on the same samples, in the same order.

    Where several columns are compared, adjust their p-values together with :func:`adjust`.

    Raises:
        KinepathError: for columns of different lengths, empty ones, NaN or infinity.
    """
    own, base = column(variant), column(baseline)
    if own.shape != base.shape:
        raise _kinepath.KinepathError(
            f"paired columns have one value per sample: got {base.shape} and {own.shape}"
        )
    difference, p_value, detectable = _kinepath.compare(base, own, *_draws(resamples, seed), level)
    return Comparison(Interval(*difference), p_value, detectable)


def spearman(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    resamples: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Spearman's rank correlation with its interval; agrees with ``scipy.stats.spearmanr``.

    Raises:
        KinepathError: for columns of different lengths, fewer than two values, a constant column,
            NaN or infinity.
    """
    return Interval(*_kinepath.spearman(column(x), column(y), *_draws(resamples, seed), level))


def partial_spearman(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    controls: Sequence[npt.ArrayLike],
    *,
    resamples: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Spearman's correlation of what the ranks of ``controls`` leave of the ranks of x and y.

    Agrees with ``pingouin.partial_corr(method="spearman")``.

    Raises:
        KinepathError: as :func:`spearman`.
    """
    held = [column(control) for control in controls]
    return Interval(
        *_kinepath.partial_spearman(column(x), column(y), held, *_draws(resamples, seed), level)
    )


def adjust(p_values: npt.ArrayLike) -> F64:
    """p-values adjusted for their number after Benjamini and Hochberg (1995).

    Raises:
        KinepathError: for values outside [0, 1].
    """
    return _kinepath.adjust(column(p_values))
