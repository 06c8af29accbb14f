"""PyTorch models as ONNX files that the core runs."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ._kinepath import KinepathError, ModelError
from .fields import Engine, OnnxField

if TYPE_CHECKING:
    import torch

    Example = tuple[torch.Tensor, torch.Tensor] | tuple[torch.Tensor, torch.Tensor, torch.Tensor]

NAMES = ("x", "t", "y")
"""What the inputs are called in the file: the names by which the core knows their roles."""

BATCHES = (1, 5)
"""Numbers of rows that an exported file is tried with; neither is the exporter's own."""


def export_onnx(
    model: torch.nn.Module,
    example: Example,
    path: str | os.PathLike[str],
    *,
    engine: Engine = "auto",
    tolerance: float = 1e-4,
    seed: int = 0,
) -> None:
    """Writes ``model`` as an ONNX file for :class:`kinepath.OnnxField` and the program.

    The file takes any number of rows. It holds its weights up to 1.5 GiB of them; those of a larger
    network lie beside it, in ``….onnx.data``, and the two belong together. Files of these names
    are replaced. Before they get them, the network is run by the core on random states, times and
    labels of the example, and compared with the model. A network of another convention is exported
    as it is; ``OnnxField(path, predicts=…, time=…)`` converts it.

    By ``torch.onnx.export`` with ``dynamo=True``, which needs the package ``onnxscript``. The
    model is exported in evaluation mode, and left as it was.

    Args:
        model: a module called as ``model(x, t)`` or ``model(x, t, labels)`` that returns a tensor
            like ``x``; for another form, wrap it in one.
        example: states ``[B, *shape]`` float32, times ``[B]`` of fractions or integers, and for a
            conditional model labels ``[B]`` int64, all on the model's device.
        path: the file to write, ``….onnx``.
        engine: what has to run the file; with ``auto`` any engine that can.
        tolerance: the largest difference that passes, relative to the largest velocity or to 1.
        seed: the seed of the inputs of the comparison.

    Raises:
        ImportError: without PyTorch or onnxscript.
        KinepathError: for what is no module, an example that does not fit, another extension, or a
            name that a folder has.
        ModelError: for a network that the core cannot run, or runs to other velocities, with the
            largest difference; nothing is written then. What the exporter raises is raised as it
            is.
    """
    _require("torch", "onnxscript")
    from tempfile import TemporaryDirectory

    import torch

    path = Path(path)
    if path.suffix != ".onnx":
        raise KinepathError(f"the file must be called ….onnx, got {path.name}")
    for taken in (path, path.with_name(f"{path.name}.data")):
        if taken.is_dir():
            raise KinepathError(f"{taken} is a folder: give the network another name, or remove it")
    _check(example)
    inputs = tuple(torch.cat([value, value]) for value in example)
    # Only the states name the axis that all share: naming it again draws a warning. With no largest
    # size PyTorch 2.6 refuses it, as unproven to be other than 2⁶³ − 1.
    batch = [torch.export.Dim("batch", max=2**31 - 1), *[torch.export.Dim.DYNAMIC for _ in inputs[1:]]]
    if not isinstance(model, torch.nn.Module):
        raise KinepathError(
            f"the model must be a torch.nn.Module, got {type(model).__name__}: make a module whose "
            "forward(x, t) calls it"
        )
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        with TemporaryDirectory(dir=path.parent) as folder:
            written = Path(folder, path.name)
            torch.onnx.export(
                model,
                inputs,
                written,
                input_names=list(NAMES[: len(inputs)]),
                output_names=["velocity"],
                dynamic_shapes=tuple({0: axis} for axis in batch),
                external_data=False,
                dynamo=True,
                verbose=False,
            )
            random = torch.Generator().manual_seed(seed)
            _compare(model, inputs, (written, engine), tolerance, random)
            _put(written, path)
    finally:
        for module, training in modes.items():
            module.training = training


def _put(written: Path, path: Path) -> None:
    """Moves a network, alone in its folder, and the weights that the exporter put beside it.

    The network tells the names of those files, which they keep.
    """
    weights = [file for file in written.parent.iterdir() if file != written]
    if weights:
        # With the weights of another network, the one that is there would open and be wrong.
        path.unlink(missing_ok=True)
    for file in [*weights, written]:
        file.replace(path.with_name(file.name))


def _require(*packages: str) -> None:
    for package in packages:
        try:
            importlib.import_module(package)
        except ModuleNotFoundError as error:
            raise ImportError(
                f"export_onnx needs {package}: pip install {' '.join(packages)}"
            ) from error


def _check(example: Example) -> None:
    """Refuses an example that no network of the core takes."""
    import torch

    if len(example) not in (2, 3) or not all(isinstance(v, torch.Tensor) for v in example):
        raise KinepathError("the example must be tensors (x, t) or (x, t, labels)")
    x, rows = example[0], example[1:]
    if x.ndim < 2 or len(x) == 0:
        first = ": they come first, (x, t)" if rows[0].ndim >= 2 else ""
        raise KinepathError(
            f"states must be [B, …], with a row and an axis beside that of rows, got {x.dtype} of "
            f"shape {list(x.shape)}{first}"
        )
    if x.dtype != torch.float32:
        raise KinepathError(
            f"states must be float32, got {x.dtype}; the core runs networks in float32, so export "
            "model.float()"
        )
    for name, row in zip(("times", "labels"), rows):
        if row.shape != (len(x),):
            raise KinepathError(f"{name} must have shape [{len(x)}], got {list(row.shape)}")
    if len(rows) == 2 and rows[1].dtype not in (torch.int32, torch.int64):
        raise KinepathError(f"labels must be integers, got {rows[1].dtype}")


def _compare(
    model: Callable[..., torch.Tensor],
    example: tuple[torch.Tensor, ...],
    file: tuple[Path, Engine],
    tolerance: float,
    random: torch.Generator,
) -> None:
    """Runs the file on inputs that the exporter has not seen."""
    import torch

    from .torch.model import called

    x, t, *labels = example
    # Scaled so that the network gets the example's times, beyond 1 as they may be.
    largest = max(1.0, float(t.max()))
    path, engine = file
    field = OnnxField(path, time=f"scaled:{largest!r}", engine=engine)
    for batch in BATCHES:
        states = torch.randn(batch, *x.shape[1:], generator=random)
        rows = torch.randint(len(x), (batch,), generator=random)
        times = t.cpu()[rows]
        if times.is_floating_point():
            times = times * torch.rand(batch, generator=random)
        chosen = [label.cpu()[rows] for label in labels]
        with torch.no_grad():
            expected = called(
                model,
                states.to(x.device),
                times.to(x.device),
                chosen[0].to(x.device) if chosen else None,
            )
        actual = field.velocity(
            states.numpy(),
            times.double().numpy() / largest,
            chosen[0].tolist() if chosen else None,
        )
        wanted = expected.cpu().numpy()
        difference = np.abs(actual - wanted).max()
        # Written so that NaN fails.
        if not difference <= tolerance * max(1.0, np.abs(wanted).max()):
            raise ModelError(
                f"the exported network differs from the model by up to {difference:.3g} on "
                f"{batch} random states; nothing was written"
            )
