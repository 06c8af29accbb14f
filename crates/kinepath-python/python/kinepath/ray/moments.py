"""Means and spreads of columns that no process has whole."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import TypedDict

import numpy as np

from ..arrays import F64


class MomentsRecord(TypedDict):
    """:class:`Moments` as JSON keeps them: extremes of nothing are absent there."""

    count: int
    mean: float
    squares: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Moments:
    """Count, mean, spread and range of values, which merge without the values.

    Chan, Golub & LeVeque (1983), "Algorithms for computing the sample variance".
    """

    count: int = 0
    """Number of values."""
    mean: float = 0.0
    """Their mean; 0 without values."""
    squares: float = 0.0
    """Sum of the squared differences from it."""
    low: float = math.inf
    """The lowest."""
    high: float = -math.inf
    """The highest."""

    @staticmethod
    def of(values: F64) -> Moments:
        """Those of a column."""
        if not len(values):
            return Moments()
        mean = float(values.mean())
        squares = float(np.square(values - mean).sum())
        return Moments(len(values), mean, squares, float(values.min()), float(values.max()))

    @staticmethod
    def merged(parts: Iterable[Moments]) -> Moments:
        """Those of all parts together, which depend on the order of parts by rounding alone."""
        return reduce(Moments.both, parts, Moments())

    def both(self, other: Moments) -> Moments:
        """Those of both together."""
        count = self.count + other.count
        if not count:
            return self
        apart = other.mean - self.mean
        return Moments(
            count,
            self.mean + apart * other.count / count,
            self.squares + other.squares + apart**2 * self.count * other.count / count,
            min(self.low, other.low),
            max(self.high, other.high),
        )

    @property
    def sd(self) -> float:
        """Standard deviation, with n − 1; NaN for fewer than two values."""
        return math.sqrt(self.squares / (self.count - 1)) if self.count > 1 else math.nan

    @property
    def standard_error(self) -> float:
        """Standard error of the mean of independent values; NaN for fewer than two."""
        return self.sd / math.sqrt(self.count) if self.count > 1 else math.nan

    def record(self) -> MomentsRecord:
        """As JSON keeps them."""
        return MomentsRecord(
            count=self.count,
            mean=self.mean,
            squares=self.squares,
            low=self.low if self.count else None,
            high=self.high if self.count else None,
        )

    @staticmethod
    def from_record(record: MomentsRecord) -> Moments:
        """From what :meth:`record` gave."""
        if not record["count"]:
            return Moments()
        return Moments(**record)  # type: ignore[arg-type]
