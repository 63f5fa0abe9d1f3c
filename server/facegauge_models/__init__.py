"""The model zoo: the fourteen systems of the VQualA 2025 face image quality challenge, and their teachers.

    >>> import facegauge_models
    >>> facegauge_models.info("ecnu-sjtu").input_size
    (288, 288)
    >>> network = facegauge_models.create("ecnu-sjtu")  # torch is imported here, not before

Every network maps normalised RGB pictures (n, 3, height, width) to one quality a picture, (n,), 1 best.
`python -m facegauge_models` prints the report's Table 1 beside what is measured.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from facegauge_models.registry import MODELS, Model

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Model", "UnknownModelError", "create", "info", "names"]


class UnknownModelError(LookupError):
    """Raised when no model has the name that was asked for; the message lists those there are."""


def names(*, teachers: bool = True) -> tuple[str, ...]:
    """Return the models' names: the challenge's systems by rank, the baseline, then the teachers."""
    return tuple(name for name, model in MODELS.items() if teachers or model.reported is not None)


def info(name: str) -> Model:
    """Return what is known of a model without building it.

    Raises:
        UnknownModelError: no model has this name.
    """
    try:
        return MODELS[name]
    except KeyError:
        raise UnknownModelError(f"There is no model {name!r}. There are: {', '.join(MODELS)}.") from None


def create(name: str, *, pretrained: bool = False) -> nn.Module:
    """Build a model, in training mode, on the CPU.

    Args:
        name: one of `names()`.
        pretrained: start the backbone from published weights (of ImageNet, or CLIP's), which torchvision
            and timm download, and a package brings for `efficientnet-lite2`. Otherwise at random.

    Returns:
        A module that maps pictures, float (n, 3, height, width), normalised as `info(name).test` says, to
        qualities, float (n,). Their range is 0-1 where the team's head ends in a sigmoid, else unbounded.

    Raises:
        UnknownModelError: no model has this name.
        ValueError: `pretrained`, and nobody has published weights for its backbone.
        RuntimeError: `pretrained`, and the weights cannot be had here.
    """
    model = info(name)
    module, function = model.builder.split(":")
    build = getattr(importlib.import_module(f"facegauge_models.{module}"), function)
    network: nn.Module = build(pretrained=pretrained, **model.options)
    return network
