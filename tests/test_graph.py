"""Lighter graphs, on a small one that is made here: two pointwise layers, one output each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kinescribe.backends.nets import blazepose, graph

schema: Any = pytest.importorskip("ai_edge_litert.schema_py_generated")
flatbuffers: Any = pytest.importorskip("flatbuffers")

WIDE, NARROW = 48, 32


def layer(tree: Any, source: int, channels: int, name: str, stored: Any, side: int) -> int:
    """Append a pointwise layer of random weights and return its output tensor's number."""
    net = tree.subgraphs[0]
    random = np.random.default_rng(len(net.tensors))
    before = net.tensors[source].shape[3]
    kernel = random.normal(0, 0.2, (channels, 1, 1, before))
    inputs = [
        source,
        tensor(tree, f"{name}/w", kernel, stored),
        tensor(tree, f"{name}/b", random.normal(size=channels), np.float32),
    ]
    output = tensor(tree, name, np.zeros((1, side, side, channels)), np.float32, constant=False)
    operator, options = schema.OperatorT(), schema.Conv2DOptionsT()
    options.strideW = options.strideH = options.dilationWFactor = options.dilationHFactor = 1
    operator.inputs, operator.outputs, operator.opcodeIndex = inputs, [output], 0
    operator.builtinOptions, operator.builtinOptionsType = options, schema.BuiltinOptions.Conv2DOptions
    net.operators.append(operator)
    return output


def tensor(tree: Any, name: str, values: np.ndarray, stored: Any, constant: bool = True) -> int:
    made, content = schema.TensorT(), schema.BufferT()
    if constant:
        content.data = np.frombuffer(values.astype(stored).tobytes(), np.uint8)
    tree.buffers.append(content)
    made.name, made.shape, made.type = name, list(values.shape), schema.TensorType.FLOAT32
    made.buffer = len(tree.buffers) - 1
    tree.subgraphs[0].tensors.append(made)
    return len(tree.subgraphs[0].tensors) - 1


def model(side: int) -> bytes:
    """Return: picture -> wide -> narrow, with both layers as outputs."""
    tree, net, code = schema.ModelT(), schema.SubGraphT(), schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CONV_2D
    tree.version, tree.operatorCodes, tree.subgraphs, tree.buffers = 3, [code], [net], [schema.BufferT()]
    net.tensors, net.operators = [], []
    picture = tensor(tree, "picture", np.zeros((1, side, side, 3)), np.float32, constant=False)
    wide = layer(tree, picture, WIDE, "wide", np.float32, side)
    narrow = layer(tree, wide, NARROW, "narrow", np.float32, side)
    net.inputs, net.outputs = [picture], [wide, narrow]
    builder = flatbuffers.Builder(1024)
    builder.Finish(tree.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def run(content: bytes, folder: Path, side: int) -> dict[str, np.ndarray]:
    file = folder / "net.tflite"
    file.write_bytes(content)
    crop = np.random.default_rng(5).integers(0, 255, (side, side, 3), dtype=np.uint8)
    return blazepose.Net(file, 1)(crop, 1 / 255, 0)


def rounded(content: bytes) -> list[str]:
    """Return the names of the layers with weights in 8 bits."""
    net = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content)).subgraphs[0]
    return [
        net.tensors[o.outputs[0]].name.decode()
        for o in net.operators
        if net.tensors[o.inputs[1]].type == schema.TensorType.INT8
    ]


@pytest.mark.parametrize(
    ("side", "output", "layers"),
    [(8, "narrow", ["wide", "narrow"]), (8, "wide", ["wide"]), (16, "narrow", ["wide"]), (17, "narrow", [])],
)
def test_only_coarse_layers_that_the_output_needs_are_rounded(
    side: int, output: str, layers: list[str]
) -> None:
    assert rounded(graph.in_eight_bits(model(side), output)) == layers


def test_eight_bits_change_the_answers_by_less_than_their_steps(tmp_path: Path) -> None:
    whole = run(model(8), tmp_path, 8)
    light = run(graph.in_eight_bits(model(8), "narrow"), tmp_path, 8)
    for name, values in whole.items():
        off = np.abs(light[name] - values)
        assert 0 < off.max() < 0.02 * np.abs(values).max(), name


def test_a_layer_after_the_output_keeps_every_bit_of_its_weights(tmp_path: Path) -> None:
    content = graph.in_eight_bits(model(8), "wide")
    light = run(content, tmp_path, 8)
    net = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model(8)))
    kernel, bias = (
        np.frombuffer(bytes(bytearray(net.buffers[net.subgraphs[0].tensors[i].buffer].data)), np.float32)
        for i in net.subgraphs[0].operators[1].inputs[1:]
    )
    expected = light["wide"] @ kernel.reshape(NARROW, WIDE).T + bias
    np.testing.assert_allclose(light["narrow"], expected, rtol=1e-4, atol=1e-4)


def test_an_output_that_nobody_asks_for_is_gone_with_its_layers(tmp_path: Path) -> None:
    cut = graph.without_output(model(8), "narrow")
    assert len(schema.ModelT.InitFromObj(schema.Model.GetRootAs(cut)).subgraphs[0].operators) == 1
    whole, less = run(model(8), tmp_path, 8), run(cut, tmp_path, 8)
    assert set(whole) - set(less) == {"narrow"}
    np.testing.assert_array_equal(less["wide"], whole["wide"])


def test_without_the_schema_a_graph_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph, "_schema", lambda: None)
    assert graph.in_eight_bits(model(8), "narrow") == model(8)
    assert graph.without_output(model(8), "narrow") == model(8)
