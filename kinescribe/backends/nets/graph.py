"""TFLite graphs made lighter before they are loaded: outputs that nobody asks for, weights in 8 bits.

Where LiteRT does not ship the file format's schema a graph comes back as it was: that costs time, never precision.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np
from jaxtyping import Float

WIDENING_SIDE, ANY_SIDE = 16, 8
"""Pointwise layers on feature maps of at most so many cells a side are rounded: those that widen 16 x 16 cells, and any
on 8 x 8. On finer maps there are few channels, which gain no time in 8 bits. Layers that narrow take hundreds of
channels, of which the largest sets the scale of all: on 16 x 16 cells they doubled the error, for 5 % of the time."""
LEVELS = 127
"""Of 8 bits, both ways from zero."""


def is_possible() -> bool:
    """Whether this LiteRT ships what it takes to change a graph; answers differ in precision where it does not."""
    return _is_here("flatbuffers") and _is_here("ai_edge_litert.schema_py_generated")


def without_output(model: bytes, name: str) -> bytes:
    """Return a TFLite model without one output and the operators that only it needs.

    The operators that stay are untouched, so the other outputs keep every bit.
    """
    schema = _schema()
    if schema is None:
        return model
    tree = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model))
    graph = tree.subgraphs[0]
    graph.outputs = [int(out) for out in graph.outputs if graph.tensors[out].name.decode() != name]
    return _packed(tree, len(model))


def in_eight_bits(model: bytes, output: str) -> bytes:
    """Return a TFLite model whose coarse pointwise layers have weights of 8 bits, where ``output`` needs them.

    XNNPACK then also rounds what goes into them, picture by picture, to 8 bits, and multiplies integers. Weights have
    one scale per channel (Jacob et al. 2018, arXiv:1712.05877, section 3). What ``output`` does not need stays as it
    is: the last layers of BlazePose, from which depth, visibility and presence come, would suffer most.

    Args:
        model: with weights in 16 or 32 bits.
        output: name of an output.
    """
    schema = _schema()
    if schema is None:
        return model
    tree = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model))
    for operator in _coarse(tree, schema, output):
        kernel = _constant(tree, schema, int(operator.inputs[1]))
        bias = _constant(tree, schema, int(operator.inputs[2]))
        if kernel is not None and bias is not None:
            operator.inputs = [
                int(operator.inputs[0]),
                _add_rounded(tree, schema, kernel),
                _add(tree, bias, schema.TensorType.FLOAT32),
            ]
    return _packed(tree, len(model))


def _is_here(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of the package that should hold it
        return False


def _schema() -> Any:
    try:
        import flatbuffers  # type: ignore[import-untyped]  # noqa: F401
        from ai_edge_litert import schema_py_generated as schema
    except ModuleNotFoundError:
        return None
    return schema


def _packed(tree: Any, size: int) -> bytes:
    """Return a model as a file, with only the operators that its outputs need."""
    import flatbuffers

    graph = tree.subgraphs[0]
    graph.operators = _needed(graph, [int(out) for out in graph.outputs])
    builder = flatbuffers.Builder(size)
    builder.Finish(tree.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _needed(graph: Any, outputs: Iterable[int]) -> list[Any]:
    """Return the operators that lead to some tensors, in their order."""
    needed, operators = set(outputs), []
    for operator in reversed(graph.operators):  # Stored in the order of execution.
        if needed.intersection(operator.outputs):
            needed.update(operator.inputs)
            operators.append(operator)
    return operators[::-1]


def _coarse(tree: Any, schema: Any, output: str) -> Iterator[Any]:
    graph = tree.subgraphs[0]
    wanted = [int(out) for out in graph.outputs if graph.tensors[out].name.decode() == output]
    for operator in _needed(graph, wanted):
        if _kind(tree, operator) == schema.BuiltinOperator.CONV_2D:
            kernel, made = (graph.tensors[i].shape for i in (operator.inputs[1], operator.outputs[0]))
            side = WIDENING_SIDE if kernel[0] > kernel[3] else ANY_SIDE
            if max(kernel[1:3]) == 1 and max(made[1:3]) <= side:
                yield operator


def _kind(tree: Any, operator: Any) -> int:
    code = tree.operatorCodes[operator.opcodeIndex]
    return int(max(code.builtinCode, code.deprecatedBuiltinCode))  # The older field ends at 127.


def _constant(tree: Any, schema: Any, number: int) -> Float[np.ndarray, "..."] | None:
    """Return a tensor's values, also such that are stored in 16 bits; None where the graph computes them."""
    graph = tree.subgraphs[0]
    tensor = graph.tensors[number]
    stored = {schema.TensorType.FLOAT32: np.float32, schema.TensorType.FLOAT16: np.float16}.get(tensor.type)
    content = tree.buffers[tensor.buffer].data
    if stored is not None and content is not None and len(content):
        return np.frombuffer(bytes(bytearray(content)), stored).reshape(tensor.shape).astype(np.float32)
    for operator in graph.operators:
        if number in operator.outputs and _kind(tree, operator) == schema.BuiltinOperator.DEQUANTIZE:
            return _constant(tree, schema, int(operator.inputs[0]))
    return None


def _add_rounded(tree: Any, schema: Any, kernel: Float[np.ndarray, "out h w in"]) -> int:
    scale = np.maximum(np.abs(kernel).max((1, 2, 3)) / LEVELS, 1e-9).astype(np.float32)
    rounded = np.rint(kernel / scale[:, None, None, None]).astype(np.int8)
    meaning = schema.QuantizationParametersT()
    meaning.scale, meaning.zeroPoint, meaning.quantizedDimension = scale, np.zeros(len(scale), np.int64), 0
    return _add(tree, rounded, schema.TensorType.INT8, meaning)


def _add(tree: Any, values: np.ndarray, kind: int, meaning: Any = None) -> int:
    """Append a constant tensor and return its number."""
    graph = tree.subgraphs[0]
    tensor, content = type(graph.tensors[0])(), type(tree.buffers[0])()
    content.data = np.frombuffer(values.tobytes(), np.uint8)
    tensor.name, tensor.shape, tensor.type = f"light{len(graph.tensors)}".encode(), list(values.shape), kind
    tensor.buffer, tensor.quantization, tensor.hasRank = len(tree.buffers), meaning, True
    tree.buffers.append(content)
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1
