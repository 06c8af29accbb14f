"""Torch tensors as arguments of the functions on NumPy arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import kinepath as kp

MODELS = Path(__file__).parents[3] / "kinepath-onnx" / "tests" / "fixtures" / "models"
NOISE = torch.from_numpy(kp.noise(0, 4, (3,)))


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_further_inputs_may_be_tensors_of_any_kind(device: str) -> None:
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("needs an NVIDIA GPU")
    field = kp.OnnxField(MODELS / "text_to_image.onnx", time="scaled:1000")
    hidden = torch.randn(1, 7, 12, generator=torch.Generator().manual_seed(0)).bfloat16()
    inputs: dict[str, Any] = {
        "encoder_hidden_states": hidden.to(device),
        "encoder_attention_mask": (torch.arange(7) < 4).to(device),
        "pooled_projections": torch.ones(6, device=device, requires_grad=True),
    }
    arrays = {name: given.detach().float().cpu().numpy() for name, given in inputs.items()}
    arrays["encoder_attention_mask"] = arrays["encoder_attention_mask"].astype(np.int64)
    noise = kp.noise(0, 2, field.shape)
    paths = kp.sample(field, noise, kp.Plan(2), inputs=inputs)
    expected = kp.sample(field, noise, kp.Plan(2), inputs=arrays)
    np.testing.assert_array_equal(paths.endpoints, expected.endpoints)


def test_labels_seeds_and_indices_may_be_tensors(tmp_path: Path) -> None:
    labels: Any = torch.tensor([2, 0, 1, 1])
    run = kp.write_run(tmp_path, NOISE.bfloat16(), labels=labels)
    assert run.table()["label"].tolist() == [2, 0, 1, 1]
    seed: Any = torch.tensor(0)
    again = kp.noise(seed, torch.arange(4), torch.Size([3]))
    np.testing.assert_array_equal(again, NOISE.numpy())
    with pytest.raises(kp.KinepathError, match="labels are whole numbers, got 0.5 at position 2"):
        kp.write_run(tmp_path / "run", NOISE, labels=labels / 2)


def test_velocities_may_be_tensors_of_fractions() -> None:
    weight = torch.full((3,), -1.0, requires_grad=True)
    expected = kp.sample(lambda x, t: -x, NOISE, kp.Plan(4))
    for kind in (torch.float32, torch.float64):
        paths = kp.sample(
            lambda x, t: (torch.from_numpy(x) * weight).to(kind), NOISE, kp.Plan(4)
        )
        np.testing.assert_array_equal(paths.endpoints, expected.endpoints)
    for wrong in (torch.ones(4, 3).long(), torch.ones(4, 3) + 1j):
        with pytest.raises(kp.ModelError, match=f"got Tensor of {wrong.dtype}"):
            kp.sample(lambda x, t: wrong, NOISE, kp.Plan(4))
