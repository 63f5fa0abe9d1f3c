"""Find where the first block of a network ends, so that serving can keep it in float32.

The tensors that pass from the nodes up to that block to those after it: its own result and, since every scale
is pooled, what was pooled before. `facegauge_server.engines.split` says what that is good for.
"""

from __future__ import annotations

from pathlib import Path

import onnx

__all__ = ["first_block_ends"]

FIRST_BLOCKS = ("/blocks.0/", "/stages.0/")
"""What timm's backbones call it."""


def first_block_ends(path: Path) -> list[str]:
    """Return the names of the tensors where the first block of an ONNX file ends; none where it has none."""
    graph = onnx.load(path).graph
    own = [node.output[0] for node in graph.node if any(name in node.name for name in FIRST_BLOCKS)]
    if not own:
        return []
    constants = {tensor.name for tensor in graph.initializer} | {
        node.output[0] for node in graph.node if node.op_type == "Constant"
    }
    after: set[str] = set()
    for node in graph.node:  # in an order of computation, as ONNX demands
        if own[-1] in node.input or after.intersection(node.input):
            after.update(node.output)
    ends = [own[-1]]
    for node in graph.node:
        if node.output[0] in after:
            ends += [name for name in node.input if name and name not in after | constants | set(ends)]
    return ends
