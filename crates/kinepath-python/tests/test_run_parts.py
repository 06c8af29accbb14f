"""Run folders that are written part by part: what is not whole is not said to be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kinepath as kp
from kinepath._kinepath import RunParts

NOISE = kp.noise(0, 4, (3,))
PATHS = kp.sample(lambda x, t: -x, NOISE, kp.Plan(4))


def settings(folder: Path) -> str:
    """Those of a run of two parts."""
    whole = kp.write_run(folder, PATHS, plan=kp.Plan(4), noise=0).settings
    del whole["content"]
    return json.dumps({**whole, "batch": 2})


def write(parts: RunParts, start: int, **change: Any) -> None:
    rows = slice(start, start + 2)
    table = [(name, values[rows]) for name, values in PATHS.table().items() if name != "nfe"]
    nfe: list[tuple[str, Any]] = [("nfe", PATHS.nfe[rows].astype(np.int64))]
    given: dict[str, Any] = {"labels": None, "table": table[:7] + nfe + table[7:], "tensors": []}
    parts.write(start, PATHS.endpoints[rows], certificate=None, **{**given, **change})


def test_parts_become_a_run(tmp_path: Path) -> None:
    told = settings(tmp_path / "whole")
    parts = RunParts(str(tmp_path / "run"), told)
    assert parts.missing() == [(0, 2), (2, 4)]
    write(parts, 2)
    assert parts.missing() == [(0, 2)]
    parts.close()
    parts = RunParts(str(tmp_path / "run"), told)
    write(parts, 0)
    parts.finish()
    parts.finish()
    assert parts.missing() == []
    with pytest.raises(kp.KinepathError, match="whole already"):
        write(parts, 0)
    np.testing.assert_array_equal(kp.read_run(tmp_path / "run").samples, PATHS.endpoints)
    assert RunParts(str(tmp_path / "run"), told).missing() == []


@pytest.mark.parametrize("how", ["closed", "failed"])
def test_what_was_let_go_of_is_neither_whole_nor_complete(tmp_path: Path, how: str) -> None:
    told = settings(tmp_path / "whole")
    parts = RunParts(str(tmp_path / "run"), told)
    write(parts, 0)
    if how == "closed":
        parts.close()
    else:
        with pytest.raises(kp.KinepathError, match="samples 2 to 4 are not written"):
            parts.finish()
    for use in (parts.finish, parts.missing, lambda: write(parts, 2)):
        with pytest.raises(kp.KinepathError, match="let go of: open it again"):
            use()
    assert RunParts(str(tmp_path / "run"), told).missing() == [(2, 4)]


def test_columns_may_lie_anywhere(tmp_path: Path) -> None:
    parts = RunParts(str(tmp_path / "run"), settings(tmp_path / "whole"))
    memory = np.zeros(2 * 8 + 1, np.uint8)
    odd = memory[1:].view(np.int64)
    with pytest.raises(kp.KinepathError, match="labels must be aligned in memory: pass a copy"):
        write(parts, 0, labels=odd)
