"""Every backbone that can be pretrained, by name, and the maps of its stages.

A name is timm's (`mobilenetv3_small_100`, built as students use it), a system of the zoo (`jnu620`), or one
trunk of a system that has several (`athenaface.shufflenet`). Stages are found alike in all of them: the last
map of each stride, from fine to coarse.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import timm
import torch
from torch import nn

import facegauge_models
from facegauge_models.dual_branch import DualBranch
from facegauge_models.emov2 import EMOv2Regressor
from facegauge_models.ensemble import EnsembleRegressor
from facegauge_models.imagenet import Normalisation
from facegauge_models.sfiqa import SFIQA
from facegauge_models.students import FaceStudent
from facegauge_training.common.errors import RecipeError

__all__ = ["STUDENT_PIXELS", "Backbone", "Stages", "build_backbone", "trunks"]

STUDENT_PIXELS: Normalisation = ((FaceStudent.MEAN / 255,) * 3, (FaceStudent.SCALE / 255,) * 3)
"""Normalisation of a student's pixels."""
DEEPEST = 2
"""Levels of submodules among which a network without `forward_intermediates` is searched for its stages."""


@dataclass(frozen=True, slots=True)
class Backbone:
    """A network to be pretrained."""

    name: str
    module: nn.Module
    """Takes pictures (n, 3, h, w), normalised; its output is not used."""
    normalisation: Normalisation


def trunks(network: nn.Module) -> dict[str, nn.Module]:
    """Return a system's or a student's convolutional trunks by name; they share the network's parameters.

    A torchvision trunk has the same parameter names in every system, so that weights go from one to another.
    """
    if isinstance(network, SFIQA):
        stem, *stages = network.whole
        return {
            "mobilenet": nn.Sequential(*network.to_fine, *network.to_coarse),
            "shufflenet": nn.Sequential(*stem.children(), *stages),
        }
    if isinstance(network, EnsembleRegressor):
        return {"mobilenet": network.mobilenet, "shufflenet": network.shufflenet}
    if isinstance(network, DualBranch):
        return {"local": network.local, "whole": network.whole}
    if isinstance(network, EMOv2Regressor):
        return {"trunk": nn.Sequential(network.stem, network.blocks)}
    return {
        name: part
        for name in ("backbone", "features")
        if isinstance(part := getattr(network, name, None), nn.Module)
    }


def build_backbone(name: str, seed: int) -> Backbone:
    """Build a backbone with random weights.

    Raises:
        RecipeError: neither timm nor the zoo has it, or it gives no maps of several stages.
    """
    torch.manual_seed(seed)
    system, _, trunk = name.partition(".")
    if system in facegauge_models.names():
        found = trunks(facegauge_models.create(system))
        if trunk not in found and (trunk or len(found) != 1):
            raise RecipeError(
                f"{name} names no single trunk: give --backbone "
                f"{' or '.join(f'{system}.{part}' for part in found) or 'another system'}."
            )
        module = found[trunk] if trunk else next(iter(found.values()))
        return Backbone(name, module, facegauge_models.info(system).test.normalisation)
    if name not in timm.list_models(name):
        raise RecipeError(
            f"Neither timm nor the zoo has {name!r}: give another --backbone, for instance "
            f"mobilenetv3_small_100 or one of {', '.join(facegauge_models.names(teachers=False))}."
        )
    try:
        return Backbone(name, FaceStudent(name).backbone, STUDENT_PIXELS)
    except (AttributeError, KeyError, TypeError, RuntimeError) as error:
        raise RecipeError(
            f"{name} does not give its maps of every stage ({error}): give another --backbone."
        ) from error


class Stages:
    """The maps of a network's stages, read while it runs.

    Attributes:
        strides: of each stage, px of the picture a step of its map, fine to coarse.
        widths: channels of each stage's map.
    """

    PROBED = 128

    def __init__(self, module: nn.Module) -> None:
        """Find the stages by running the network once, in evaluation mode.

        Raises:
            RecipeError: it has fewer than two, or takes one size of pictures alone.
        """
        self._module: Any = module
        trained = module.training
        module.eval()
        example = torch.zeros((1, 3, self.PROBED, self.PROBED), device=next(module.parameters()).device)
        try:
            with torch.no_grad():
                has_own = hasattr(module, "forward_intermediates")
                self._names = None if has_own else self._last_by_stride(example)
                maps = self(example)
        except (AssertionError, RuntimeError, ValueError) as error:
            raise RecipeError(
                f"The backbone does not run on {self.PROBED}x{self.PROBED} px ({error}): give another "
                "--backbone, one that takes any size."
            ) from error
        module.train(trained)
        self.strides = [self.PROBED // int(found.shape[2]) for found in maps]
        self.widths = [int(found.shape[1]) for found in maps]
        if len(maps) < 2:
            raise RecipeError("The backbone has maps of one stride alone: give another --backbone.")

    def __call__(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        """Return the map (n, c, h, w) of each stage for normalised pictures (n, 3, h, w)."""
        return _maps(self._module, self._names, pictures)

    def used_state(self) -> dict[str, torch.Tensor]:
        """Return the weights and statistics that the maps depend on; a classifier's are not among them."""
        module = copy.deepcopy(self._module).eval().requires_grad_()
        pictures = torch.ones((1, 3, 64, 64), device=next(module.parameters()).device)
        torch.stack([found.sum() for found in _maps(module, self._names, pictures)]).sum().backward()
        used = {name for name, parameter in module.named_parameters() if parameter.grad is not None}
        owners = {name.rpartition(".")[0] for name in used}
        with_parameters = {name.rpartition(".")[0] for name, _ in module.named_parameters()}
        buffers = {
            name
            for name, _ in module.named_buffers()
            if (owner := name.rpartition(".")[0]) in owners or owner not in with_parameters
        }
        state = self._module.state_dict()
        return {name: t.detach().cpu().clone() for name, t in state.items() if name in used | buffers}

    def _last_by_stride(self, example: torch.Tensor) -> list[str]:
        """Return the names of the submodules that give the last map of each stride, fine to coarse."""
        last: dict[int, str] = {}

        def watch(name: str) -> Callable[[nn.Module, Any, Any], None]:
            def hook(_module: nn.Module, _given: Any, found: Any) -> None:
                if isinstance(found, torch.Tensor) and found.ndim == 4 and 1 < found.shape[2] < self.PROBED:
                    last[self.PROBED // int(found.shape[2])] = name

            return hook

        hooks = [
            part.register_forward_hook(watch(name))
            for name, part in self._module.named_modules()
            if name and name.count(".") < DEEPEST
        ]
        self._module(example)
        for hook in hooks:
            hook.remove()
        return [last[stride] for stride in sorted(last)]


def _maps(module: Any, names: list[str] | None, pictures: torch.Tensor) -> list[torch.Tensor]:
    """Return the outputs of a network's named submodules, or its own intermediates if None."""
    if names is None:
        intermediates: list[torch.Tensor] = module.forward_intermediates(pictures, intermediates_only=True)
        return intermediates
    kept: dict[str, torch.Tensor] = {}
    hooks = [module.get_submodule(name).register_forward_hook(_keeping(kept, name)) for name in names]
    try:
        module(pictures)
    finally:
        for hook in hooks:
            hook.remove()
    return [kept[name] for name in names]


def _keeping(kept: dict[str, torch.Tensor], name: str) -> Callable[[nn.Module, Any, torch.Tensor], None]:
    """Return a hook that keeps a module's output under its name."""

    def hook(_module: nn.Module, _given: Any, found: torch.Tensor) -> None:
        kept[name] = found

    return hook
