"""Operator by operator, rten against ONNX Runtime: the same values, or a refusal when it is loaded.

Without a choice, what rten refuses runs on ONNX Runtime.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, numpy_helper, shape_inference
from onnx.helper import (
    make_graph,
    make_model,
    make_node,
    make_opsetid,
    make_tensor_value_info,
)

import kinepath as kp

BATCH = 3
RANDOM = np.random.default_rng(1)


def real(*shape: int) -> NDArray[np.float32]:
    return RANDOM.normal(size=shape).astype(np.float32)


def whole(*values: int) -> NDArray[np.int64]:
    return np.array(values, np.int64)


class Case(NamedTuple):
    """Nodes from ``x``, ``[BATCH, *shape]``, to ``y``, with their weights."""

    nodes: list[NodeProto]
    weights: dict[str, NDArray[Any]] = {}
    shape: tuple[int, ...] = (4, 8, 8)
    opset: int = 19


def one(operator: str, inputs: str = "", opset: int = 19, **told: Any) -> Case:
    """A case of one node; weights are among what is told, by the names in ``inputs``."""
    names = inputs.split(" ") if inputs else []
    weights = {name: told.pop(name) for name in names if name not in ("", "x")}
    shape = told.pop("shape", Case._field_defaults["shape"])
    return Case([make_node(operator, ["x", *names], ["y"], **told)], weights, shape, opset)


def resized(opset: int = 19, **told: Any) -> Case:
    shape = told.pop("shape", (4, 8, 8))
    factors = np.array([1, 1, *[told.pop("by", 1.5)] * (len(shape) - 1)], np.float32)
    node = make_node("Resize", ["x", "", "factors"], ["y"], **told)
    return Case([node], {"factors": factors}, shape, opset)


def quantised(padding: int, zero_point: int | None) -> Case:
    weights = RANDOM.integers(-100, 100, size=(4, 4, 3, 3)).astype(np.int8)
    more = {} if zero_point is None else {"zero": np.array(zero_point, np.int8)}
    nodes = [
        make_node("DynamicQuantizeLinear", ["x"], ["q", "scale", "point"]),
        make_node(
            "ConvInteger",
            ["q", "w", "point", *more],
            ["sums"],
            kernel_shape=[3, 3],
            pads=[padding] * 4,
            strides=[1, 1],
            dilations=[1, 1],
        ),
        make_node("Cast", ["sums"], ["floats"], to=TensorProto.FLOAT),
        make_node("Mul", ["floats", "scale"], ["y"]),
    ]
    return Case(nodes, {"w": weights, **more})


def of_cast(node: str, to: int, back: bool = True) -> Case:
    """The result of an operator in another type, and back in float32."""
    nodes = [make_node(node, ["x"], ["a"]), make_node("Cast", ["a"], ["b"], to=to)]
    return Case([*nodes, make_node("Cast", ["b"], ["y"], to=TensorProto.FLOAT)])


def mask(to: int) -> Case:
    """Numbers that are asked for nothing but whether they are 0."""
    nodes = [
        make_node("Floor", ["x"], ["a"]),
        make_node("Cast", ["a"], ["i"], to=to),
        make_node("Cast", ["i"], ["b"], to=TensorProto.BOOL),
        make_node("Not", ["b"], ["c"]),
        make_node("Where", ["c", "x", "a"], ["y"]),
    ]
    return Case(nodes)


KERNEL: dict[str, Any] = {"kernel_shape": [3, 3], "strides": [1, 1], "dilations": [1, 1]}
POOL: dict[str, Any] = {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}
MODES = ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric")
ROUNDING = ("floor", "ceil", "round_prefer_floor", "round_prefer_ceil")
FUNCTIONS = (
    "Abs Atan Ceil Cos Elu Erf Exp Floor HardSwish Mish Neg Relu Round Sigmoid Sign Sin Sinh Softplus "
    "Softsign Tanh"
).split()

CASES: dict[str, Case] = {
    # Convolutions.
    "conv": one("Conv", "w b", w=real(5, 4, 3, 3), b=real(5), pads=[0, 1, 2, 1], **KERNEL),
    "conv in groups": one("Conv", "w", w=real(4, 2, 3, 3), group=2, **KERNEL),
    "conv depth-wise": one("Conv", "w", w=real(4, 1, 3, 3), group=4, pads=[1] * 4, **KERNEL),
    "conv strided": one("Conv", "w", w=real(5, 4, 3, 3), **{**KERNEL, "strides": [2, 1]}),
    "conv dilated": one("Conv", "w", w=real(5, 4, 3, 3), **{**KERNEL, "dilations": [2, 2]}),
    "conv 1-D": one("Conv", "w", w=real(5, 4, 3), shape=(4, 16), kernel_shape=[3]),
    "conv 3-D": one("Conv", "w", w=real(2, 4, 3, 3, 3), shape=(4, 5, 5, 5), kernel_shape=[3] * 3),
    **{
        f"conv padded {pad}": one("Conv", "w", w=real(5, 4, 2, 2), auto_pad=pad, kernel_shape=[2, 2])
        for pad in ("SAME_UPPER", "SAME_LOWER")
    },
    "conv of no told shape": one("Conv", "w", w=real(5, 4, 3, 3), pads=[1] * 4),
    "conv transposed": one(
        "ConvTranspose",
        "w",
        w=real(4, 5, 3, 3),
        pads=[0, 1, 2, 1],
        output_padding=[1, 1],
        **{**KERNEL, "strides": [2, 2]},
    ),
    "conv transposed in groups": one("ConvTranspose", "w", w=real(4, 2, 3, 3), group=2, **KERNEL),
    "conv transposed 3-D": one(
        "ConvTranspose", "w", w=real(4, 2, 2, 2, 2), shape=(4, 3, 3, 3), kernel_shape=[2] * 3
    ),
    "conv of bytes": quantised(0, None),
    "conv of bytes with a zero point": quantised(0, 5),
    "conv of bytes, padded": quantised(1, 0),
    # Pooling.
    "average": one("AveragePool", **POOL),
    "average with padding": one("AveragePool", count_include_pad=1, **POOL),
    "average rounded up": one("AveragePool", ceil_mode=1, kernel_shape=[3, 3], strides=[2, 2]),
    "average of unit strides": one("AveragePool", kernel_shape=[3, 3]),
    "average 3-D": one("AveragePool", kernel_shape=[2] * 3, strides=[2] * 3, shape=(2, 4, 4, 4)),
    "maximum": one("MaxPool", **POOL),
    "maximum rounded up": one("MaxPool", ceil_mode=1, kernel_shape=[3, 3], strides=[2, 2]),
    "maximum dilated": one("MaxPool", kernel_shape=[3, 3], strides=[1, 1], dilations=[2, 2]),
    "global average": one("GlobalAveragePool"),
    # Sizes.
    **{
        f"resize linear {mode} by {by}": resized(
            mode="linear", coordinate_transformation_mode=mode, by=by
        )
        for mode in MODES
        for by in (0.5, 1.5, 2)
    },
    **{
        f"resize nearest {mode} {rounding} by {by}": resized(
            mode="nearest", coordinate_transformation_mode=mode, nearest_mode=rounding, by=by
        )
        for mode in MODES
        for rounding in ROUNDING
        for by in (0.5, 1.5, 2)
    },
    "resize cubic": resized(mode="cubic", by=2),
    "resize smoothly": resized(mode="linear", antialias=1, by=0.5),
    "resize 3-D": resized(mode="nearest", by=2, shape=(2, 4, 4, 4)),
    **{
        f"pad {mode}": one("Pad", "p", p=whole(0, 0, 3, 3, 0, 0, 2, 1), mode=mode)
        for mode in ("constant", "reflect", "edge", "wrap")
    },
    "pad by less than nothing": one("Pad", "p", p=whole(0, 0, -2, 0, 0, 0, 0, -1)),
    "pad one axis": one("Pad", "p  axes", p=whole(1, 1), axes=whole(3)),
    **{f"depth to space {mode}": one("DepthToSpace", blocksize=2, mode=mode) for mode in ("DCR", "CRD")},
    "space to depth": one("SpaceToDepth", blocksize=2),
    **{
        f"grid sample {mode} {padding} {corners}": Case(
            [
                make_node("Slice", ["x", "from", "to", "channels"], ["a"]),
                make_node("Transpose", ["a"], ["grid"], perm=[0, 2, 3, 1]),
                make_node(
                    "GridSample", ["x", "grid"], ["y"], mode=mode, padding_mode=padding, align_corners=corners
                ),
            ],
            {"from": whole(0), "to": whole(2), "channels": whole(1)},
            opset=20,
        )
        for mode in ("linear", "nearest", "cubic")
        for padding in ("zeros", "border", "reflection")
        for corners in (0, 1)
    },
    # Normalisation.
    "group norm by group": one("GroupNormalization", "s b", 19, s=real(2), b=real(2), num_groups=2),
    "group norm": one("GroupNormalization", "s b", 21, s=real(4), b=real(4), num_groups=2),
    "instance norm": one("InstanceNormalization", "s b", s=real(4), b=real(4), epsilon=0.1),
    "batch norm": one(
        "BatchNormalization", "s b m v", s=real(4), b=real(4), m=real(4), v=real(4) ** 2, epsilon=0.1
    ),
    "layer norm": one("LayerNormalization", "s", s=real(8), axis=-1, epsilon=0.5),
    "layer norm of a picture": one("LayerNormalization", "s", s=real(4, 8, 8), axis=1),
    "RMS norm": one("RMSNormalization", "s", 23, s=real(8), axis=-1, epsilon=0.1),
    "RMS norm of a picture": one("RMSNormalization", "s", 23, s=real(8, 8), axis=2),
    "norm of length 1": one("LpNormalization", axis=1, p=1),
    **{
        f"{name} over {axis}, version {opset}": one(name, opset=opset, axis=axis)
        for name in ("Softmax", "LogSoftmax")
        for axis, opset in ((1, 11), (3, 11), (-1, 11), (1, 13), (2, 13))
    },
    # Attention.
    "attention": one("Attention", "x x", 23),
    "attention of the past": one("Attention", "x x", 23, is_causal=1),
    "attention scaled": one("Attention", "x x", 23, scale=0.5, softcap=1.0),
    "attention masked": one("Attention", "x x m", 23, m=real(8, 8)),
    "rotary": one("RotaryEmbedding", "c s", 23, c=real(BATCH, 8, 4), s=real(BATCH, 8, 4)),
    "rotary, interleaved": one(
        "RotaryEmbedding", "c s", 23, c=real(BATCH, 8, 4), s=real(BATCH, 8, 4), interleaved=1
    ),
    # Functions.
    **{name: one(name) for name in FUNCTIONS},
    "celu": one("Celu", alpha=0.5),
    "elu of another slope": one("Elu", alpha=0.5),
    "hard sigmoid": one("HardSigmoid", alpha=0.3, beta=0.4),
    "leaky relu": one("LeakyRelu", alpha=0.3),
    "prelu": one("PRelu", "slope", slope=real(4, 1, 1)),
    "thresholded relu": one("ThresholdedRelu", alpha=0.5),
    "gelu": one("Gelu", "", 20),
    "gelu by tanh": one("Gelu", "", 20, approximate="tanh"),
    "clip from above": one("Clip", " high", high=np.array(0.3, np.float32)),
    "power": Case(
        [make_node("Abs", ["x"], ["a"]), make_node("Pow", ["a", "p"], ["y"])],
        {"p": np.array(1.5, np.float32)},
    ),
    "remainder": one("Mod", "m", m=np.array(0.7, np.float32), fmod=1),
    "remainder of integers": Case(
        [
            make_node("Mul", ["x", "ten"], ["a"]),
            make_node("Cast", ["a"], ["i"], to=TensorProto.INT64),
            make_node("Div", ["i", "three"], ["d"]),
            make_node("Mod", ["i", "three"], ["m"]),
            make_node("Add", ["d", "m"], ["s"]),
            make_node("Cast", ["s"], ["y"], to=TensorProto.FLOAT),
        ],
        {"ten": np.array(10, np.float32), "three": np.array(3, np.int64)},
    ),
    # Sums and choices.
    **{
        name: one(name, "axes", 18, axes=whole(1, 3), keepdims=keep)
        for name, keep in (
            ("ReduceL1", 1),
            ("ReduceL2", 0),
            ("ReduceLogSumExp", 1),
            ("ReduceMax", 0),
            ("ReduceMean", 1),
            ("ReduceMin", 0),
            ("ReduceProd", 1),
            ("ReduceSum", 0),
            ("ReduceSumSquare", 1),
        )
    },
    "cumulated": one("CumSum", "axis", axis=np.array(3, np.int64), exclusive=1, reverse=1),
    "triangle": one("Trilu", "k", k=np.array(-1, np.int64), upper=0),
    "largest": Case(
        [
            make_node("TopK", ["x", "k"], ["v", "i"], axis=2, largest=0),
            make_node("Cast", ["i"], ["c"], to=TensorProto.FLOAT),
            make_node("Add", ["v", "c"], ["y"]),
        ],
        {"k": whole(5)},
    ),
    "place of the largest": Case(
        [
            make_node("ArgMax", ["x"], ["i"], axis=3, keepdims=0),
            make_node("Cast", ["i"], ["y"], to=TensorProto.FLOAT),
        ]
    ),
    "gathered from the end": one("Gather", "i", i=whole(-1, 0, -2, 1), axis=1),
    "sum of products": one("Einsum", "x", equation="bchw,bdhw->bcd"),
    "matrix product": Case(
        [
            make_node("Flatten", ["x"], ["a"]),
            make_node("Gemm", ["a", "w", "b"], ["y"], alpha=0.5, beta=2.0, transB=1),
        ],
        {"w": real(7, 256), "b": real(7)},
    ),
    "recurrent": Case(
        [
            make_node("ReduceMean", ["x", "axes"], ["means"], keepdims=0),
            make_node("Transpose", ["means"], ["a"], perm=[1, 0, 2]),
            make_node("GRU", ["a", "w", "r"], ["", "h"], hidden_size=5, linear_before_reset=1),
            make_node("Transpose", ["h"], ["y"], perm=[1, 0, 2]),
        ],
        {"axes": whole(2), "w": real(1, 15, 8), "r": real(1, 15, 5)},
    ),
    # Types.
    "integers": of_cast("Identity", TensorProto.INT64),
    "bytes": of_cast("Abs", TensorProto.UINT8),
    "truths": of_cast("Floor", TensorProto.BOOL),
    "truths of fractions": of_cast("Identity", TensorProto.BOOL),
    "a mask of integers": mask(TensorProto.INT64),
    "a mask of floats": mask(TensorProto.FLOAT),
    "quantised": Case(
        [
            make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
            make_node("DequantizeLinear", ["q", "s", "z"], ["y"]),
        ],
        {"s": np.array(0.05, np.float32), "z": np.array(3, np.int8)},
    ),
}

REFUSED = {
    *(name for name in CASES if name.startswith("grid sample") and "linear zeros" not in name),
    "a mask of floats",
    "average 3-D",
    "average of unit strides",
    "celu",
    "conv 3-D",
    "conv of bytes",
    "conv of bytes with a zero point",
    "conv of bytes, padded",
    "conv of no told shape",
    "conv padded SAME_LOWER",
    "conv transposed 3-D",
    "group norm",
    "group norm by group",
    "LogSoftmax over 1, version 11",
    "maximum dilated",
    "Mish",
    "pad one axis",
    "resize 3-D",
    "resize cubic",
    "resize smoothly",
    "Softmax over 1, version 11",
    "space to depth",
    "thresholded relu",
    "truths",
    "truths of fractions",
}
"""What rten refuses: what it lacks, or would compute otherwise."""


def written(case: Case, path: Path) -> Path:
    """A network whose velocity depends on every value of ``y``."""
    x = make_tensor_value_info("x", TensorProto.FLOAT, [BATCH, *case.shape])
    t = make_tensor_value_info("t", TensorProto.FLOAT, [BATCH])
    graph = make_graph(
        case.nodes,
        "case",
        [x, t],
        [make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in case.weights.items()],
    )
    model = make_model(graph, opset_imports=[make_opsetid("", case.opset)], ir_version=9)
    inferred = shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    axes = [axis.dim_value for axis in inferred.graph.output[0].type.tensor_type.shape.dim]
    # Of some functions that keep the shape, nothing is inferred.
    length = int(np.prod(axes[1:] or case.shape))
    graph.node.extend(
        [
            make_node("Reshape", ["y", "as rows"], ["rows"]),
            make_node("MatMul", ["rows", "mix"], ["mixed"]),
            make_node("Reshape", ["mixed", "as pictures"], ["pictures"]),
            make_node("Reshape", ["t", "as scalars"], ["times"]),
            make_node("Add", ["pictures", "times"], ["velocity"]),
        ]
    )
    size = int(np.prod(case.shape))
    mix = np.random.default_rng(2).normal(size=(length, size)) / np.sqrt(length)
    for name, value in {
        "as rows": whole(BATCH, length),
        "mix": mix.astype(np.float32),
        "as pictures": whole(BATCH, *case.shape),
        "as scalars": whole(BATCH, *[1] * len(case.shape)),
    }.items():
        graph.initializer.append(numpy_helper.from_array(value, name))
    del graph.output[:]
    graph.output.append(make_tensor_value_info("velocity", TensorProto.FLOAT, [BATCH, *case.shape]))
    onnx.save(make_model(graph, opset_imports=[make_opsetid("", case.opset)], ir_version=9), path)
    return path


@pytest.mark.parametrize("name", CASES)
def test_rten_computes_as_onnxruntime_or_refuses(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    path = written(case, tmp_path / "case.onnx")
    x = np.random.default_rng(3).normal(size=(BATCH, *case.shape)).astype(np.float32)
    times = np.linspace(0, 1, BATCH)
    # What rten does not refuse must run on it, and the rest without a choice.
    other: Literal["rten", "auto"] = "rten"
    if name in REFUSED:
        with pytest.raises(kp.ModelError, match="cannot be run"):
            kp.OnnxField(path, engine="rten")
        other = "auto"
    fields = (kp.OnnxField(path, engine=engine) for engine in (other, "ort"))
    actual, ort = (field.velocity(x, times) for field in fields)
    np.testing.assert_allclose(actual, ort, rtol=1e-4, atol=1e-4 * np.abs(ort).max())
