"""Ratings as viewers would give them, made by a rule that the tests know."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from facegauge_client.calibration.ratings import RatedClip

MakeClips = Callable[..., list[RatedClip]]


def opinion(quality: float) -> float:
    """What the mean of very many viewers would say."""
    return float(1 + 4 / (1 + np.exp(-8 * (quality - 0.55))))


def rated_clips(
    count: int = 40,
    raters: int = 12,
    *,
    truth: Callable[[float], float] = opinion,
    lowest: float = 0.1,
    highest: float = 0.95,
    named: bool = True,
    seed: int = 1,
) -> list[RatedClip]:
    """Clips whose raters differ from the truth, and from one another, by half a point or so."""
    random = np.random.default_rng(seed)
    leanings = random.normal(0, 0.3, raters)
    clips = []
    for number, quality in enumerate(np.linspace(lowest, highest, count)):
        votes = np.clip(np.round(truth(quality) + leanings + random.normal(0, 0.5, raters)), 1, 5).tolist()
        by_rater = {f"rater {rater}": vote for rater, vote in enumerate(votes)}
        clips.append(RatedClip(f"{number}.mp4", float(quality), tuple(votes), by_rater if named else {}))
    return clips
