"""How far a backbone's stages are from the teacher's: adapters, and the loss that trains through them.

Every stage of the teacher is read, by linear adapters, from the backbone's stage of the nearest stride: its
statistics from the stage's means and deviations, its map from the stage's map. Errors are relative to the
targets' own variance, so that 1 is what a guess of the mean, or of no difference, gets. The third part asks
for the *difference* between the two views of a pair, each number relative to its usual difference: what a
defect changed, whoever the face is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from facegauge_training.pretraining.feature_teacher import (
    DIRECTIONS,
    STATISTIC_WIDTHS,
    STRIDES,
    statistics,
)
from facegauge_training.pretraining.target_store import TargetStore

__all__ = ["Losses", "Matching", "Targets", "nearest_stages"]

PAIR_WEIGHT = 0.5
FITTED_ON = 4096
"""Views whose statistics give the scales, at most."""


@dataclass(frozen=True, slots=True)
class Targets:
    """The teacher's outputs about n views, n even, pairs side by side."""

    statistics: torch.Tensor
    """float32 (n, 1024)."""
    maps: dict[int, torch.Tensor]
    """Stride -> float32 (n, directions, h, w)."""


@dataclass(frozen=True, slots=True)
class Losses:
    """Relative errors, scalars, 1 for a guess of the mean."""

    statistics: torch.Tensor
    maps: torch.Tensor
    pairs: torch.Tensor

    @property
    def total(self) -> torch.Tensor:
        """What is minimised."""
        return self.statistics + self.maps + PAIR_WEIGHT * self.pairs

    def detach(self) -> Losses:
        """Return the same without what led to it; nothing waits for the device."""
        return Losses(self.statistics.detach(), self.maps.detach(), self.pairs.detach())


def nearest_stages(strides: list[int]) -> list[tuple[int, int]]:
    """Return (the backbone's stage, the teacher's stage), by number, that are compared.

    Every stage of the teacher appears, and every stage of the backbone.
    """
    links = [
        (min(range(len(strides)), key=lambda s: _octaves(strides[s], t)), n) for n, t in enumerate(STRIDES)
    ]
    missing = set(range(len(strides))) - {own for own, _ in links}
    more = [
        (s, min(range(len(STRIDES)), key=lambda n: _octaves(strides[s], STRIDES[n]))) for s in sorted(missing)
    ]
    return sorted(links + more)


class Matching(nn.Module):
    """Compare maps of a backbone's stages with the teacher's outputs."""

    centre: torch.Tensor
    scale: torch.Tensor
    pair_scale: torch.Tensor

    def __init__(self, strides: list[int], widths: list[int], store: TargetStore) -> None:
        """Build the adapters.

        Args:
            strides: of the backbone's stages.
            widths: their channels.
            store: whose outputs give the scales.
        """
        super().__init__()
        self.links = nearest_stages(strides)
        half = FITTED_ON // 2
        chosen = np.linspace(0, store.pairs - 1, min(half, store.pairs)).astype(int)
        views = np.stack((2 * chosen, 2 * chosen + 1), axis=1).ravel()
        known = torch.from_numpy(np.asarray(store.outputs.statistics)[views].astype(np.float32))
        deviation = known.std(dim=0)
        self.register_buffer("centre", known.mean(dim=0))
        self.register_buffer("scale", deviation.clamp(min=1e-3))
        differences = (known[0::2] - known[1::2]) / self.scale
        self.register_buffer("pair_scale", differences.square().mean(dim=0).sqrt().clamp(min=0.05))
        self.norms = nn.ModuleList(nn.BatchNorm1d(2 * widths[own], affine=False) for own, _ in self.links)
        self.readers = nn.ModuleList(nn.Linear(2 * widths[own], STATISTIC_WIDTHS[n]) for own, n in self.links)
        mapped = [(own, STRIDES[n]) for own, n in self.links if STRIDES[n] in DIRECTIONS]
        self.mapped = mapped
        self.map_readers = nn.ModuleList(
            nn.Sequential(
                nn.BatchNorm2d(widths[own], affine=False), nn.Conv2d(widths[own], DIRECTIONS[stride], 1)
            )
            for own, stride in mapped
        )

    def forward(self, maps: list[torch.Tensor], targets: Targets) -> Losses:
        """Return the losses of the maps (n, c, h, w) of the backbone's stages."""
        pooled = [statistics(found) for found in maps]
        wanted = ((targets.statistics - self.centre) / self.scale).split(STATISTIC_WIDTHS, dim=1)
        pair_scales = self.pair_scale.split(STATISTIC_WIDTHS)
        statistic_losses, pair_losses, map_losses = [], [], []
        for (own, theirs), norm, reader in zip(self.links, self.norms, self.readers, strict=True):
            read, want = reader(norm(pooled[own])), wanted[theirs]
            statistic_losses.append(_robust(read, want))
            differences = ((part[0::2] - part[1::2]) / pair_scales[theirs] for part in (read, want))
            pair_losses.append(_robust(*differences))
        for (own, stride), map_reader in zip(self.mapped, self.map_readers, strict=True):
            map_losses.append(_robust(*_same_size(map_reader(maps[own]), targets.maps[stride])))
        return Losses(*(torch.stack(part).mean() for part in (statistic_losses, map_losses, pair_losses)))


def _octaves(a: int, b: int) -> float:
    return abs(float(np.log2(a / b)))


def _robust(read: torch.Tensor, want: torch.Tensor) -> torch.Tensor:
    """Return the mean squared error, but errors above 1 count by their size: no view leads alone."""
    return 2 * nn.functional.smooth_l1_loss(read, want)


def _same_size(a: torch.Tensor, b: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Average the finer of two maps down to the coarser."""
    size = (min(a.shape[2], b.shape[2]), min(a.shape[3], b.shape[3]))
    return nn.functional.adaptive_avg_pool2d(a, size), nn.functional.adaptive_avg_pool2d(b, size)
