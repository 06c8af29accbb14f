"""Export of a network to one self-contained ONNX file, checked against PyTorch."""

import collections
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn

OPSET = 17


def export_onnx(
    model: nn.Module, example: dict[str, Tensor], outputs: list[str], path: Path, tolerance: float = 1e-4
) -> None:
    """Write `model` to `path` with a dynamic first dimension `batch` and compare at batch 1 and 7.

    `example` maps input names to tensors of at least 7 rows. Prints the operators used.
    """
    model.eval()
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.onnx.export(
        model,
        tuple(value[:2] for value in example.values()),
        path,
        input_names=list(example),
        output_names=outputs,
        dynamic_axes={name: {0: "batch"} for name in [*example, *outputs]},
        opset_version=OPSET,
        external_data=False,
        dynamo=False,
    )
    graph = onnx.load(path)
    onnx.checker.check_model(graph, full_check=True)
    session = onnxruntime.InferenceSession(path)
    for batch in (1, 7):
        inputs = {name: value[:batch] for name, value in example.items()}
        with torch.no_grad():
            expected = model(*inputs.values())
        if isinstance(expected, Tensor):
            expected = (expected,)
        actual = session.run(outputs, {name: value.numpy() for name, value in inputs.items()})
        for name, want, got in zip(outputs, expected, actual, strict=True):
            error = np.abs(want.numpy() - got).max() / max(1.0, want.abs().max().item())
            if error > tolerance:
                raise RuntimeError(f"{path.name}: {name} differs by {error:.2e} at batch {batch}")
    histogram = collections.Counter(node.op_type for node in graph.graph.node)
    print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB,", dict(histogram.most_common()))
