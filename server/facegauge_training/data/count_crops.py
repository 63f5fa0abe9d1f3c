"""Count what a store holds: crops by source, and by the causes that they show."""

from __future__ import annotations

from collections import Counter

from facegauge_training.data.causes import causes_of
from facegauge_training.data.crop_set import CropSet, chain_of

__all__ = ["count"]


def count(crops: CropSet) -> dict[str, Counter[str]]:
    """Return the number of crops by `source`, by `causes` (joined by " + ") and by `variety`."""
    return {
        "source": Counter(row["source"] for row in crops.rows),
        "causes": Counter(" + ".join(causes_of(chain_of(row))) or "none" for row in crops.rows),
        "variety": Counter(row.get("variety", "none") for row in crops.rows),
    }
