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
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from facegauge_server import crop_spec
from facegauge_server.engines.student import MODELS, Student, load_student
from facegauge_server.types import RawScores

WIDTH, HEIGHT = 12, 16
OUTPUTS = {"quality": "quality", "causes": ["blur", "noise", "compression"]}
"""A manifest's entry for a student with causes, not in the order of the enumeration."""

WriteStudent = Callable[..., Path]


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


@pytest.fixture
def write_student(tmp_path: Path) -> WriteStudent:
    """Writes a student's folder that fits together, but for the manifest's entries given."""

    def write(model: bytes | None = None, **changes: Any) -> Path:
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
        (tmp_path / "model.onnx").write_bytes(data)
        (tmp_path / "manifest.json").write_text(json.dumps(kept))
        return tmp_path

    return write


@pytest.fixture(params=["tiny", "causes", "shipped"])
def student(request: pytest.FixtureRequest, write_student: WriteStudent) -> Student:
    """The tiny student, the same with causes, then the one that ships."""
    if request.param == "tiny":
        return load_student(str(write_student()))
    if request.param == "causes":
        return load_student(str(write_student(outputs=OUTPUTS)))
    if not (MODELS / "default.txt").is_file():
        pytest.skip("no student ships yet")
    return load_student("default")


def figures(scores: RawScores) -> npt.NDArray[np.float32]:
    """All figures of a batch, (n, 1 + causes), quality first."""
    costs = () if scores.costs is None else (scores.costs,)
    return np.column_stack((scores.quality, *costs))


def expected_figures(student: Student, crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """The same from ONNX Runtime."""
    session = onnxruntime.InferenceSession(student.onnx_path)
    return np.column_stack(session.run(list(student.outputs), {"pixels": crops}))


@pytest.fixture
def crops(student: Student) -> npt.NDArray[np.uint8]:
    """Six pictures of the student's size, from flat grey to noise."""
    random = np.random.default_rng(3)
    shape = (6, student.input_height, student.input_width, 3)
    noise = random.normal(0, 1, shape)
    strength = np.array([0, 5, 10, 20, 40, 120]).reshape(6, 1, 1, 1)
    pixels: npt.NDArray[np.uint8] = np.clip(128 + noise * strength, 0, 255).astype(np.uint8)
    return pixels
