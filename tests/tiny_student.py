"""A student so small that it is made on the spot, with or without causes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from facegauge_server import crop_spec

__all__ = ["HEIGHT", "OUTPUTS", "WIDTH", "tiny_graph", "write_tiny_student"]

WIDTH, HEIGHT = 12, 16
OUTPUTS = {"quality": "quality", "causes": ["blur", "noise", "compression"]}
"""A manifest's entry for a student with causes, not in the order of the enumeration."""


def tiny_graph(input_name: str = "pixels", output_name: str = "quality", causes: int = 0) -> bytes:
    """A convolution, a mean and a sigmoid with fixed random weights: uint8 (n, 16, 12, 3) -> (n, 1).

    With causes, a second sigmoid from the same mean: (n, causes).
    """
    random = np.random.default_rng(7)
    kernel = random.normal(0, 0.02, (4, 3, 3, 3)).astype(np.float32)
    weights = random.normal(0, 1, (4, 1)).astype(np.float32)
    nodes = [
        helper.make_node("Transpose", [input_name], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Cast", ["planes"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Conv", ["floats", "kernel"], ["features"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["features"], ["active"]),
        helper.make_node("ReduceMean", ["active"], ["pooled"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["pooled", "weights"], ["column"]),
        helper.make_node("Sigmoid", ["column"], ["squeezed"]),
        helper.make_node("Flatten", ["squeezed"], [output_name], axis=1),
    ]
    outputs = [helper.make_tensor_value_info(output_name, TensorProto.FLOAT, ["n", 1])]
    constants = [numpy_helper.from_array(kernel, "kernel"), numpy_helper.from_array(weights, "weights")]
    if causes:
        of_causes = random.normal(0, 1, (4, causes)).astype(np.float32)
        nodes.append(helper.make_node("MatMul", ["pooled", "of_causes"], ["columns"]))
        nodes.append(helper.make_node("Sigmoid", ["columns"], ["causes"]))
        outputs.append(helper.make_tensor_value_info("causes", TensorProto.FLOAT, ["n", causes]))
        constants.append(numpy_helper.from_array(of_causes, "of_causes"))
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(input_name, TensorProto.UINT8, ["n", HEIGHT, WIDTH, 3])],
        outputs,
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data


def write_tiny_student(folder: Path, model: bytes | None = None, **changes: Any) -> Path:
    """Write a student that fits together, but for the manifest's entries given; None leaves one out."""
    named = changes.get("outputs", {}).get("causes", ())
    data = tiny_graph(causes=len(named)) if model is None else model
    manifest = {
        "name": "tiny",
        "file": "model.onnx",
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "input": {"width": WIDTH, "height": HEIGHT},
        "crop": crop_spec.manifest_entry(),
    }
    manifest |= changes
    kept = {key: value for key, value in manifest.items() if value is not None}
    (folder / "model.onnx").write_bytes(data)
    (folder / "manifest.json").write_text(json.dumps(kept))
    return folder
