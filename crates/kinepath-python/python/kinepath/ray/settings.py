"""``dataset.toml``: what a data set is of. It is written first, and never changes."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import tomli_w

from .. import _kinepath
from .._kinepath import KinepathError, Plan
from ..sampling import Record
from .store import Store

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SETTINGS = "dataset.toml"
LONGEST = 60
"""Letters of a value in a message."""

Settings = dict[str, Any]
"""The content of a TOML file."""


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
        "shape": [int(axis) for axis in shape],
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


def claim(store: Store, settings: Settings, name: str = SETTINGS) -> None:
    """Writes settings, or makes sure that those in the store are the same.

    Raises:
        KinepathError: for other settings, naming the first that differs.
        StoreError: when the store fails.
    """
    if store.size(name) is None:
        store.write(name, tomli_w.dumps(settings).encode())
    # Read even so: another call may have written its own at the same moment.
    found = read(store, name) or {}
    # Through the file's own words: whatever cannot be told apart there is the same.
    wanted = tomllib.loads(tomli_w.dumps(settings))
    difference = first_difference(found, wanted)
    if difference is not None:
        key, there, asked = difference
        raise KinepathError(
            f"{store} is for other settings: {key} is {_short(there)} in {name}, and {_short(asked)} "
            "is asked for; choose another folder or the same settings, or remove it"
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
