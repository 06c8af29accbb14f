"""A data set of samples in parts, read part by part."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy.typing as npt

from .._kinepath import KinepathError
from ..arrays import F32
from . import parts, settings
from .moments import Moments
from .parts import Part
from .store import Store

READERS = 16
"""Files that are looked into at a time."""


class Dataset:
    """Samples that :func:`kinepath.ray.sample` wrote, whole or not yet.

    The folder holds ``dataset.toml``, a Parquet file per part in ``table/`` and a safetensors file
    per part in ``tensors/``: ``table/*.parquet`` is one table for any program that reads Parquet.

    Args:
        path: as it was given to :func:`kinepath.ray.sample`.
        filesystem: likewise.

    Raises:
        KinepathError: for a folder without ``dataset.toml``.
    """

    def __init__(self, path: str | os.PathLike[str], *, filesystem: Any = None) -> None:
        self.store: Store = Store(path, filesystem)
        """The folder."""
        found = settings.read(self.store)
        if found is None:
            raise KinepathError(f"{self.store} holds no data set: there is no {settings.SETTINGS}")
        self.settings: settings.Settings = found
        """What ``dataset.toml`` says."""
        self.settings_sha256: str = settings.digest(found)
        """Its digest, which the tables of parts have too."""

    def __len__(self) -> int:
        """The number of samples, there or not."""
        count: int = self.settings["count"]
        return count

    def __repr__(self) -> str:
        return f"<kinepath.ray.Dataset: {len(self)} samples in {self.store}>"

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample."""
        return tuple(self.settings["shape"])

    @property
    def ranges(self) -> list[range]:
        """The global indices of every part, in order."""
        return parts.ranges(len(self), self.settings["part_size"])

    def parts(self, within: Sequence[range] | None = None) -> list[Part]:
        """The parts that are whole, in order, or those of them that are ``within``.

        The end of every table is read, and the sizes of the tensors' files.
        """
        tables = self.store.sizes(parts.TABLES)
        tensors = self.store.sizes(parts.TENSORS)

        def checked(rows: range) -> Part | None:
            name = parts.file_name(rows)
            if f"{name}.parquet" not in tables:
                return None
            size = tensors.get(f"{name}.safetensors")
            return parts.checked(self.store, rows, self.settings_sha256, size)

        with ThreadPoolExecutor(READERS) as readers:
            found = readers.map(checked, self.ranges if within is None else within)
            return [part for part in found if part is not None]

    def part(self, rows: range) -> Part | None:
        """The part of these samples, if it is whole."""
        return parts.find(self.store, rows, self.settings_sha256)

    def missing(self, within: Sequence[range] | None = None) -> list[range]:
        """The parts, all or ``within`` some, that are not whole."""
        there = {part.rows for part in self.parts(within)}
        wanted = self.ranges if within is None else within
        return [rows for rows in wanted if rows not in there]

    def whole(self) -> list[Part]:
        """All parts.

        Raises:
            KinepathError: when some are missing.
        """
        found = self.parts()
        absent = len(self.ranges) - len(found)
        if absent:
            raise KinepathError(
                f"{absent} of {len(self.ranges)} parts of {self.store} are missing: call "
                "kinepath.ray.sample again with the same settings"
            )
        return found

    def table(
        self, part: Part, columns: Sequence[str] | None = None
    ) -> dict[str, npt.NDArray[Any]]:
        """The columns of a part, all or some, with a row per sample: ``index``, ``label`` where
        there are classes, ``kpe`` and the others of ``samples.parquet`` in a run folder."""
        names = None if columns is None else list(columns)
        return parts.read_table(self.store, parts.table_name(part.rows), names)

    def tensors(self, part: Part) -> dict[str, F32]:
        """``samples`` ``[n, *shape]`` of a part, and what was recorded beside them, named as in a
        run folder.

        Raises:
            KinepathError: when they are not those that the table was written with.
        """
        return parts.read_tensors(self.store, part)

    def kpe(self) -> Moments:
        """Count, mean, spread and range of the kinetic path energy of the samples that are there."""
        notes = (part.note for part in self.parts())
        return Moments.merged(Moments.from_record(note["kpe"]) for note in notes)
