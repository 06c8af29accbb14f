"""Train the velocity U-Net to the edge of memorization of a small training set.

The regression target is the closed-form posterior mean of the training set at the sampled (x_t, t),
which is what the noisy target `x1` averages to: the same minimiser with far less gradient noise.
Training stops once the memorized share F_mem reaches `--stop-at`. A run resumes from its checkpoint.
"""

import argparse
import copy
import json
import math
import time
from pathlib import Path

import torch
from torch import Tensor

from flow import gap_ratio, posterior_mean, sample_euler
from idx import read_idx, to_unit_range
from model import VelocityUNet
from muon import Muon


def sample_times(count: int, mean: float, std: float) -> Tensor:
    """Logit-normal times in (0, 1)."""
    return torch.sigmoid(mean + std * torch.randn(count)).clamp(max=0.999)


def learning_rate(step: int, args: argparse.Namespace) -> float:
    """Linear warm-up, then half a cosine down to a twentieth of the peak at `--steps`."""
    warmup = min(1.0, (step + 1) / args.warmup)
    progress = min(1.0, step / args.steps)
    return args.lr * warmup * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * progress)))


def train_step(model: VelocityUNet, images: Tensor, args: argparse.Namespace) -> Tensor:
    """Velocity loss of one batch, with the gap 1 - t clamped from below in the weight."""
    x1 = images[torch.randint(len(images), (args.batch,))]
    t = sample_times(args.batch, args.t_mean, args.t_std)
    tb = t[:, None, None, None]
    x = (1 - tb) * torch.randn_like(x1) + tb * x1
    target = posterior_mean(x.flatten(1), t, images.flatten(1)).view_as(x)
    with torch.autocast("cpu", torch.bfloat16, enabled=args.bf16):
        prediction = model.predict_data(x, t)
    error = (prediction.float() - target).square().mean(dim=(1, 2, 3))
    return (error / (1 - t).clamp(min=args.loss_gap).square()).mean()


def evaluate(model: VelocityUNet, images: Tensor, count: int, bf16: bool) -> dict[str, float]:
    """F_mem and gap-ratio quantiles of `count` samples (50 Euler steps); data-prediction errors."""
    generator = torch.Generator().manual_seed(1)
    noise = torch.randn((count, *images.shape[1:]), generator=generator)
    pick = images[torch.randint(len(images), (count,), generator=generator)]
    row: dict[str, float] = {}
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        for level in (0.2, 0.4, 0.6, 0.9):
            t = torch.full((count,), level)
            x = (1 - level) * noise + level * pick
            target = posterior_mean(x.flatten(1), t, images.flatten(1)).view_as(x)
            error = (model.predict_data(x, t).float() - target).square().mean().sqrt()
            row[f"rmse_{level}"] = round(error.item(), 4)
        samples = sample_euler(lambda x, t: model(x, t).float(), noise)
    ratio = gap_ratio(samples, images)
    row["f_mem"] = (ratio < 1 / 3).double().mean().item()
    for quantile in (25, 50):
        row[f"gap_q{quantile}"] = round(ratio.quantile(quantile / 100).item(), 4)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, required=True, help="training images, IDX.gz")
    parser.add_argument("--run", type=Path, required=True, help="folder for checkpoints and log.jsonl")
    parser.add_argument("--steps", type=int, default=7000, help="length of the learning-rate schedule")
    parser.add_argument("--stop-at", type=float, default=0.4, help="stop once F_mem reaches this")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--lr", type=float, default=4e-3)
    parser.add_argument("--warmup", type=int, default=200)
    parser.add_argument("--ema", type=float, default=0.999)
    parser.add_argument("--t-mean", type=float, default=-0.4, help="mean of logit t")
    parser.add_argument("--t-std", type=float, default=1.2, help="standard deviation of logit t")
    parser.add_argument("--loss-gap", type=float, default=0.05, help="smallest 1 - t in the loss weight")
    parser.add_argument("--hidden", type=int, default=384)
    parser.add_argument("--outer-blocks", type=int, default=1)
    parser.add_argument("--inner-blocks", type=int, default=2)
    parser.add_argument("--evaluate-every", type=int, default=200)
    parser.add_argument("--evaluate-samples", type=int, default=128)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction, default=True)
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    images = torch.from_numpy(to_unit_range(read_idx(args.images)))
    shape = {"hidden": args.hidden, "outer_blocks": args.outer_blocks, "inner_blocks": args.inner_blocks}
    model = VelocityUNet(**shape)
    average = copy.deepcopy(model).requires_grad_(False)
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    optimizers = [Muon(matrices, args.lr), torch.optim.Adam(vectors, args.lr, betas=(0.9, 0.99))]
    step, seconds = 0, 0.0
    args.run.mkdir(parents=True, exist_ok=True)
    checkpoint = args.run / "last.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint)
        model.load_state_dict(state["model"])
        average.load_state_dict(state["average"])
        for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        torch.set_rng_state(state["rng"])
        step, seconds = state["step"], state["seconds"]

    started, running = time.monotonic() - seconds, 0.0
    while step < args.steps:
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(step, args)
        loss = train_step(model, images, args)
        model.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
        step += 1
        decay = min(args.ema, (1 + step) / (10 + step))
        with torch.no_grad():
            torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 1 - decay)
        running += loss.item() / args.evaluate_every
        if step % args.evaluate_every:
            continue

        row = {"step": step, "seconds": round(time.monotonic() - started), "loss": round(running, 4)}
        row |= evaluate(average, images, args.evaluate_samples, args.bf16)
        with (args.run / "log.jsonl").open("a") as log:
            log.write(json.dumps(row) + "\n")
        print(json.dumps(row), flush=True)
        running = 0.0
        state = {
            "step": step,
            "seconds": time.monotonic() - started,
            "model": model.state_dict(),
            "average": average.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in optimizers],
            "rng": torch.get_rng_state(),
            "shape": shape,
        }
        for target in (checkpoint, args.run / f"step-{step:06}.pt"):
            partial = target.with_suffix(".partial")
            torch.save(state, partial)
            partial.replace(target)
        if row["f_mem"] >= args.stop_at:
            break


if __name__ == "__main__":
    main()
