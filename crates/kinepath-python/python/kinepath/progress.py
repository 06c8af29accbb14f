"""How far something long is."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeAlias

Progress: TypeAlias = Callable[[str, float], object]
"""Told what is being done and the fraction of it, in [0, 1], that is behind."""


def line_on_a_terminal() -> Progress:
    """A line on stderr where that is a terminal, and nothing elsewhere."""
    if not sys.stderr.isatty():
        return lambda stage, done: None

    def show(stage: str, done: float) -> None:
        end = "\n" if done >= 1.0 else ""
        print(f"\r\x1b[K{stage} {done:.0%}", end=end, file=sys.stderr, flush=True)

    return show
