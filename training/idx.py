"""Reading and writing the IDX format of MNIST-like data sets (gzip-compressed)."""

import gzip
import struct
from pathlib import Path

import numpy as np

Array = np.ndarray


def read_idx(path: Path) -> Array:
    """Read a gzip-compressed IDX file of unsigned bytes."""
    raw = gzip.decompress(Path(path).read_bytes())
    zero, kind, rank = struct.unpack(">HBB", raw[:4])
    if zero != 0 or kind != 0x08:
        raise ValueError(f"{path}: not an IDX file of unsigned bytes")
    shape = struct.unpack(f">{rank}I", raw[4 : 4 + 4 * rank])
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * rank).reshape(shape)


def write_idx(path: Path, array: Array) -> None:
    """Write unsigned bytes as a gzip-compressed IDX file; equal arrays give equal bytes."""
    header = struct.pack(f">HBB{array.ndim}I", 0, 0x08, array.ndim, *array.shape)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(header + array.astype(np.uint8).tobytes(), 9, mtime=0))


def to_unit_range(pixels: Array) -> Array:
    """Map bytes 0..255 to float32 [-1, 1], with a channel axis: [n, 1, h, w]."""
    return (pixels.astype(np.float32) / 127.5 - 1.0)[:, None]
