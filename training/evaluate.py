"""Memorization of an exported velocity field under a few gains, with the same noise for each.

Prints one line a gain: F_mem with a bootstrap interval, the classifier's mean confidence, and the
share of samples that differ in being memorized from the baseline's.
"""

import argparse
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor

from flow import Field, gap_ratio, kts_gain, sample_euler
from idx import read_idx, to_unit_range

GAINS = {
    "baseline": (0.0, 0.0),
    "KTS 0.01/0.01": (0.01, 0.01),
    "launch 0.02": (0.02, 0.0),
    "landing 0.02": (0.0, 0.02),
}


def onnx_session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    """An onnxruntime session limited to `threads` threads."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(path, options)


def onnx_field(session: onnxruntime.InferenceSession) -> Field:
    """The session as a velocity field on tensors."""
    return lambda x, t: torch.from_numpy(session.run(None, {"x": x.numpy(), "t": t.numpy()})[0])


def interval(flags: Tensor, seed: int = 0, resamples: int = 1000) -> tuple[float, float]:
    """Bootstrap percentile interval (2.5 to 97.5 %) of the mean of `flags`."""
    rng = np.random.default_rng(seed)
    picks = rng.integers(len(flags), size=(resamples, len(flags)))
    low, high = np.percentile(flags.numpy()[picks].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)


def save_sheet(path: Path, samples: Tensor, data: Tensor, columns: int = 16, rows: int = 4) -> None:
    """Contact sheet (PGM): each row of samples above the row of their nearest training images."""
    samples = samples[: rows * columns]
    nearest = data[torch.cdist(samples.flatten(1), data.flatten(1)).argmin(dim=1)]
    pairs = torch.stack([samples.view(rows, columns, 28, 28), nearest.view(rows, columns, 28, 28)], dim=1)
    sheet = pairs.permute(0, 1, 3, 2, 4).reshape(rows * 2 * 28, columns * 28)
    pixels = ((sheet + 1) * 127.5).round().clamp(0, 255).byte().numpy()
    path.write_bytes(b"P5 %d %d 255\n" % pixels.shape[::-1] + pixels.tobytes())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", type=Path, required=True, help="folder with the networks and subsets")
    parser.add_argument("--samples", type=int, default=512)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sheet", type=Path, help="write a contact sheet of the baseline (PGM)")
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    data = torch.from_numpy(to_unit_range(read_idx(args.assets / "train-images-idx3-ubyte.gz")))
    field = onnx_field(onnx_session(args.assets / "velocity.onnx", args.threads))
    classifier = onnx_session(args.assets / "classifier.onnx", args.threads)
    generator = torch.Generator().manual_seed(args.seed)
    noise = torch.randn((args.samples, *data.shape[1:]), generator=generator)

    baseline = None
    for name, (launch, landing) in GAINS.items():
        batches = [
            sample_euler(field, part, args.steps, kts_gain(launch, landing)) for part in noise.split(64)
        ]
        samples = torch.cat(batches)
        memorized = (gap_ratio(samples, data) < 1 / 3).double()
        logits = torch.from_numpy(classifier.run(["logits"], {"x": samples.numpy()})[0])
        confidence = logits.softmax(dim=1).amax(dim=1).mean().item()
        if baseline is None:
            baseline = memorized
            if args.sheet:
                save_sheet(args.sheet, samples, data)
        low, high = interval(memorized)
        changed = (memorized != baseline).double().mean().item()
        print(
            f"{name:14} F_mem {memorized.mean():.3f} [{low:.3f}, {high:.3f}]  n {len(samples)}"
            f"  confidence {confidence:.3f}  changed {changed:.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
