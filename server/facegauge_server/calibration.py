"""Quality -> mean opinion score, by a file that `facegauge calibrate` made from an operator's own ratings.

A quality is no opinion, so nothing here is called one without such a file, and a file holds for the student
whose qualities it was made from, since those of different students do not compare.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from facegauge_server.errors import BadConfiguration
from facegauge_server.types import MosEstimate

__all__ = ["Calibration", "ServedModel", "load_calibration"]

FORMAT, VERSION = "facegauge-calibration", 1
WORST, BEST = 1.0, 5.0
"""Ends of the scale of ITU-T P.910."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """A monotone map from quality to mean opinion score; raises ValueError for one that is none."""

    quality: tuple[float, ...]
    """Points of the map, rising, 0-1."""
    mos: tuple[float, ...]
    """The score at each, never falling, 1-5."""
    half_width: float
    """Bounds of the interval that holds 95 of 100 clips."""
    rated_from: float
    """The lowest quality among the clips that were rated."""
    rated_to: float
    """The highest."""

    def __post_init__(self) -> None:
        if not 2 <= len(self.quality) == len(self.mos):
            raise ValueError("the map needs at least two points, each with a quality and a score")
        if not (_is_rising(self.quality, 0, 1) and min(np.diff(self.quality)) > 0):
            raise ValueError("the map's qualities must rise, within 0 and 1")
        if not _is_rising(self.mos, WORST, BEST):
            raise ValueError("the map's scores must never fall, within 1 and 5")
        if not 0 < self.half_width < math.inf:
            raise ValueError("the interval's half width must be greater than 0")
        if not _is_rising((self.rated_from, self.rated_to), 0, 1):
            raise ValueError("the range of rated qualities must lie within 0 and 1")

    def estimate(self, quality: float) -> MosEstimate:
        """Return the score for a quality; beyond what was rated the interval is open to the scale's end."""
        value = float(np.interp(quality, self.quality, self.mos))
        low, high = max(WORST, value - self.half_width), min(BEST, value + self.half_width)
        if quality < self.rated_from:
            low = WORST
        if quality > self.rated_to:
            high = BEST
        return MosEstimate(value, low, high)


@dataclass(frozen=True, slots=True)
class ServedModel:
    """The student that serves, and what its qualities mean to the operator's viewers."""

    name: str
    sha256: str
    calibration: Calibration | None = None

    def mos(self, quality: float | None) -> MosEstimate | None:
        """Return the score for a quality; None without a calibration or a quality."""
        if self.calibration is None or quality is None:
            return None
        return self.calibration.estimate(quality)


def load_calibration(path: Path, model_sha256: str) -> Calibration:
    """Read a calibration; raises BadConfiguration for a file that is none, or that is another student's."""
    try:
        read: dict[str, Any] = json.loads(path.read_text())
        if (read["format"], read["version"]) != (FORMAT, VERSION):
            raise ValueError(f"its format is {read['format']} {read['version']}, not {FORMAT} {VERSION}")
        made_for, rated = read["model"], read["rated_range"]
        calibration = Calibration(
            tuple(map(float, read["map"]["quality"])),
            tuple(map(float, read["map"]["mos"])),
            float(read["interval"]["half_width"]),
            float(rated[0]),
            float(rated[1]),
        )
        name, sha256 = str(made_for["name"]), made_for["sha256"]
    except OSError as error:
        raise BadConfiguration(f"--calibration: cannot read {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise BadConfiguration(f"--calibration: {path} is no calibration: {error!r}") from error
    if sha256 != model_sha256:
        raise BadConfiguration(
            f"--calibration: {path} was made from qualities of {name}, sha256 {str(sha256)[:12]}…, but the "
            f"student that serves has {model_sha256[:12]}…: run `facegauge calibrate` with its qualities, or "
            "choose the other one by --model"
        )
    return calibration


def _is_rising(values: tuple[float, ...], lowest: float, highest: float) -> bool:
    steps = np.diff(values)
    return bool(
        np.isfinite(values).all() and (steps >= 0).all() and lowest <= values[0] <= values[-1] <= highest
    )
