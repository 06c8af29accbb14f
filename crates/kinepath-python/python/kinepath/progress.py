"""How far something long is."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TypeAlias

Progress: TypeAlias = Callable[[str, float], object]
"""Told what is being done and the fraction of it, in [0, 1], that is behind."""


SECONDS = 60.0
"""Time between two lines where stderr is no terminal."""


def on_stderr(now: Callable[[], float] = time.monotonic) -> Progress:
    """Shows it on stderr: in one line that changes where that is a terminal, and elsewhere, as in the
    log of a job, in a line a minute, so that calls of less than a minute show nothing there.

    Args:
        now: the time in seconds, from any moment on.
    """
    if not sys.stderr.isatty():
        return _line_a_minute(now)

    def show(stage: str, done: float) -> None:
        end = "\n" if done >= 1.0 else ""
        print(f"\r\x1b[K{stage} {done:.0%}", end=end, file=sys.stderr, flush=True)

    return show


def _line_a_minute(now: Callable[[], float]) -> Progress:
    last = now()

    def show(stage: str, done: float) -> None:
        nonlocal last
        if now() - last >= SECONDS:
            last = now()
            print(f"{stage} {done:.0%}", file=sys.stderr, flush=True)

    return show
