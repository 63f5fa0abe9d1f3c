"""1-euro filter for boxes: calm while a face rests, quick while it moves.

Source: Casiez, Roussel, Vogel: 1 Euro Filter, CHI 2012.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from facegauge_server.types import Box

__all__ = ["OneEuro"]

MIN_CUTOFF_HZ = 1.0
SPEED_WEIGHT = 4.0
SPEED_CUTOFF_HZ = 1.0

Four = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class OneEuro:
    """State of the filter after a box. Speeds are relative to the box: near and far faces behave alike."""

    value: Four
    """Centre x, centre y, width and height, pixels."""
    speed: Four = (0.0, 0.0, 0.0, 0.0)
    """Change of `value` a second, filtered."""

    @classmethod
    def starting_at(cls, box: Box) -> OneEuro:
        """Return the state after a first box."""
        return cls((box.x + box.width / 2, box.y + box.height / 2, box.width, box.height))

    @property
    def box(self) -> Box:
        """The filtered box."""
        center_x, center_y, width, height = self.value
        return Box(center_x - width / 2, center_y - height / 2, width, height)

    def after(self, box: Box, elapsed_s: float) -> OneEuro:
        """Return the state after the next box, which came `elapsed_s` later."""
        value = np.array(OneEuro.starting_at(box).value)
        if elapsed_s <= 0:
            return OneEuro(_four(value), self.speed)
        before, speed = np.array(self.value), np.array(self.speed)
        speed += _weight(SPEED_CUTOFF_HZ, elapsed_s) * ((value - before) / elapsed_s - speed)
        relative_speed = float(np.abs(speed).max()) / max(box.short_side, 1.0)
        cutoff_hz = MIN_CUTOFF_HZ + SPEED_WEIGHT * relative_speed
        return OneEuro(_four(before + _weight(cutoff_hz, elapsed_s) * (value - before)), _four(speed))

    def rescaled(self, scale_x: float, scale_y: float) -> OneEuro:
        """Return the state for a frame of another size."""
        scale = np.array([scale_x, scale_y, scale_x, scale_y])
        return OneEuro(_four(np.array(self.value) * scale), _four(np.array(self.speed) * scale))


def _four(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Four:
    center_x, center_y, width, height = values.tolist()
    return center_x, center_y, width, height


def _weight(cutoff_hz: float, elapsed_s: float) -> float:
    """Return the weight of a new sample in a first-order low-pass filter."""
    return 1 / (1 + 1 / (2 * math.pi * cutoff_hz * elapsed_s))
