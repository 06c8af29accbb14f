"""Make the shipped subsets of Fashion-MNIST: class-balanced, first come, without exact duplicates."""

import argparse
from pathlib import Path

import numpy as np

from idx import Array, read_idx, write_idx


def balanced_indices(images: Array, labels: Array, size: int, exclude: set[bytes]) -> Array:
    """Indices, ascending, of the first `size` distinct images with class counts differing by at most 1."""
    classes = np.unique(labels)
    quota = {c: size // len(classes) + (i < size % len(classes)) for i, c in enumerate(classes)}
    seen, chosen = set(exclude), []
    for index, label in enumerate(labels):
        key = images[index].tobytes()
        if quota[label] > 0 and key not in seen:
            seen.add(key)
            quota[label] -= 1
            chosen.append(index)
    if len(chosen) != size:
        raise ValueError(f"only {len(chosen)} of {size} images could be chosen")
    return np.array(chosen)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the four IDX.gz files")
    parser.add_argument("--out", type=Path, required=True, help="folder to write the subsets to")
    parser.add_argument("--train-size", type=int, default=512)
    parser.add_argument("--reference-size", type=int, default=2000)
    args = parser.parse_args()

    taken: set[bytes] = set()
    for source, target, size in (
        ("train", "train", args.train_size),
        ("t10k", "reference", args.reference_size),
    ):
        images = read_idx(args.data / f"{source}-images-idx3-ubyte.gz")
        labels = read_idx(args.data / f"{source}-labels-idx1-ubyte.gz")
        keep = balanced_indices(images, labels, size, taken)
        taken |= {image.tobytes() for image in images[keep]}
        write_idx(args.out / f"{target}-images-idx3-ubyte.gz", images[keep])
        write_idx(args.out / f"{target}-labels-idx1-ubyte.gz", labels[keep])
        print(target, len(keep), "class counts", np.bincount(labels[keep]).tolist())


if __name__ == "__main__":
    main()
