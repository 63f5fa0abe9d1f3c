"""Students for the engines' tests: the one that ships, and a tiny one made on the spot."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from facegauge_server import crop_spec
from facegauge_server.engines.student import MODELS, Student, load_student

WIDTH, HEIGHT = 12, 16

WriteStudent = Callable[..., Path]


def tiny_graph(input_name: str = "pixels", output_name: str = "quality") -> bytes:
    """A convolution, a mean and a sigmoid with fixed random weights: uint8 (n, 16, 12, 3) -> (n,)."""
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
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(input_name, TensorProto.UINT8, ["n", HEIGHT, WIDTH, 3])],
        [helper.make_tensor_value_info(output_name, TensorProto.FLOAT, ["n", 1])],
        [numpy_helper.from_array(kernel, "kernel"), numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data


@pytest.fixture
def write_student(tmp_path: Path) -> WriteStudent:
    """Writes a student's folder that fits together, but for the manifest's entries given."""

    def write(model: bytes | None = None, **changes: Any) -> Path:
        data = tiny_graph() if model is None else model
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
        (tmp_path / "model.onnx").write_bytes(data)
        (tmp_path / "manifest.json").write_text(json.dumps(kept))
        return tmp_path

    return write


@pytest.fixture(params=["tiny", "shipped"])
def student(request: pytest.FixtureRequest, write_student: WriteStudent) -> Student:
    """The tiny student, then the one that ships."""
    if request.param == "tiny":
        return load_student(str(write_student()))
    if not (MODELS / "default.txt").is_file():
        pytest.skip("no student ships yet")
    return load_student("default")


@pytest.fixture
def crops(student: Student) -> npt.NDArray[np.uint8]:
    """Six pictures of the student's size, from flat grey to noise."""
    random = np.random.default_rng(3)
    shape = (6, student.input_height, student.input_width, 3)
    noise = random.normal(0, 1, shape)
    strength = np.array([0, 5, 10, 20, 40, 120]).reshape(6, 1, 1, 1)
    pixels: npt.NDArray[np.uint8] = np.clip(128 + noise * strength, 0, 255).astype(np.uint8)
    return pixels
