"""The Python of documents, run as it stands there, but for what would take a GPU or minutes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

import kinepath as kp
import kinepath.torch as kpt

ROOT = Path(__file__).parents[4]
FIXTURES = ROOT / "crates" / "kinepath-onnx" / "tests" / "fixtures"


def block(document: str, words: str) -> str:
    """The one block of Python in a document that holds ``words``."""
    text = (ROOT / document).read_text(encoding="utf-8")
    blocks: list[str] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (found,) = (block for block in blocks if words in block)
    return found


def run(document: str, words: str, instead: Mapping[str, str] = {}, **names: Any) -> dict[str, Any]:
    """Runs a block, and returns the names that it leaves.

    Args:
        instead: what is run in the place of words of the block, all of which must be there.
        names: what the reader of the document has already.
    """
    code = block(document, words)
    for there, here in instead.items():
        assert there in code, f"{document} no longer says {there}"
        code = code.replace(there, here)
    space = {"kp": kp, "kpt": kpt, "torch": torch, **names}
    exec(compile(code, document, "exec"), space)
    return space
