"""How long and how fast a backbone learns, and from which views."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["BATCH", "Plan"]

BATCH = 32
"""Views a step."""
WARM_UP = 0.05


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how fast a backbone learns."""

    samples: int
    """Views to learn from, `BATCH` at a time."""
    crop_share: float
    """Share of the views, in the end, that are crops rather than patches."""
    rate: float
    """Highest learning rate."""
    seed: int
    fixed_share: float = 0.2
    """Share of the steps, the last ones, with fixed statistics of batch normalisation. With each batch's own
    to the end, nothing tells of pictures that lie far off, which squeeze-and-excitation multiplies: behind
    MobileNetV3's last stage, a few of 128 faces had a hundred times the median energy."""
    save_every_s: float = 60.0

    @property
    def steps(self) -> int:
        """Batches in all."""
        return self.samples // BATCH

    def rate_at(self, step: int) -> float:
        """Return the rate of a step: a linear rise, then half a cosine to (almost) 0."""
        share = step / self.steps
        return max(min(1.0, share / WARM_UP) * (0.5 + 0.5 * math.cos(math.pi * share)) * self.rate, 1e-6)

    def shows_crops(self, step: int) -> bool:
        """Return whether a step learns from crops."""
        return step >= self.steps - round(self.steps * self.crop_share)

    def fixed(self, step: int) -> bool:
        """Return whether a step is taken with fixed statistics."""
        return step >= self.steps - round(self.steps * self.fixed_share)
