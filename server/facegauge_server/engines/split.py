"""Cut a network in two, so that its first layers can run in another precision than the rest.

The first block of a convolutional network sees pixels at their level, and its linear output the small
differences between them: in bfloat16, which keeps eight bits, a level's rounding is as large as the texture
that makes a face sharp or soft. Further in, levels are gone. With the first block of facegauge-small
in float32, bfloat16 moves scores by a third of what it moves them by otherwise, and most of the time is spent
after that block.
"""

from __future__ import annotations

from collections.abc import Sequence

from facegauge_server.block_import import blocked

with blocked("openvino_telemetry"):
    import openvino
    from openvino import opset13

__all__ = ["split"]


def split(
    model: openvino.Model, same: openvino.Model, tensors: Sequence[str]
) -> tuple[openvino.Model, openvino.Model]:
    """Return the part of a network before some tensors, and the part after.

    Args:
        model: of static shapes.
        same: read and shaped once more, since a network's nodes cannot be in two.
        tensors: names of all that passes from the first part to the second.

    Returns:
        One that gives the tensors, and one that takes them, both in the order given.

    Raises:
        KeyError: the network has no tensor of that name.
    """
    first = openvino.Model([_find(model, name) for name in tensors], model.get_parameters(), "first")
    taken = []
    for name in tensors:
        output = _find(same, name)
        entry = opset13.parameter(output.get_shape(), output.get_element_type())
        for use in output.get_target_inputs():
            use.replace_source_output(entry.output(0))
        taken.append(entry)
    return first, openvino.Model(same.get_results(), taken, "rest")


def _find(model: openvino.Model, name: str) -> openvino.Output:
    for node in model.get_ordered_ops():
        for output in node.outputs():
            if name in output.get_names():
                return output
    raise KeyError(name)
