"""Strict mypy has no complaint about the whole package, where the frameworks are installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[2]


def test_the_package_is_strictly_typed() -> None:
    example = PACKAGE / "examples" / "plain_torch.py"
    command = [sys.executable, "-m", "mypy", str(PACKAGE / "python" / "kinepath"), str(example)]
    done = subprocess.run(command, cwd=PACKAGE, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
