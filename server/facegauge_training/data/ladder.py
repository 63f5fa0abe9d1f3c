"""Build the ladder of the val split: every unseen face at fixed steps of one defect at a time.

This is what every student is measured on. The steps were fixed before any training and do not follow it:
x264, VP9, defocus and received lines carry plain VMAF/100 as their label; noise and darkness, whose labels
rest on stated anchors, are in the same store and are reported apart. One crop a step, with the exact box.
Resumes after a kill; a second run finds everything there.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from facegauge_training.common.errors import RecipeError
from facegauge_training.data.crop_set import CropSet, chain_of
from facegauge_training.data.degradation_chain import Chain
from facegauge_training.data.sources import Source
from facegauge_training.data.store import fill_store

__all__ = ["ANCHORED", "LADDER", "build_ladder", "ladder_steps", "ladder_store", "step_name"]

LADDER: dict[str, list[Chain]] = {
    "pristine": [Chain()],
    "x264": [Chain(codec="x264", quality=crf) for crf in (23, 28, 33, 38, 43, 47, 51)],
    "vp9": [Chain(codec="vp9", quality=q) for q in (30, 40, 48, 56, 63)],
    "defocus": [Chain(defocus=radius) for radius in (1.0, 2.0, 3.0, 4.5, 6.5)],
    "lines": [Chain(lines=lines) for lines in (540, 360, 270, 180)],
    "noise": [Chain(noise=sigma, grain=0.6) for sigma in (4, 8, 14, 22, 34)],
    "darkness": [Chain(stops=-stops) for stops in (1.0, 2.0, 3.0, 4.0, 5.0)],
}
"""Family -> its steps, from mild to harsh."""
ANCHORED = ("noise", "darkness")
"""The families whose labels are not plain VMAF."""
SEED = 7


def ladder_store(cache: Path) -> Path:
    """Return the folder of the ladder's crops below the cache."""
    return cache / "ladder-1"


def step_name(chain: Chain) -> tuple[str, int]:
    """Return the family of a ladder's chain and its step (0 for pristine, then 1 the mildest).

    Raises:
        ValueError: no step of the ladder is this chain.
    """
    for family, steps in LADDER.items():
        if chain in steps:
            return family, 0 if family == "pristine" else steps.index(chain) + 1
    raise ValueError(f"not a step of the ladder: {chain}")


def all_steps(rng: np.random.Generator) -> list[Chain]:  # noqa: ARG001 - a plan that draws nothing
    """Return every step of every family."""
    return [chain for steps in LADDER.values() for chain in steps]


def build_ladder(cache: Path, sources: list[Source], workers: int) -> tuple[Path, int]:
    """Build the ladder of photos; return the store and how many photos were labelled now."""
    folder = ladder_store(cache)
    return folder, fill_store(folder, sources, all_steps, SEED, takes=1, jitter=False, workers=workers)


def ladder_steps(crops: CropSet) -> list[tuple[str, int]]:
    """Return the family and the step (0 for pristine, then 1 the mildest) of each crop of the ladder.

    Raises:
        RecipeError: a crop is not of this version's ladder.
    """
    try:
        return [step_name(chain_of(row)) for row in crops.rows]
    except ValueError as error:
        raise RecipeError(
            "The cached ladder is not this version's: delete its folder in the cache and build it again."
        ) from error
