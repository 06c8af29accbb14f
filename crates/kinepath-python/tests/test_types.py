"""Types: the stub describes the extension as it is, and strict mypy has no complaint.

The modules that import PyTorch are checked where it is installed, with the integrations.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[1]


def check(*arguments: str | Path) -> None:
    """Runs a module of mypy's on the sources of the package."""
    command = [sys.executable, "-m", *map(str, arguments)]
    settings = {"MYPYPATH": str(PACKAGE / "python")}
    done = subprocess.run(
        command, cwd=PACKAGE, env=os.environ | settings, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_stub_describes_the_extension(tmp_path: Path) -> None:
    config = tmp_path / "mypy.ini"
    config.write_text("[mypy]\nstrict = true\nfollow_imports = silent\n")
    check("mypy.stubtest", "--mypy-config-file", config, "kinepath._kinepath")


def test_package_and_tests_are_strictly_typed() -> None:
    torch = re.compile(r"^\s*(import|from) torch\b", re.MULTILINE)
    sources = sorted((PACKAGE / "python" / "kinepath").glob("*.py"))
    without_torch = [path for path in sources if not torch.search(path.read_text("utf-8"))]
    assert PACKAGE / "python" / "kinepath" / "study.py" in without_torch
    tests = sorted((PACKAGE / "tests").glob("test_*.py"))
    example = PACKAGE / "examples" / "audit_images.py"
    check("mypy", "--follow-imports=silent", *without_torch, *tests, example)
