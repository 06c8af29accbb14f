"""Images of IDX files, the format of MNIST and the sets made after it."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import numpy.typing as npt

IMAGES = b"\x00\x00\x08\x03"
"""How a file of images starts: bytes in three dimensions."""
GZIP = b"\x1f\x8b"


def images(path: Path) -> npt.NDArray[np.float32]:
    """The images of a file, compressed with gzip or not: ``[N, rows, columns]``, in [-1, 1].

    Raises:
        ValueError: for a file of something else, or of another length than it says.
    """
    data = path.read_bytes()
    if data.startswith(GZIP):
        data = gzip.decompress(data)
    if not data.startswith(IMAGES):
        raise ValueError(f"{path} is not an IDX file of images")
    count, rows, columns = (int.from_bytes(data[i : i + 4], "big") for i in (4, 8, 12))
    pixels = np.frombuffer(data, np.uint8, offset=16).reshape(count, rows, columns)
    values: npt.NDArray[np.float32] = pixels.astype(np.float32) / 127.5 - 1
    return values
