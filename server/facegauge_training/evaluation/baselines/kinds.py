"""What a baseline is."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from facegauge_server.types import Pixels

__all__ = ["Baseline", "Floats", "Measure"]

Floats = npt.NDArray[np.float64]
Measure = Callable[[Iterable[Pixels]], Floats]


@dataclass(frozen=True, slots=True)
class Baseline:
    """A measure of one picture, and where it comes from."""

    name: str
    title: str
    origin: str
    """The paper or the package, as a citation."""
    orientation: str
    """How its number became one that is better the higher."""
    measure: Measure
    """RGB uint8 (height, width, 3) pictures, of any sizes -> float64 (n,), finite, better the higher."""
    module: str = ""
    """Module that must be importable; empty if it always is."""
    distribution: str = ""
    """Distribution on PyPI that brings the module."""

    @property
    def missing(self) -> str:
        """How to install what is missing; empty if nothing is."""
        if not self.module or importlib.util.find_spec(self.module) is not None:
            return ""
        return f"not run: install with `uv sync --group dev --group baselines` (PyPI's {self.distribution})"
