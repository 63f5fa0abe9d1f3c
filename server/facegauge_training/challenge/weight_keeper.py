"""Training state other than the weights: rates, what is frozen, the best or the average weights."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from facegauge_training.challenge.recipe import Recipe, Stage

__all__ = ["Keeper", "optimiser_for", "set_frozen", "set_rates"]

Weights = dict[str, torch.Tensor]


def optimiser_for(network: nn.Module, recipe: Recipe, stage: Stage) -> torch.optim.Optimizer:
    """Return a fresh optimiser: the head's parameters first, then the backbone's, where they differ."""
    named = list(network.named_parameters())
    head = [p for name, p in named if not recipe.head or name.startswith(recipe.head)]
    backbone = [p for name, p in named if recipe.head and not name.startswith(recipe.head)]
    groups = [{"params": parameters} for parameters in (head, backbone) if parameters]
    kind = torch.optim.AdamW if recipe.optimiser == "adamw" else torch.optim.Adam
    fused = next(network.parameters()).is_cuda
    return kind(groups, lr=stage.rate, weight_decay=recipe.weight_decay, fused=fused)


def set_rates(optimiser: torch.optim.Optimizer, stage: Stage, rate: float) -> None:
    """Set the head's rate, and the backbone's share of it."""
    for group, share in zip(optimiser.param_groups, (1.0, stage.backbone_rate), strict=False):
        group["lr"] = rate * share


def set_frozen(network: nn.Module, recipe: Recipe, *, frozen: bool) -> None:
    """Let the backbone stand still, its batch statistics too, or move again."""
    if not recipe.head:
        return
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(not frozen or name.startswith(recipe.head))
    for name, part in network.named_children():
        if frozen and not f"{name}.".startswith(recipe.head):
            part.eval()


class Keeper:
    """Keeps the weights that a recipe asks for, and lowers the rate or ends a stage when nothing gets better.

    Attributes:
        multiplier: factor of the rate, for plateau schedules.
    """

    def __init__(self, recipe: Recipe, branch: int = 0) -> None:
        """Begin.

        Args:
            recipe: says what is kept.
            branch: of an ensemble, whose weights alone are kept.
        """
        self._recipe, self._branch = recipe, branch
        self._begin()

    def _begin(self) -> None:
        self.multiplier = 1.0
        self._best: Weights | None = None
        self._best_score = float("-inf")
        self._better_at = self._lowered_at = 0
        self._vain = 0
        self._average: Weights | None = None
        self._averaged = 0

    def note(self, network: nn.Module, score: float | None, epoch: int, stage: Stage) -> None:
        """Record a Score on the validation rows (None if it is not defined) in an epoch."""
        if score is not None and score > self._best_score:
            self._best_score, self._better_at, self._vain = score, epoch, 0
            if self._recipe.keep != "last" and not stage.average:
                self._best = self._copied(network)
            return
        self._vain += 1
        still = min(self._vain, epoch - max(self._better_at, self._lowered_at))
        if stage.schedule.kind == "plateau" and still >= stage.schedule.every:
            self.multiplier *= stage.schedule.factor
            self._lowered_at, self._vain = epoch, 0

    def gave_up(self, epoch: int) -> bool:
        """Return whether the stage is to end: no better Score for as many epochs as the recipe's patience.

        In a shortened run, where a validation spans several epochs, for as many validations.
        """
        patience = self._recipe.patience
        return patience is not None and min(epoch - self._better_at, self._vain) >= patience

    def average(self, network: nn.Module) -> None:
        """Add the weights, batch statistics among them, to the running average."""
        self._averaged += 1
        new = self._copied(network)
        if self._average is None:
            self._average = new
            return
        for name, kept in self._average.items():
            if kept.is_floating_point():
                kept.lerp_(new[name], 1 / self._averaged)
            else:
                kept.copy_(new[name])

    def finish(self, network: nn.Module, stage: Stage) -> None:
        """Put the kept weights into the network, and begin anew for the next stage."""
        chosen = self._average if stage.average else self._best
        if chosen is not None:
            network.load_state_dict(chosen, strict=not self._recipe.branches)
        self._begin()

    def state(self) -> dict[str, Any]:
        """Return all that a checkpoint must hold."""
        return {name: value for name, value in vars(self).items() if name not in ("_recipe", "_branch")}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint's state."""
        vars(self).update(state)

    def _copied(self, network: nn.Module) -> Weights:
        return {
            name: tensor.detach().clone()
            for name, tensor in network.state_dict().items()
            if self._recipe.branch_of(name) == self._branch
        }
