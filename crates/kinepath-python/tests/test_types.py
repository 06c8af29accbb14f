"""Types: the stub describes the extension as it is, and strict mypy has no complaint."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
SOURCES = sorted((PACKAGE / "python" / "kinepath").glob("*.py"))


def check(*arguments: str | Path) -> None:
    """Runs a module of mypy's with the settings of the package."""
    command = [sys.executable, "-m", *map(str, arguments)]
    settings = {"MYPYPATH": str(PACKAGE / "python")}
    done = subprocess.run(
        command, cwd=PACKAGE, env=os.environ | settings, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_stub_describes_the_extension() -> None:
    config = PACKAGE / "pyproject.toml"
    check("mypy.stubtest", "--mypy-config-file", config, "kinepath._kinepath")


def test_package_and_tests_are_strictly_typed() -> None:
    imports = re.compile(r"^(import|from) torch\b", re.MULTILINE)
    without_torch = [path for path in SOURCES if not imports.search(path.read_text("utf-8"))]
    assert PACKAGE / "python" / "kinepath" / "study.py" in without_torch
    examples = PACKAGE / "examples" / "audit_images.py"
    check("mypy", *without_torch, *sorted((PACKAGE / "tests").glob("test_*.py")), examples)
