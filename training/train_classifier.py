"""Train the Fashion-MNIST classifier on the full training set and export it to ONNX."""

import argparse
import time
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from export import export_onnx
from idx import read_idx, to_unit_range
from model import Classifier


def load(folder: Path, part: str) -> tuple[Tensor, Tensor]:
    """Images in [-1, 1] and labels of `train` or `t10k`."""
    images = to_unit_range(read_idx(folder / f"{part}-images-idx3-ubyte.gz"))
    labels = read_idx(folder / f"{part}-labels-idx1-ubyte.gz")
    return torch.from_numpy(images), torch.from_numpy(labels.astype("int64"))


def augment(images: Tensor) -> Tensor:
    """Mirror half of the images and shift the batch by up to one pixel each way."""
    mirrored = torch.where(torch.rand(len(images), 1, 1, 1) < 0.5, images.flip(3), images)
    dy, dx = (int(v) for v in torch.randint(0, 3, (2,)))
    return F.pad(mirrored, (1, 1, 1, 1), value=-1.0)[:, :, dy : dy + 28, dx : dx + 28]


@torch.no_grad()
def accuracy(model: Classifier, images: Tensor, labels: Tensor) -> float:
    """Share of correct top-1 predictions."""
    model.eval()
    hits = [
        (model(x)[0].argmax(1) == y).sum()
        for x, y in zip(images.split(500), labels.split(500), strict=True)
    ]
    return torch.stack(hits).sum().item() / len(images)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the four IDX.gz files")
    parser.add_argument("--out", type=Path, required=True, help="the ONNX file to write")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--lr", type=float, default=4e-3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    images, labels = load(args.data, "train")
    test_images, test_labels = load(args.data, "t10k")
    model = Classifier()
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.01)
    steps = args.epochs * (len(images) // args.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, args.lr, total_steps=steps)
    started = time.monotonic()
    for epoch in range(args.epochs):
        model.train()
        order = torch.randperm(len(images))[: len(images) // args.batch * args.batch]
        for pick in order.split(args.batch):
            logits, _ = model(augment(images[pick]))
            loss = F.cross_entropy(logits, labels[pick], label_smoothing=0.02)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
        score = accuracy(model, test_images, test_labels)
        print(f"epoch {epoch + 1}: t10k accuracy {score:.4f}, {time.monotonic() - started:.0f} s", flush=True)

    export_onnx(model, {"x": test_images[:7]}, ["logits", "features"], args.out)


if __name__ == "__main__":
    main()
