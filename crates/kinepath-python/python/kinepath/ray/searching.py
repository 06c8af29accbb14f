"""The search for the neighbours of every part in every block, as tasks of workers."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypedDict, TypeVar

import numpy as np
import numpy.typing as npt

from .._kinepath import KinepathError
from ..arrays import F32
from ..metrics import GAP_THRESHOLD
from ..progress import Progress
from . import parts
from .dataset import Dataset
from .moments import Moments, MomentsRecord
from .neighbours import Nearest, in_block, merged
from .parts import Part
from .training import TrainingSet

if TYPE_CHECKING:
    from .pool import Pool


IN_BLOCKS = "-in-blocks"
"""The end of the name of a folder for what is found in blocks."""


class NeighboursNote(TypedDict):
    """What the neighbours of a part say beside their columns."""

    tensors_sha256: str
    """Of the samples whose neighbours they are."""
    settings_sha256: str
    """Of what was searched, and how."""
    memorized: int
    d1: MomentsRecord
    kpe_of_memorized: MomentsRecord
    kpe_of_others: MomentsRecord


@dataclass(frozen=True)
class SearchTask:
    """A block of the training set to search for the neighbours of a part."""

    rows: range
    block: range

    def __str__(self) -> str:
        return (
            f"searching {self.block.start}..{self.block.stop} for the neighbours of "
            f"{self.rows.start}..{self.rows.stop}"
        )


@dataclass(frozen=True)
class MergeTask:
    """A part whose neighbours in every block are to be put together."""

    rows: range

    def __str__(self) -> str:
        return f"putting together the neighbours of {self.rows.start}..{self.rows.stop}"


Task: TypeAlias = "SearchTask | MergeTask"

Key = TypeVar("Key")
Value = TypeVar("Value")


class Latest(Generic[Key, Value]):
    """Reads, and keeps the latest that was read, as the next task often needs it again."""

    def __init__(self, read: Callable[[Key], Value]) -> None:
        self._read = read
        self._held: list[tuple[Key, Value]] = []

    def __call__(self, key: Key) -> Value:
        if not self._held or self._held[0][0] != key:
            # Memory holds one at a time.
            self._held.clear()
            self._held.append((key, self._read(key)))
        return self._held[0][1]


@dataclass(frozen=True)
class Searching:
    """What a worker needs to know."""

    dataset: Dataset
    training: TrainingSet
    blocks: tuple[range, ...]
    k: int
    support: int | None
    name: str
    settings_sha256: str
    """The digest of the evaluation's settings, which tell of training set and support."""

    def __call__(self) -> Callable[[Task], None]:
        samples: Latest[Part, F32] = Latest(lambda part: self.dataset.tensors(part)["samples"])
        block = Latest(self.training.block)

        def search(part: Part, rows: range) -> Nearest:
            return in_block(samples(part), block(rows), rows.start, self.k)

        def work(task: Task) -> None:
            part = self.dataset.part(task.rows)
            if part is None:
                raise KinepathError("its samples are no longer there")
            # A worker may have been lost after its last word to the store.
            if self.note(part) is not None:
                return
            if isinstance(task, SearchTask):
                self._write_found(part, task.block, search(part, task.block))
            elif len(self.blocks) == 1:
                self._write_merged(part, [search(part, self.blocks[0])])
            else:
                self._write_merged(part, [self._read_found(part, rows) for rows in self.blocks])

        return work

    def note(self, part: Part) -> NeighboursNote | None:
        """What the neighbours of a part say, if they are there: those of these samples, in this
        training set."""
        name = parts.table_name(part.rows, self.name)
        if self.dataset.store.size(name) is None:
            return None
        note: NeighboursNote | None = parts.read_note(
            self.dataset.store, name, len(part.rows), self._origin(part)
        )
        return note

    def found_name(self, part: Part, block: range) -> str:
        """The file of what was found in a block, until all blocks are searched."""
        origin = hashlib.sha256("".join(self._origin(part).values()).encode()).hexdigest()
        name = f"{parts.file_name(part.rows)}-in-{block.start}-{block.stop}-{origin[:16]}"
        return f"{self.working_folder}/{name}"

    def _origin(self, part: Part) -> dict[str, str]:
        """What tells neighbours from those of other samples, or in other data."""
        return {
            "tensors_sha256": part.note["tensors_sha256"],
            "settings_sha256": self.settings_sha256,
        }

    @property
    def working_folder(self) -> str:
        """The folder of such files."""
        return f"{self.name}{IN_BLOCKS}"

    def _write_found(self, part: Part, block: range, found: Nearest) -> None:
        self.dataset.store.write(self.found_name(part, block), found.to_bytes())

    def _read_found(self, part: Part, block: range) -> Nearest:
        return Nearest.from_bytes(self.dataset.store.read(self.found_name(part, block)))

    def _write_merged(self, part: Part, found: Sequence[Nearest]) -> None:
        nearest = merged(found, self.k, self.training.take)
        distances = np.sqrt(nearest.squares)
        d1, d2 = distances[:, 0], distances[:, 1]
        ratio = np.divide(d1, d2, out=np.zeros_like(d1), where=d1 > 0)
        memorized = ratio < GAP_THRESHOLD
        columns: dict[str, npt.NDArray[Any]] = {
            "index": np.arange(part.rows.start, part.rows.stop),
            "nearest": nearest.rows[:, 0],
            "d1": d1,
            "d2": d2,
            "ratio": ratio,
            "memorized": memorized,
        }
        if self.support is not None:
            with np.errstate(divide="ignore"):
                columns["support"] = -np.log(distances[:, self.support - 1])
        kpe = self.dataset.table(part, ["kpe"])["kpe"]
        note = NeighboursNote(
            tensors_sha256=part.note["tensors_sha256"],
            settings_sha256=self.settings_sha256,
            memorized=int(memorized.sum()),
            d1=Moments.of(d1).record(),
            kpe_of_memorized=Moments.of(kpe[memorized]).record(),
            kpe_of_others=Moments.of(kpe[~memorized]).record(),
        )
        parts.write_table(
            self.dataset.store, parts.table_name(part.rows, self.name), columns, note
        )
        if len(found) > 1:
            for block in self.blocks:
                self.dataset.store.delete(self.found_name(part, block))


def search_all(
    pool: Pool[Task, None], job: Searching, missing: Sequence[Part], told: Progress
) -> None:
    """Searches every block for each part, and puts together what was found once all are."""
    in_blocks = len(job.blocks) > 1
    before = job.dataset.store.sizes(job.working_folder) if in_blocks else {}
    left: Counter[range] = Counter()
    done = 0
    for part in missing:
        searches = [
            SearchTask(part.rows, block)
            for block in (job.blocks if in_blocks else ())
            if job.found_name(part, block).rpartition("/")[2] not in before
        ]
        left[part.rows] = len(searches)
        pool.add(searches or [MergeTask(part.rows)])
    total = sum(left.values()) + len(missing)
    with closing(pool.run(job)) as finished:
        for task, _ in finished:
            done += 1
            told("searching", done / total)
            if isinstance(task, SearchTask):
                left[task.rows] -= 1
                if not left[task.rows]:
                    pool.add([MergeTask(task.rows)], first=True)
