"""Make a trainable network of a student's ONNX file again: the way back from `export`.

What ships is the ONNX file, in which batch normalisation has become part of the convolution before it. A
network with such weights computes the same, but cannot be trained: its first step would divide by the
statistics of a batch, where the file divides by nothing. So the statistics are estimated on crops, and scale
and shift follow from them: the network computes what the file does, in training too where crops are alike.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn

from facegauge_models.measure import crop_example, onnx_difference
from facegauge_models.students import FaceStudent
from facegauge_training.common.errors import RecipeError
from facegauge_training.common.run_files import save_atomically
from facegauge_training.data.crop_set import CropSet, crop_height
from facegauge_training.release.manifest import MAX_DIFFERENCE

__all__ = ["settle_statistics", "unfold"]

PARITY_CROPS, STATISTICS_CROPS = 16, 256
_AT_ONCE = 32


def unfold(model: Path, stores: list[Path], path: Path) -> dict[str, Any]:
    """Write a finished training's file with the weights of an exported student.

    Args:
        model: folder of the student, with manifest.json and its ONNX file.
        stores: of labelled crops, on which the statistics are estimated.
        path: of the file, which `--start-from` and `--teacher` take.

    Returns:
        What the file says besides its weights; `new` lists the layers that the ONNX file does not have.

    Raises:
        RecipeError: it is no student of convolutions with batch normalisation, or not one of this version.
    """
    manifest = _read_exported(model)
    backbone = _backbone(manifest, model)
    width = int(manifest["input"]["width"])
    network = FaceStudent(backbone).eval()
    file = model / manifest["file"]
    crops = CropSet(stores, width)
    chosen = np.random.default_rng(0).permutation(len(crops))[:STATISTICS_CROPS]
    pixels = np.stack([crops[int(i)] for i in np.sort(chosen)])
    new = _take_over(network, onnx.load(file).graph, manifest, file)
    settle_statistics(network, torch.from_numpy(pixels))
    served = _QualityAlone(network) if new else network
    difference = onnx_difference(served, file, pixels[:PARITY_CROPS])
    if not difference <= MAX_DIFFERENCE:
        raise RecipeError(
            f"{file} and the network made of it are {difference:.1e} apart: it has layers that are neither "
            "convolutions nor heads (EdgeNeXt has), or is of another version. Train from the start instead."
        )
    name = f"{manifest['name']} {manifest['version']}"
    labelled_by = manifest.get("labelled_by") or {"vmaf": int(manifest["train_crops"])}
    said = {
        "backbone": backbone,
        "width": width,
        "initialisation": str(manifest.get("initialisation", "not recorded")),
        "samples": int(manifest["train_samples"]),
        "crops": int(manifest["train_crops"]),
        "teacher": next(iter(manifest.get("teachers", [])), "none"),
        "labelled_by": {f"crops of {name}: {who}": int(count) for who, count in labelled_by.items()},
        "sources": list(manifest["trained_on"]),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    save_atomically({"weights": network.state_dict(), **said}, path)
    return {**said, "new": new, "difference": difference}


def _read_exported(model: Path) -> dict[str, Any]:
    """Return the manifest of a model's folder.

    Raises:
        RecipeError: there is none, or it does not say what a training needs to know.
    """
    try:
        manifest: dict[str, Any] = json.loads((model / "manifest.json").read_text(encoding="utf-8"))
        _ = manifest["architecture"], manifest["file"], manifest["input"]["width"]
        _ = manifest["trained_on"], manifest["train_crops"], manifest["train_samples"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecipeError(
            f"{model} is no folder of an exported student ({error}): give one with manifest.json and its "
            "ONNX file, for instance server/facegauge_server/assets/models/facegauge-small."
        ) from error
    return manifest


def _backbone(manifest: dict[str, Any], model: Path) -> str:
    found = re.fullmatch(r"FaceStudent\((\w+)\)", str(manifest["architecture"]))
    if not found:
        raise RecipeError(f"{model} is a {manifest['architecture']}: only students can be trained on.")
    return found[1]


class _QualityAlone(nn.Module):
    """A student without its second output, as students before version 1.0 were exported."""

    def __init__(self, network: FaceStudent) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor]:
        return (self.network(pixels)[0],)


@torch.no_grad()
def _take_over(network: FaceStudent, graph: Any, manifest: dict[str, Any], file: Path) -> list[str]:
    """Copy the weights, convolutions in the order of computing; return the names of layers that are new."""
    arrays = {weight.name: numpy_helper.to_array(weight) for weight in graph.initializer}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    called = _called_layers(network, int(manifest["input"]["width"]))
    own = [layer for layer in called if isinstance(layer, nn.Conv2d)]
    kinds = [tuple(arrays[node.input[1]].shape) for node in convolutions if node.input[1] in arrays]
    if [tuple(layer.weight.shape) for layer in own] != kinds:
        raise RecipeError(
            f"{file} has other convolutions than a {manifest['architecture']} of this version: it cannot be "
            "trained on. Train from the start instead."
        )
    nodes = iter(convolutions)
    for layer, after in zip(called, [*called[1:], None], strict=True):
        if not isinstance(layer, nn.Conv2d):
            continue
        weight, *biases = [torch.tensor(arrays[name]) for name in next(nodes).input[1:]]
        bias = biases[0] if biases else torch.zeros(len(weight))
        layer.weight.copy_(weight)
        if layer.bias is not None:
            layer.bias.copy_(bias)
        if isinstance(after, nn.BatchNorm2d):
            _compute_nothing(after)
            after.bias.copy_(bias if layer.bias is None else torch.zeros_like(bias))
    heads = {name: value for name, value in network.state_dict().items() if "head." in name}
    new = [name for name in heads if name not in arrays]
    if any(name.startswith("head.") for name in new):
        raise RecipeError(f"{file} has no {new[0]}: it is of another version. Train from the start instead.")
    for name in set(heads) - set(new):
        heads[name].copy_(torch.tensor(arrays[name]))
    return new


def _called_layers(network: FaceStudent, width: int) -> list[nn.Module]:
    """Return convolutions and batch normalisations in the order in which a crop passes them."""
    called: list[nn.Module] = []
    hooks = [
        layer.register_forward_hook(lambda layer, *_: called.append(layer))
        for layer in network.modules()
        if isinstance(layer, nn.Conv2d | nn.BatchNorm2d)
    ]
    network(crop_example(crop_height(width), width))
    for hook in hooks:
        hook.remove()
    return called


def _compute_nothing(norm: nn.BatchNorm2d) -> None:
    norm.running_mean.zero_()  # type: ignore[union-attr]
    norm.running_var.fill_(1 - norm.eps)  # type: ignore[union-attr]
    norm.weight.fill_(1)


@torch.no_grad()
def settle_statistics(network: nn.Module, pixels: torch.Tensor) -> None:
    """Estimate what batch normalisations divide by, and let scale and shift make up for it.

    Args:
        network: in evaluation mode; computes the same afterwards.
        pixels: crops, uint8 (n, height, width, 3).
    """
    sums: dict[nn.Module, list[torch.Tensor]] = {}

    def note(norm: nn.Module, inputs: tuple[torch.Tensor, ...], _: torch.Tensor) -> None:
        x = inputs[0].double()
        seen = [
            torch.tensor(float(x.numel() // x.shape[1])),
            x.sum(dim=(0, 2, 3)),
            x.square().sum(dim=(0, 2, 3)),
        ]
        sums[norm] = [a + b for a, b in zip(sums[norm], seen, strict=True)] if norm in sums else seen

    norms = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
    hooks = [norm.register_forward_hook(note) for norm in norms]
    for at in range(0, len(pixels), _AT_ONCE):
        network(pixels[at : at + _AT_ONCE])
    for hook in hooks:
        hook.remove()
    for norm in norms:
        count, total, squares = sums[norm]
        mean = total / count
        variance = (squares / count - mean.square()).clamp(min=0)
        before = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()  # type: ignore[union-attr]
        norm.bias.add_(before * (mean - norm.running_mean.double()))  # type: ignore[union-attr]
        norm.weight.copy_(before * (variance + norm.eps).sqrt())
        norm.running_mean.copy_(mean)  # type: ignore[union-attr]
        norm.running_var.copy_(variance)  # type: ignore[union-attr]
