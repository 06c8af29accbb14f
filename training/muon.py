"""Muon: momentum whose matrices are orthogonalised before they are applied (Jordan et al., 2024)."""

from collections.abc import Iterable

import torch
from torch import Tensor


def orthogonalize(matrix: Tensor, iterations: int = 5) -> Tensor:
    """Approximate the nearest semi-orthogonal matrix by a quintic Newton-Schulz iteration."""
    a, b, c = 3.4445, -4.7750, 2.0315
    wide = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    y = (wide / (wide.norm() + 1e-7)).bfloat16()
    for _ in range(iterations):
        gram = y @ y.T
        y = a * y + (b * gram + c * gram @ gram) @ y
    return (y.T if matrix.shape[0] > matrix.shape[1] else y).to(matrix.dtype)


class Muon(torch.optim.Optimizer):
    """Muon for weights of rank 2 or more; a convolution's kernel counts as one [out, rest] matrix.

    Each update has a root mean square of about 0.2, that of Adam, so an Adam rate carries over.
    """

    def __init__(self, params: Iterable[Tensor], lr: float, momentum: float = 0.95) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            for p in group["params"]:
                buffer = self.state[p].setdefault("momentum", torch.zeros_like(p))
                buffer.lerp_(p.grad, 1 - group["momentum"])
                update = orthogonalize(p.grad.lerp(buffer, group["momentum"]).flatten(1))
                scale = 0.2 * max(update.shape) ** 0.5
                p.add_(update.view_as(p), alpha=-group["lr"] * scale)
