"""The examples that need no framework run, and find what is there."""

from __future__ import annotations

import runpy
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

EXAMPLES = Path(__file__).parents[1] / "examples"


def write_png(path: Path, pixels: NDArray[np.uint8]) -> None:
    """A grey picture ``[H, W]``, by the definition of the format."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    height, width = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def write_folder(folder: Path, pictures: NDArray[np.uint8]) -> None:
    folder.mkdir()
    for number, pixels in enumerate(pictures):
        write_png(folder / f"{number:03}.png", pixels)


def test_an_audit_of_two_folders(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    random = np.random.default_rng(0)
    train = random.integers(0, 256, (40, 6, 6), dtype=np.uint8)
    generated = random.integers(0, 256, (30, 6, 6), dtype=np.uint8)
    generated[:9] = train[5:14]
    write_folder(tmp_path / "train", train)
    write_folder(tmp_path / "generated", generated)
    main = runpy.run_path(str(EXAMPLES / "audit_images.py"))["main"]
    folders = [str(tmp_path / name) for name in ("generated", "train", "audit")]
    study = main([*folders[:2], "--out", folders[2]])
    estimate, low, high = study.figures()["f_mem"]
    assert estimate == 0.3 and low < 0.3 < high
    rows = study.results["models"][0]["runs"][0]["memorization"]["copied_most"]
    assert sorted(row["row"] for row in rows) == list(range(5, 14))
    printed = capsys.readouterr().out
    assert "f_mem" in printed and "0.300" in printed and str(study.report) in printed
