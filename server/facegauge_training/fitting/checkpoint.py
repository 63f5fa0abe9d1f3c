"""The file that a finished training leaves: the network, its weights, and what they were made from."""

from __future__ import annotations

import hashlib
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import timm
import torch

from facegauge_models.imagenet import load_imagenet
from facegauge_models.students import FaceStudent
from facegauge_training.common.errors import RecipeError
from facegauge_training.common.run_files import save_atomically
from facegauge_training.data.crop_set import CROP_WIDTH, CropSet, crop_height

__all__ = ["Trained", "load_trained", "new_network", "save_trained", "start_from_weights", "write_onnx"]


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished network."""

    network: FaceStudent
    """In evaluation mode, on the CPU."""
    width: int
    """Px across of the crops it takes."""
    name: str
    """`RUN@HASH`: the run's folder and the first digits of its weights' SHA-256."""
    told: dict[str, Any]
    """What the file says besides: backbone, samples, crops, stores, teacher."""


def new_network(backbone: str, initialisation: str, seed: int) -> FaceStudent:
    """Build a network with random or ImageNet's weights.

    Raises:
        RecipeError: timm has no such backbone, it gives no maps of every scale, or no weights are to be had.
    """
    torch.manual_seed(seed)
    if backbone not in timm.list_models(backbone):
        raise RecipeError(
            f"timm has no {backbone!r}: give another --backbone, for instance mobilenetv3_small_100 or one "
            "of `python -c 'import timm; print(timm.list_models())'`."
        )
    try:
        network = FaceStudent(backbone)
    except (AttributeError, KeyError, TypeError, RuntimeError) as error:
        raise RecipeError(
            f"{backbone} does not give its maps of every scale ({error}): give another --backbone."
        ) from error
    if initialisation == "imagenet":
        try:
            load_imagenet(network.backbone, backbone, network.MEAN, network.SCALE)
        except (ImportError, ValueError, RuntimeError, OSError) as error:
            raise RecipeError(
                f"No ImageNet weights for {backbone} here: {error}. Or give --initialisation random."
            ) from error
    return network


def start_from_weights(network: FaceStudent, path: Path) -> tuple[int, list[str]]:
    """Take over the weights of an earlier run that fit; return its samples and the names of what did not.

    Raises:
        RecipeError: the file is none, or nothing of the backbone fits.
    """
    earlier, new = _read(path), network.state_dict()
    known = {n: w for n, w in earlier["weights"].items() if n in new and w.shape == new[n].shape}
    if not any(name.startswith("backbone.") for name in known):
        raise RecipeError(f"{path} is a {earlier['backbone']}: give one of this --backbone to start from.")
    missing = network.load_state_dict(known, strict=False).missing_keys
    return int(earlier["samples"]), list(missing)


def save_trained(path: Path, network: FaceStudent, crops: CropSet, told: dict[str, Any]) -> None:
    """Write a finished training's file: weights, `told`, and who labelled how many crops of each store."""
    labelled = Counter(f"{row['store']}: {row['labelled_by']}" for row in crops.rows)
    sources = sorted({str(row["source"]) for row in crops.rows})
    weights = {name: tensor.cpu() for name, tensor in network.state_dict().items()}
    save_atomically({"weights": weights, **told, "labelled_by": dict(labelled), "sources": sources}, path)


def load_trained(path: Path) -> Trained:
    """Read a finished training's file.

    Raises:
        RecipeError: it is missing, is none, or its weights are not of its backbone.
    """
    saved = _read(path)
    weights = saved.pop("weights")
    try:
        network = FaceStudent(saved["backbone"])
        network.load_state_dict(weights)
    except Exception as error:  # timm and torch raise whatever they like
        raise RecipeError(
            f"{path} does not hold a {saved['backbone']} of this version ({str(error)[:200]}): train it "
            "again."
        ) from error
    digest = hashlib.sha256()
    for tensor in weights.values():
        digest.update(tensor.numpy().tobytes())
    width = int(saved.get("width", CROP_WIDTH))
    return Trained(network.eval(), width, f"{path.parent.name}@{digest.hexdigest()[:10]}", saved)


def write_onnx(trained: Trained, path: Path) -> None:
    """Write a network as ONNX: `pixels` uint8 (n, height, width, 3) -> `quality` float32 (n,)."""
    example = torch.zeros((2, crop_height(trained.width), trained.width, 3), dtype=torch.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the traced exporter writes the plainer graph
        warnings.simplefilter("ignore", UserWarning)  # the tracer's: sizes are fixed
        torch.onnx.export(
            trained.network,
            (example,),
            str(path),
            input_names=["pixels"],
            output_names=["quality"],
            dynamic_axes={"pixels": {0: "n"}, "quality": {0: "n"}},
            opset_version=17,
            dynamo=False,
        )


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise RecipeError(
            f"There is no {path}: train first, `python -m facegauge_training.{path.stem} --run "
            f"{path.parent.name}`."
        )
    try:
        saved: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        _ = saved["weights"], saved["backbone"], saved["samples"]
    except Exception as error:  # unpickling raises whatever it likes
        raise RecipeError(f"{path} is no file of a finished training: {error}") from error
    return saved
