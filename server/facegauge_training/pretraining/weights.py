"""The file of a pretrained backbone: written once its training ends, read by whoever starts from it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from facegauge_models.imagenet import Normalisation, fold_normalisation
from facegauge_models.students import FaceStudent
from facegauge_training.common.errors import RecipeError
from facegauge_training.common.run_files import save_atomically
from facegauge_training.pretraining.backbones import STUDENT_PIXELS, Stages, trunks

__all__ = [
    "FORMAT",
    "Pretrained",
    "is_pretrained",
    "load_pretrained_backbone",
    "read_pretrained",
    "save_pretrained",
]

FORMAT = "facegauge-pretrained-backbone-1"


@dataclass(frozen=True, slots=True)
class Pretrained:
    """A pretrained backbone's file."""

    weights: dict[str, torch.Tensor]
    """The backbone's alone, by its own names."""
    metadata: dict[str, Any]
    """`backbone`, `normalisation`, `teacher`, `sources`, `samples`, `losses`, `probe` and more."""


def save_pretrained(path: Path, weights: dict[str, torch.Tensor], metadata: dict[str, Any]) -> None:
    """Write the weights, and the metadata once more beside them as JSON."""
    save_atomically({"format": FORMAT, "weights": weights, "metadata": json.dumps(metadata)}, path)
    path.with_suffix(".json").write_text(json.dumps(metadata, indent=1) + "\n", encoding="utf-8")


def is_pretrained(saved: Any) -> bool:
    """Return whether what `torch.load` read is such a file's content."""
    return isinstance(saved, dict) and saved.get("format") == FORMAT


def read_pretrained(path: Path) -> Pretrained:
    """Read the file of a pretrained backbone.

    Raises:
        RecipeError: there is none, or it is something else.
    """
    if not path.is_file():
        raise RecipeError(f"There is no {path}: make it first, `facegauge-train pretrain --backbone NAME`.")
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # unpickling raises whatever it likes
        raise RecipeError(f"{path} cannot be read ({str(error)[:200]}): copy or make it again.") from error
    if not is_pretrained(saved):
        raise RecipeError(f"{path} is no pretrained backbone: give the backbone.pt that `pretrain` leaves.")
    return Pretrained(saved["weights"], json.loads(saved["metadata"]))


def load_pretrained_backbone(
    path: Path, module: nn.Module, normalisation: Normalisation | None = None
) -> dict[str, Any]:
    """Put a pretrained backbone's weights into a student, a system of the zoo, or a bare backbone.

    Every weight of the file goes in. What the network has besides, its head, stays as it is.

    Args:
        path: of the file.
        module: gets the weights, in its only trunk that they fit, or in itself.
        normalisation: of the pixels that it gets, for instance `info(system).test.normalisation`; if the
            file's is another, the difference goes into the first convolution. May be left out for a student.

    Returns:
        The file's metadata.

    Raises:
        RecipeError: the file cannot be used, or its backbone is not this one.
        ValueError: the normalisation is missing.
    """
    pretrained = read_pretrained(path)
    if normalisation is None:
        if not isinstance(module, FaceStudent):
            raise ValueError("give the normalisation of the pixels that this network gets")
        normalisation = STUDENT_PIXELS
    places = [*trunks(module).values(), module]
    misfits = [_misfit(pretrained.weights, place.state_dict()) for place in places]
    if "" not in misfits:
        raise RecipeError(
            f"{path} holds {pretrained.metadata['backbone']}, which does not fit this network: "
            f"{min(misfits, key=len)}. Give a file of the same backbone, or pretrain this one."
        )
    place = places[misfits.index("")]
    if left := set(Stages(place).used_state()) - set(pretrained.weights):
        raise RecipeError(
            f"{path} holds {pretrained.metadata['backbone']}, a part of this network: nothing for "
            f"{', '.join(sorted(left)[:2])} and {len(left)} of its weights in all. Pretrain this one."
        )
    place.load_state_dict(pretrained.weights, strict=False)
    old: Normalisation = tuple(tuple(values) for values in pretrained.metadata["normalisation"])  # type: ignore[assignment]  # two of them
    if old != normalisation:
        try:
            fold_normalisation(place, old, normalisation)
        except ValueError as error:
            raise RecipeError(
                f"{path} was trained with other pixels than this network gets, and {error}."
            ) from error
    return pretrained.metadata


def _misfit(weights: dict[str, torch.Tensor], state: dict[str, torch.Tensor]) -> str:
    """Return what of the weights the state cannot take, "" if it takes all."""
    missing = [name for name in weights if name not in state]
    shapes = [
        f"{name} is {tuple(weight.shape)} there, {tuple(state[name].shape)} here"
        for name, weight in weights.items()
        if name in state and weight.shape != state[name].shape
    ]
    if missing:
        shapes.append(f"it has no {', '.join(missing[:2])} and {len(missing)} of {len(weights)} in all")
    return "; ".join(shapes[:2])
