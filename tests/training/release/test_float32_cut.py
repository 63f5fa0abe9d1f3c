"""Where the first block ends, in a network that the server ships and in one without blocks."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from facegauge_training.release.export import ASSETS
from facegauge_training.release.float32_cut import first_block_ends


@pytest.mark.parametrize("name", ["facegauge-small", "edgenext"])
def test_the_cut_is_the_one_that_was_shipped(name: str) -> None:
    """The manifest's tensors are found again, and each of them exists in the file."""
    path = ASSETS / name / "model.onnx"
    ends = first_block_ends(path)
    assert ends
    assert ends == json.loads((ASSETS / name / "manifest.json").read_text())["float32_first"]
    outputs = {output for node in onnx.load(path).graph.node for output in node.output}
    assert set(ends) <= outputs


def write(path: Path, first: str) -> Path:
    """Write x -> a (in `first`) -> b, and x -> pooled, which b needs too."""
    nodes = [
        helper.make_node("Relu", ["x"], ["a"], name=f"{first}/Relu"),
        helper.make_node("Sigmoid", ["x"], ["pooled"], name="/pool"),
        helper.make_node("Add", ["a", "pooled"], ["b"], name="/add"),
    ]
    value = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1]) for n in ("x", "b")]
    onnx.save(helper.make_model(helper.make_graph(nodes, "g", value[:1], value[1:])), path)
    return path


def test_what_was_pooled_before_the_cut_passes_it_too(tmp_path: Path) -> None:
    """All that later nodes need from before is named; a network without blocks has no cut."""
    assert first_block_ends(write(tmp_path / "a.onnx", "/blocks.0/0")) == ["a", "pooled"]
    assert first_block_ends(write(tmp_path / "b.onnx", "/trunk")) == []
