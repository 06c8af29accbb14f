"""What a study found, as tables and as a page of a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt

from .tables import Table

Runs = Sequence[Mapping[str, Any]]
"""The runs of a model as ``study.json`` has them."""

ENDS = ("estimate", "low", "high")
"""The parts of an interval."""


def metrics(runs: Runs) -> Table:
    """A row for each figure of each run."""
    rows = [(run["name"], row, row["value"]) for run in runs for row in run["metrics"]]
    return _table(rows, {})


def differences(runs: Runs) -> Table:
    """A row for each figure of each variant, compared with the baseline."""
    rows = [
        (run["name"], row, row["difference"])
        for run in runs
        if run["comparison"]
        for row in run["comparison"]["differences"]
    ]
    return _table(rows, {"p_value": float, "q_value": float, "detectable": float, "effect": str})


def page(path: str, findings: Sequence[str], table: Table) -> str:
    """HTML of a study: its findings in words, and its figures."""
    sentences = "".join(f"<li>{escape(finding)}</li>" for finding in findings)
    columns = table.table()
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    rows = "".join(
        f"<tr>{''.join(f'<td>{escape(_shown(cell))}</td>' for cell in row)}</tr>"
        for row in zip(*columns.values(), strict=True)
    )
    return (
        f"<p>kinepath.Study in <code>{escape(path)}</code></p><ul>{sentences}</ul>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _table(
    rows: Sequence[tuple[str, Mapping[str, Any], Mapping[str, float]]], more: Mapping[str, type]
) -> Table:
    """Columns of rows with the name of the run, what was found, and the interval in there."""
    columns: dict[str, npt.NDArray[Any]] = {
        "run": np.array([run for run, _, _ in rows], np.str_),
        "metric": np.array([row["metric"] for _, row, _ in rows], np.str_),
    }
    for end in ENDS:
        columns[end] = np.array([interval[end] for _, _, interval in rows], np.float64)
    for name, kind in more.items():
        # What could not be computed is null there, and NaN here.
        columns[name] = np.array([row[name] for _, row, _ in rows], kind)
    return Table(columns)


def _shown(cell: Any) -> str:
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)
