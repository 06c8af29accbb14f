"""ONNX exports: read by the program, run by the core, and refused where they are wrong."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from networks import TinyUNet
from torch import Tensor
from torch.onnx._internal.exporter import _onnx_program

import kinepath as kp

SHAPE = (1, 8, 8)
EXAMPLE = (torch.zeros(1, *SHAPE), torch.tensor([0.5]))


def test_a_labelled_network_is_exported_for_any_batch(tmp_path: Path) -> None:
    network, path = TinyUNet(classes=4), tmp_path / "network.onnx"
    network.fine.eval()
    kp.export_onnx(network, (*EXAMPLE, torch.tensor([3])), path)
    assert [p.name for p in tmp_path.iterdir()] == ["network.onnx"]
    assert network.training and not network.fine.training
    graph = onnx.load(path).graph
    assert [port.name for port in graph.input] == ["x", "t", "y"]
    assert [port.name for port in graph.output] == ["velocity"]
    field = kp.OnnxField(path)
    assert field.shape == list(SHAPE) and field.labelled
    x, t, labels = kp.noise(0, 7, SHAPE), np.linspace(0, 1, 7), [0, 1, 2, 3, 0, 1, 2]
    with torch.no_grad():
        expected = network(torch.from_numpy(x), torch.from_numpy(t).float(), torch.tensor(labels))
    np.testing.assert_allclose(field.velocity(x, t, labels), expected, atol=1e-5)
    paths = kp.sample(field, x, kp.Plan(5, "heun"), labels=labels)
    assert len(paths) == 7


def test_weights_that_the_file_cannot_hold_lie_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, network, path = TinyUNet(width=4), TinyUNet(), tmp_path / "network.onnx"
    torch.nn.init.ones_(other.enter.weight)
    with torch.no_grad():
        x, t = kp.noise(0, 3, SHAPE), np.linspace(0, 1, 3)
        expected = network(torch.from_numpy(x), torch.from_numpy(t).float())
    monkeypatch.setattr(_onnx_program, "_LARGE_MODEL_THRESHOLD", 0)
    for exported in (other, network):
        kp.export_onnx(exported, EXAMPLE, path)
        assert sorted(p.name for p in tmp_path.iterdir()) == ["network.onnx", "network.onnx.data"]
    np.testing.assert_allclose(kp.OnnxField(path).velocity(x, t), expected, atol=1e-5)


@pytest.mark.parametrize("taken", ["network.onnx", "network.onnx.data"])
def test_the_name_of_a_folder_is_refused(tmp_path: Path, taken: str) -> None:
    (tmp_path / taken).mkdir()
    with pytest.raises(kp.KinepathError, match=f"{taken} is a folder"):
        kp.export_onnx(TinyUNet(), EXAMPLE, tmp_path / "network.onnx")
    assert [p.name for p in tmp_path.iterdir()] == [taken]


def test_a_network_of_flat_samples_and_discrete_time(tmp_path: Path) -> None:
    class Discrete(torch.nn.Module):
        """Predicts noise at one of 1000 times."""

        def __init__(self) -> None:
            super().__init__()
            self.embedding = torch.nn.Embedding(1000, 6)

        def forward(self, x: Tensor, t: Tensor) -> Tensor:
            shift: Tensor = self.embedding(t)
            return torch.tanh(x) * shift

    network, path = Discrete(), tmp_path / "discrete.onnx"
    kp.export_onnx(network, (torch.zeros(3, 6), torch.tensor([0, 500, 999])), path)
    field = kp.OnnxField(path, predicts="noise", time="discrete:1000")
    assert len(kp.sample(field, kp.noise(0, 2, (6,)), kp.Plan(kp.Grid([0.1, 0.5, 1.0])))) == 2


def test_an_export_that_differs_is_not_written(tmp_path: Path) -> None:
    class Forgetful(torch.nn.Module):
        """Behaves otherwise while it is exported."""

        def forward(self, x: Tensor, t: Tensor) -> Tensor:
            return x if torch.compiler.is_compiling() else 2.0 * x

    with pytest.raises(kp.ModelError, match=r"differs from the model by up to [1-9]"):
        kp.export_onnx(Forgetful(), EXAMPLE, tmp_path / "network.onnx")
    assert list(tmp_path.iterdir()) == []


def test_an_operator_that_the_core_lacks_is_named_and_nothing_written(tmp_path: Path) -> None:
    class Determinant(torch.nn.Module):
        def forward(self, x: Tensor, t: Tensor) -> Tensor:
            determinant: Tensor = torch.linalg.det(x)
            return x * determinant[..., None, None]

    with pytest.raises(kp.ModelError, match="operator Det cannot be run"):
        kp.export_onnx(Determinant(), EXAMPLE, tmp_path / "network.onnx", engine="rten")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("example", "name", "words"),
    [
        (EXAMPLE, "network.pt", "called ….onnx, got network.pt"),
        (EXAMPLE[:1], "a.onnx", r"\(x, t\) or \(x, t, labels\)"),
        ((EXAMPLE[0].half(), EXAMPLE[1]), "a.onnx", "float32, got torch.float16; .* export model.float"),
        ((torch.zeros(3), EXAMPLE[1]), "a.onnx", r"of shape \[3\]$"),
        (EXAMPLE[::-1], "a.onnx", r"of shape \[1\]: they come first, \(x, t\)"),
        ((EXAMPLE[0], torch.tensor(0.5)), "a.onnx", r"times must have shape \[1\], got \[\]"),
        ((*EXAMPLE, torch.ones(2).long()), "a.onnx", r"labels must have shape \[1\], got \[2\]"),
        ((*EXAMPLE, torch.ones(1)), "a.onnx", "labels must be integers, got torch.float32"),
    ],
)
def test_what_cannot_be_exported_is_named(
    tmp_path: Path, example: Any, name: str, words: str
) -> None:
    with pytest.raises(kp.KinepathError, match=words):
        kp.export_onnx(TinyUNet(classes=2), example, tmp_path / name)


def test_a_function_is_no_module(tmp_path: Path) -> None:
    function: Any = lambda x, t: -x  # noqa: E731
    with pytest.raises(kp.KinepathError, match=r"torch.nn.Module, got function: .* forward\(x, t\)"):
        kp.export_onnx(function, EXAMPLE, tmp_path / "network.onnx")


def test_an_absent_exporter_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(ImportError, match="needs onnxscript: pip install torch onnxscript"):
        kp.export_onnx(TinyUNet(), EXAMPLE, tmp_path / "network.onnx")
