"""Types: the stub describes the extension as it is, and mypy and pyright have no complaint.

The modules that import PyTorch are checked where it is installed, with the integrations.
"""

from __future__ import annotations

import re
from pathlib import Path

from checkers import EXAMPLES, SOURCES, TESTS, check

TORCH = re.compile(r"^\s*(import|from) torch\b", re.MULTILINE)
WITHOUT_TORCH = [
    path for path in sorted(SOURCES.glob("*.py")) if not TORCH.search(path.read_text("utf-8"))
]


def test_the_stub_describes_the_extension(tmp_path: Path) -> None:
    config = tmp_path / "mypy.ini"
    config.write_text("[mypy]\nstrict = true\nfollow_imports = silent\n")
    check("mypy.stubtest", "--mypy-config-file", config, "kinepath._kinepath")


def test_package_and_tests_are_strictly_typed() -> None:
    assert SOURCES / "study.py" in WITHOUT_TORCH
    tests = sorted(TESTS.glob("*.py"))
    check("mypy", "--follow-imports=silent", *WITHOUT_TORCH, *tests, EXAMPLES / "audit_images.py")


def test_pyright_has_no_complaint_either() -> None:
    check("basedpyright", SOURCES / "_kinepath.pyi", *WITHOUT_TORCH, EXAMPLES / "audit_images.py")
