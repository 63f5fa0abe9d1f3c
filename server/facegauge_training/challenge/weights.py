"""What a system begins with, and the file that its training leaves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch

import facegauge_models
from facegauge_models.teachers import GradedCLIP
from facegauge_training.common.errors import RecipeError
from facegauge_training.common.run_files import save_atomically
from facegauge_training.pretraining.backbones import trunks
from facegauge_training.pretraining.weights import is_pretrained, load_pretrained_backbone

__all__ = ["Start", "build_network", "halved", "load_network", "save_network", "take_backbones"]


def load_network(checkpoint: Path) -> tuple[str, Any]:
    """Return the system's name and its network, in evaluation mode, of a finished training's `model.pt`.

    Raises:
        RecipeError: the file is missing, or is no such checkpoint.
    """
    if not checkpoint.is_file():
        raise RecipeError(f"There is no {checkpoint}: give the model.pt of a finished training.")
    try:
        saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
        network = facegauge_models.create(saved["system"])
        network.load_state_dict(saved["weights"])
    except Exception as error:  # unpickling raises whatever it likes
        raise RecipeError(f"{checkpoint} is no model.pt of `facegauge-train challenge`: {error}") from error
    return str(saved["system"]), network.eval()


def save_network(system: str, network: torch.nn.Module, how: Mapping[str, Any], path: Path) -> None:
    """Write a system's weights, with how it was trained."""
    weights = {name: tensor.cpu() for name, tensor in network.state_dict().items()}
    save_atomically({"system": system, "weights": weights, **how}, path)


@torch.no_grad()
def halved(network: torch.nn.Module, path: Path) -> None:
    """Round a finished network's matrices to 16 bits, in place, and its file `path` with them.

    The file is half as large. Vectors, which hold statistics of any scale, stay in 32 bits.
    """
    saved = torch.load(path, map_location="cpu", weights_only=True)
    saved["weights"] = {
        name: tensor.half() if tensor.is_floating_point() and tensor.ndim > 1 else tensor
        for name, tensor in saved["weights"].items()
    }
    save_atomically(saved, path)
    network.load_state_dict(saved["weights"])


class Start(NamedTuple):
    """A network before its training."""

    network: Any
    initialisation: str
    """What its weights are."""
    fresh_head: bool = True
    """Whether its head is still random."""


def build_network(
    system: str, seed: int, *, pretrained: bool = False, start_from: Path | None = None
) -> Start:
    """Build a system's network, and say what its weights are at the start.

    CLIP's tower is frozen but for its adapters, as Next's was, whatever it begins with.

    Args:
        system: its name.
        seed: of what is random.
        pretrained: whether published weights are to be fetched.
        start_from: the system's own model.pt, or a pretrained backbone alone, for a trunk that it fits.

    Raises:
        RecipeError: the weights are not to be had, are another network's, or would be frozen at random.
    """
    start = _build(system, seed, pretrained, start_from)
    if isinstance(start.network, GradedCLIP):
        if start.initialisation == "random":
            raise RecipeError(
                f"{system} tunes adapters of a tower that must not stand still at random: "
                "give --pretrained where its weights can be fetched, or --start-from."
            )
        start.network.freeze_tower()
    return start


def _build(system: str, seed: int, pretrained: bool, start_from: Path | None) -> Start:
    torch.manual_seed(seed)
    if start_from is not None and _is_backbone(start_from):
        network = facegauge_models.create(system)
        how = load_pretrained_backbone(start_from, network, facegauge_models.info(system).test.normalisation)
        return Start(network, f"features of {how['teacher']} in {how['backbone']}")
    if start_from is not None:
        other, network = load_network(start_from)
        if other != system:
            raise RecipeError(
                f"{start_from} is a {other}, not a {system}: give another, or a pretrained backbone."
            )
        return Start(network, f"{start_from.parent.name}/{start_from.name}", fresh_head=False)
    try:
        network = facegauge_models.create(system, pretrained=pretrained)
    except (ValueError, RuntimeError, ImportError, OSError) as error:
        raise RecipeError(f"No published weights for {system} here: {error}") from error
    return Start(network, "pretrained" if pretrained else "random")


def take_backbones(network: torch.nn.Module, system: str, folder: Path) -> list[str]:
    """Load every trunk of a network for which `folder` has a pretrained backbone, FOLDER/NAME/backbone.pt.

    A file of the trunk's own name goes before another that fits.

    Returns:
        The names of what was loaded.

    Raises:
        RecipeError: a file cannot be read.
    """
    normalisation = facegauge_models.info(system).test.normalisation
    files = {path.parent.name: path for path in sorted(folder.glob("*/backbone.pt"))}
    taken = []
    for trunk, module in trunks(network).items():
        own = [name for name in (f"{system}.{trunk}", system) if name in files]
        for name in (*own, *(name for name in files if name not in own)):
            try:
                load_pretrained_backbone(files[name], module, normalisation)
            except RecipeError as error:
                if name in own:
                    raise
                _ = error  # another backbone's: the next one may fit
                continue
            taken.append(name)
            break
    return taken


def _is_backbone(path: Path) -> bool:
    if not path.is_file():
        raise RecipeError(f"There is no {path}: give the file of a finished training.")
    try:
        return is_pretrained(torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:  # unpickling raises whatever it likes
        raise RecipeError(f"{path} is no model.pt of `facegauge-train challenge`: {error}") from error
