"""Type checkers, run on the sources of the package."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
SOURCES = PACKAGE / "python" / "kinepath"
TESTS = PACKAGE / "tests"
EXAMPLES = PACKAGE / "examples"

IMPORTED = (PACKAGE / "python", TESTS, TESTS / "integrations")
"""Folders in which the checked files find each other."""


def check(module: str, *arguments: str | Path) -> None:
    """Fails with what the module ``module`` prints, unless it has no complaint."""
    settings = {
        "MYPYPATH": os.pathsep.join(map(str, IMPORTED)),
        # The Python whose packages basedpyright sees.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    }
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(
        command, cwd=PACKAGE, env=os.environ | settings, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
