"""Tables, in the type of your choice."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow


class Tabular(ABC):
    """Something with a table, such as of one row per sample."""

    @abstractmethod
    def table(self) -> dict[str, npt.NDArray[Any]]:
        """The columns by name, in order."""

    def to_pandas(self) -> pandas.DataFrame:
        """The table as a pandas data frame."""
        import pandas

        return pandas.DataFrame(self.table())

    def to_polars(self) -> polars.DataFrame:
        """The table as a polars data frame."""
        import polars

        return polars.DataFrame(self.table())

    def to_arrow(self) -> pyarrow.Table:
        """The table as an Arrow table."""
        import pyarrow

        return pyarrow.table(self.table())


@dataclass(frozen=True, eq=False)
class Table(Tabular):
    """Columns of one length."""

    columns: dict[str, npt.NDArray[Any]]

    def table(self) -> dict[str, npt.NDArray[Any]]:
        return dict(self.columns)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def __repr__(self) -> str:
        return f"<kinepath.Table: {len(self)} rows of {', '.join(self.columns)}>"
