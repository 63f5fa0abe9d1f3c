"""Say in an ONNX graph what onnx2torch (1.5.15) does not find out for itself.

Any file that `--model` names comes through here, so an exporter need not know of it.
"""

from __future__ import annotations

import onnx

__all__ = ["for_onnx2torch"]


def for_onnx2torch(model: onnx.ModelProto) -> onnx.ModelProto:
    """Change a model in place, and return it, so that onnx2torch's module gives what ONNX Runtime does.

    It knows weights by their own names alone, where torch's exporter joins equal ones by `Identity`. It
    refuses an input that is left out by an empty name at the end. It runs a cumulative sum backwards that
    names no direction. And it finds no length for a layer normalisation behind a reshape to a size that is
    computed, which the weights have.
    """
    _name_weights_directly(model.graph)
    for node in model.graph.node:
        while node.input and not node.input[-1]:
            del node.input[-1]
        if node.op_type == "CumSum" and all(attribute.name != "reverse" for attribute in node.attribute):
            node.attribute.append(onnx.helper.make_attribute("reverse", 0))
    _give_lengths(model)
    return model


def _name_weights_directly(graph: onnx.GraphProto) -> None:
    weights = {weight.name for weight in graph.initializer}
    outputs = {value.name for value in graph.output}
    aliases: dict[str, str] = {}
    for node in graph.node:
        if node.op_type == "Identity" and node.output[0] not in outputs:
            weight = aliases.get(node.input[0], node.input[0])
            if weight in weights:
                aliases[node.output[0]] = weight
    kept = [node for node in graph.node if node.output[0] not in aliases]
    for node in kept:
        node.input[:] = [aliases.get(name, name) for name in node.input]
    del graph.node[:]
    graph.node.extend(kept)


def _give_lengths(model: onnx.ModelProto) -> None:
    lengths = {weights.name: tuple(weights.dims) for weights in model.graph.initializer}
    told = {value.name for value in model.graph.input}
    inferred = {value.name: value for value in onnx.shape_inference.infer_shapes(model).graph.value_info}
    for node in model.graph.node:
        if node.op_type != "LayerNormalization" or node.input[0] in told or node.input[1] not in lengths:
            continue
        value = inferred.get(node.input[0]) or onnx.ValueInfoProto(name=node.input[0])
        sides, last = value.type.tensor_type.shape.dim, lengths[node.input[1]]
        while len(sides) < len(last):  # it does not know how many there are either, and asks for these alone
            sides.add()
        for side, length in zip(sides[-len(last) :], last, strict=True):
            side.dim_value = length
        model.graph.value_info.append(value)
