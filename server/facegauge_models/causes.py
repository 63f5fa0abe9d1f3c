"""Names of what can be wrong with a picture, in the order of every vector of causes."""

from __future__ import annotations

__all__ = ["CAUSES"]

CAUSES = ("compression", "resolution", "blur", "noise", "exposure", "loss")
