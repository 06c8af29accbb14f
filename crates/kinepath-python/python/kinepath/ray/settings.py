"""``dataset.toml``: what a data set is of. It is written first, and tables hold its hash.

So it says what they are of as long as there is one, and a table that is of something else is none.
"""

from __future__ import annotations

import hashlib
import json
import operator
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, SupportsIndex

import numpy as np
import tomli_w

from .. import _kinepath
from .._kinepath import KinepathError, Plan
from ..sampling import Record
from .parts import TABLES, TENSORS
from .store import Store

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SETTINGS = "dataset.toml"
MOST = 2**64 - 1
"""The largest integer of the core: a seed."""
LONGEST = 60
"""Letters of a value in a message."""

Settings = dict[str, Any]
"""The content of a TOML file."""


def integer(name: str, value: SupportsIndex, least: int) -> int:
    """A number of settings as TOML and the core have it, of whatever integer type it is.

    Raises:
        KinepathError: for what is no integer, less than ``least``, or more than 64 bits hold.
    """
    try:
        found = operator.index(value)
    except TypeError as error:
        raise KinepathError(f"{name} is an integer, got {value!r}") from error
    if not least <= found <= MOST:
        raise KinepathError(f"{name} is at least {least} and at most {MOST}, got {found}")
    return found


def settings_of(
    *,
    model: str,
    plan: Plan,
    count: int,
    shape: Sequence[int],
    seed: int,
    labels: Sequence[int] | None,
    record: Record,
    batch: int,
    part_size: int,
) -> Settings:
    """The settings of a data set, in the terms of ``run.toml`` where it has them."""
    nodes = plan.grid.nodes
    settings: Settings = {
        "kinepath": _kinepath.__version__,
        "count": count,
        "part_size": part_size,
        "batch": batch,
        "shape": list(shape),
        **json.loads(_kinepath.run_settings(model, plan)),
        "noise": {"source": "seed", "seed": seed},
        "record": {
            "profile": record.profile,
            "energy_map": record.energy_map,
            "parts": record.parts,
            "trajectory": [float(nodes[node]) for node in record.nodes(plan)],
        },
    }
    if labels is not None:
        content = np.asarray(labels, np.dtype("<i8")).tobytes()
        settings["labels"] = {"sha256": hashlib.sha256(content).hexdigest()}
    return settings


def read(store: Store, name: str = SETTINGS) -> Settings | None:
    """The settings in the store, if there are any.

    Raises:
        KinepathError: for a file that is no TOML.
        StoreError: when the store does not answer.
    """
    if store.size(name) is None:
        return None
    try:
        settings: Settings = tomllib.loads(store.read(name).decode())
    except ValueError as error:
        raise KinepathError(f"{name} in {store} is no TOML: {error}") from error
    return settings


def as_written(settings: Settings) -> Settings:
    """Settings as they are read back: whatever cannot be told apart in the file is the same."""
    return tomllib.loads(tomli_w.dumps(settings))


def digest(settings: Settings) -> str:
    """The SHA-256 of settings, whatever order and comments the file has."""
    plain = json.dumps(as_written(settings), sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(plain.encode()).hexdigest()


def in_parts_as_there(store: Store, asked: Settings) -> Settings:
    """What is asked for, in parts as large as those of the data set that it continues.

    Raises:
        KinepathError: for a file that is no TOML.
        StoreError: when the store does not answer.
    """
    there = read(store)
    if there is None or "part_size" not in there:
        return asked
    alike = asked | {"part_size": there["part_size"]}
    # Where tables are in the way, it shall be told what else differs.
    return alike if there == as_written(alike) or store.sizes(TABLES) else asked


@dataclass(frozen=True)
class Claim:
    """Settings that tables in a store are of, or shall be."""

    store: Store
    settings: Settings
    file: str
    """Where they are kept."""
    folder: str
    """The folder of the tables."""
    way_out: str
    """What to do where it holds others."""

    def make(self) -> None:
        """Writes the settings, or makes sure that those in the store are the same.

        Those of a call that left no table are replaced: nothing is of them.

        Raises:
            KinepathError: for other settings of tables that are there, naming the first that differs.
            StoreError: when the store fails.
        """
        there = read(self.store, self.file)
        if there is None or (self._difference(there) and not self.store.sizes(self.folder)):
            self.store.write(self.file, tomli_w.dumps(self.settings).encode())
        # Read even so: another call may have written its own at the same moment.
        self.check()

    def check(self) -> None:
        """Makes sure that the settings in the store are these.

        Raises:
            KinepathError: for other settings, naming the first that differs.
            StoreError: when the store fails.
        """
        difference = self._difference(read(self.store, self.file) or {})
        if difference is not None:
            key, there, asked = difference
            raise KinepathError(
                f"{self.store} is for other settings: {key} is {_short(there)} in {self.file}, and "
                f"{_short(asked)} is asked for; {self.way_out}"
            )

    def _difference(self, there: Settings) -> tuple[str, Any, Any] | None:
        return first_difference(there, as_written(self.settings))


def of_dataset(store: Store, settings: Settings) -> Claim:
    """The claim of a data set's settings."""
    return Claim(
        store,
        settings,
        SETTINGS,
        TABLES,
        way_out=f"choose another folder or the same settings, or remove {SETTINGS}, {TABLES}/ and "
        f"{TENSORS}/ from this one",
    )


def of_evaluation(store: Store, settings: Settings, name: str) -> Claim:
    """The claim of the settings of an evaluation's neighbours."""
    return Claim(
        store,
        settings,
        f"{name}.toml",
        name,
        way_out=f"use another name=, or remove {name}.toml and the folder {name}",
    )


def first_difference(
    found: Settings, wanted: Settings, prefix: str = ""
) -> tuple[str, Any, Any] | None:
    """The first dotted key whose values differ, and both values; None stands for an absent one."""
    for key in sorted(found.keys() | wanted.keys()):
        one, other = found.get(key), wanted.get(key)
        if isinstance(one, dict) and isinstance(other, dict):
            inner = first_difference(one, other, f"{prefix}{key}.")
            if inner is not None:
                return inner
        elif one != other:
            return f"{prefix}{key}", one, other
    return None


def _short(value: Any) -> str:
    text = "absent" if value is None else repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
