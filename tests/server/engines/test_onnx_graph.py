"""onnx2torch's module gives what ONNX Runtime does, of graphs that it misreads or refuses by itself."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

pytest.importorskip("onnx2torch", reason="needs the extra `torch`")

import onnx2torch
import torch

from facegauge_server.engines.onnx_graph import for_onnx2torch

FLOATS = np.random.default_rng(0).normal(size=(2, 3, 8)).astype(np.float32)


def weights(name: str, values: object, kind: type = np.float32) -> TensorProto:
    return numpy_helper.from_array(np.asarray(values, kind), name)


GRAPHS = {
    "a weight by another name": (
        [
            helper.make_node("Identity", ["kernel"], ["alias"]),
            helper.make_node("Identity", ["alias"], ["alias of the alias"]),
            helper.make_node("Conv", ["x", "alias of the alias"], ["y"]),
        ],
        [weights("kernel", FLOATS[0, :, :3, None])],
    ),
    "an input left out at the end": (
        [helper.make_node("Clip", ["x", "low", ""], ["y"])],
        [weights("low", -0.5)],
    ),
    "a sum without a direction": (
        [helper.make_node("CumSum", ["x", "axis"], ["y"])],
        [weights("axis", 1, np.int64)],
    ),
    "a layer normalisation of unknown length": (
        [
            helper.make_node("Shape", ["x"], ["shape"]),
            helper.make_node("Reshape", ["x", "shape"], ["same"]),
            helper.make_node("LayerNormalization", ["same", "scale", "offset"], ["y"], axis=-1),
        ],
        [weights("scale", np.linspace(1, 2, 8)), weights("offset", np.linspace(0, 1, 8))],
    ),
    "a layer normalisation of unknown shape": (
        [
            helper.make_node("Shape", ["x"], ["shape"]),
            helper.make_node("NonZero", ["shape"], ["places"]),
            helper.make_node("Squeeze", ["places"], ["axes"]),
            helper.make_node("Gather", ["shape", "axes"], ["again"]),
            helper.make_node("Reshape", ["x", "again"], ["same"]),
            helper.make_node("LayerNormalization", ["same", "scale", "offset"], ["y"], axis=-1),
        ],
        [weights("scale", np.linspace(1, 2, 8)), weights("offset", np.linspace(0, 1, 8))],
    ),
    "another name for what is no weight": (
        [
            helper.make_node("Identity", ["x"], ["same"]),
            helper.make_node("Mul", ["same", "scale"], ["y"]),
        ],
        [weights("scale", np.linspace(1, 2, 8))],
    ),
}


@pytest.mark.parametrize("case", GRAPHS)
def test_torch_gives_what_onnx_runtime_does(case: str) -> None:
    """Whatever of these a file holds, its module's figures are those of the reference."""
    nodes, given = GRAPHS[case]
    shape: list[str | int | None] = ["n", 3, 8]
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        given,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    expected = session.run(None, {"x": FLOATS})[0]
    module = onnx2torch.convert(for_onnx2torch(onnx.ModelProto.FromString(model.SerializeToString())))
    with torch.no_grad():
        figures = module(torch.from_numpy(FLOATS)).numpy()
    np.testing.assert_allclose(figures, expected, atol=1e-5)
