"""Parts of a data set: a table and a file of tensors for each range of sample indices.

A part counts when its table is there, is of the data set's settings, and says of tensors of the size
that is there: the table comes last, and an earlier one goes before the tensors do. Whoever reads
tensors compares their hash. Names are those of the range, so that a part that is computed again
replaces itself.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import parquet
from safetensors.numpy import load, save

from .._kinepath import KinepathError
from ..arrays import F32, f32
from ..paths import Paths
from ..posteriors import Certificate
from .errors import StoreError
from .moments import Moments, MomentsRecord
from .store import Store

TABLES = "table"
"""The folder of Parquet files, one row a sample."""
TENSORS = "tensors"
"""The folder of safetensors files: ``samples``, and what was recorded beside them."""
NOTE = b"kinepath"
"""The key of what a Parquet file says of itself."""


class TableNote(TypedDict):
    """What the table of a part says beside its columns."""

    settings_sha256: str
    tensors_bytes: int
    tensors_sha256: str
    kpe: MomentsRecord
    certificate: dict[str, float | None] | None


@dataclass(frozen=True)
class Part:
    """A part that is whole."""

    rows: range
    """The global indices of its samples."""
    note: TableNote
    """What its table says."""


def ranges(count: int, part_size: int) -> list[range]:
    """The parts of ``count`` samples, in order."""
    return [range(first, min(first + part_size, count)) for first in range(0, count, part_size)]


def file_name(rows: range) -> str:
    """The name of the files of a part, without extension."""
    return f"part-{rows.start:012d}-{rows.stop:012d}"


def tensors_name(rows: range) -> str:
    """The file of a part's tensors in the store."""
    return f"{TENSORS}/{file_name(rows)}.safetensors"


def table_name(rows: range, folder: str = TABLES) -> str:
    """A table of a part in the store."""
    return f"{folder}/{file_name(rows)}.parquet"


def publish(
    store: Store,
    rows: range,
    paths: Paths[Any],
    labels: Sequence[int] | None,
    *,
    settings_sha256: str,
) -> None:
    """Writes a part.

    Args:
        settings_sha256: the digest of the settings that its samples are of.

    Raises:
        KinepathError: for samples or energies that are NaN or infinite.
        StoreError: when the store fails.
    """
    tensors = _tensors(paths)
    for name, values in (("a sample", tensors["samples"]), ("a KPE", paths.kpe)):
        finite = np.isfinite(values).reshape(len(values), -1).all(axis=1)
        if not finite.all():
            raise KinepathError(f"{name} is NaN or infinite: number {rows[int(finite.argmin())]}")
    content = save(tensors)
    posterior = paths.posterior
    note = TableNote(
        settings_sha256=settings_sha256,
        tensors_bytes=len(content),
        tensors_sha256=hashlib.sha256(content).hexdigest(),
        kpe=Moments.of(paths.kpe).record(),
        certificate=None if posterior is None else _certificate(posterior.certificate),
    )
    columns = paths.table()
    table: dict[str, npt.NDArray[Any]] = {"index": np.arange(rows.start, rows.stop)}
    if labels is not None:
        table["label"] = np.asarray(labels, np.int64)
    table |= {name: values for name, values in columns.items() if name != "index"}
    table["nfe"] = table["nfe"].astype(np.int64)
    store.delete(table_name(rows))
    store.write(tensors_name(rows), content)
    write_table(store, table_name(rows), table, note)


def write_table(
    store: Store, name: str, columns: dict[str, npt.NDArray[Any]], note: Any
) -> None:
    """Writes a Parquet file with a note, which becomes JSON.

    Raises:
        StoreError: when the store fails.
    """
    table = pa.table(columns).replace_schema_metadata({NOTE: json.dumps(note)})
    sink = pa.BufferOutputStream()
    parquet.write_table(table, sink, compression="zstd")
    store.write(name, sink.getvalue())


def read_note(store: Store, name: str, count: int, wanted: Mapping[str, Any]) -> Any | None:
    """The note of a Parquet file of ``count`` rows that says what is ``wanted``; nothing for another
    file, or a damaged one.

    Raises:
        StoreError: when the file cannot be opened.
    """
    with store.open(name) as file:
        try:
            metadata = parquet.read_metadata(file)
            note = json.loads((metadata.metadata or {})[NOTE])
        except (pa.ArrowInvalid, KeyError, ValueError):
            return None
        except OSError as error:
            raise StoreError(f"cannot read {name} in {store}: {error}") from error
    if not isinstance(note, dict) or metadata.num_rows != count:
        return None
    return note if all(note.get(key) == value for key, value in wanted.items()) else None


def read_table(
    store: Store, name: str, columns: list[str] | None = None
) -> dict[str, npt.NDArray[Any]]:
    """The columns of a Parquet file, or some of them.

    Raises:
        StoreError: when the file cannot be read.
    """
    with store.open(name) as file:
        try:
            table = parquet.read_table(file, columns=columns)
        except OSError as error:
            raise StoreError(f"cannot read {name} in {store}: {error}") from error
    return {key: table[key].to_numpy() for key in table.column_names}


def find(store: Store, rows: range, settings_sha256: str) -> Part | None:
    """A part, if it is whole and of settings with this digest.

    Raises:
        StoreError: when the store does not answer.
    """
    if store.size(table_name(rows)) is None:
        return None
    return checked(store, rows, settings_sha256, store.size(tensors_name(rows)))


def checked(
    store: Store, rows: range, settings_sha256: str, tensors_bytes: int | None
) -> Part | None:
    """A part whose table is there, if it is whole, of these settings, and has tensors of that size.

    Raises:
        StoreError: when the store does not answer.
    """
    wanted = {"settings_sha256": settings_sha256, "tensors_bytes": tensors_bytes}
    note: TableNote | None = read_note(store, table_name(rows), len(rows), wanted)
    return None if note is None else Part(rows, note)


def read_tensors(store: Store, part: Part) -> dict[str, F32]:
    """The tensors of a part: ``samples``, and what was recorded.

    Raises:
        KinepathError: when they are not those that the table was written with.
        StoreError: when they cannot be read.
    """
    name = tensors_name(part.rows)
    content = store.read(name)
    if hashlib.sha256(content).hexdigest() != part.note["tensors_sha256"]:
        raise KinepathError(
            f"{name} in {store} is not what its table was written with; remove both and sample again"
        )
    tensors: dict[str, F32] = load(content)
    return tensors


def _tensors(paths: Paths[Any]) -> dict[str, F32]:
    """Named as in a run folder."""
    posterior = paths.posterior
    found = {
        "samples": paths.endpoints,
        "profile": paths.profile,
        "energy_map": paths.energy_map,
        "trajectory": paths.trajectory,
        "posterior_entropy": None if posterior is None else posterior.entropy,
        "effective_count": None if posterior is None else posterior.effective_count,
    }
    return {
        name: np.ascontiguousarray(f32(values))
        for name, values in found.items()
        if values is not None
    }


def _certificate(certificate: Certificate) -> dict[str, float | None]:
    """As ``run.toml`` has it, where a need beyond any gap is absent."""
    need = certificate.need
    return certificate._asdict() | {"need": need if math.isfinite(need) else None}
