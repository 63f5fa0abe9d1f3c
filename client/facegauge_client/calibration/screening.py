"""What no calibration can be made from: too little, too narrow, or contradictory.

The bounds are ours; what they guard against is in ITU-T P.910 (votes a clip, range of conditions), P.913
(raters at odds with the others) and P.1401 (numbers of conditions, significance of a correlation).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from facegauge_client.calibration.ratings import RatedClip, RatingsRefused

__all__ = ["check_clips", "srocc"]

Floats = npt.NDArray[np.float64]

MIN_CLIPS = 20
"""Fewest clips of which an interval can be said to hold 95 of 100."""
MIN_VOTES = 4
"""A clip; laboratory tests take 15 or more."""
MIN_MOS_SPAN, MIN_QUALITY_SPAN = 1.5, 0.2
MIN_RATER_CORRELATION = 0.2
"""Least correlation of a rater with the mean of the others."""
MIN_SHARED_CLIPS = 8
"""Clips that a rater must share with others for a correlation to mean anything."""
MIN_RELIABILITY = 0.6
"""Share of what the clips' means differ by that is theirs and not the raters' (ICC(1,k))."""
Z_95 = 1.96


def check_clips(clips: Sequence[RatedClip]) -> None:
    """Raise RatingsRefused, in a sentence, for the first thing that forbids a calibration."""
    if len(clips) < MIN_CLIPS:
        raise RatingsRefused(f"at least {MIN_CLIPS} rated clips are needed, not {len(clips)}")
    fewest = min(clips, key=lambda clip: len(clip.votes))
    if len(fewest.votes) < MIN_VOTES:
        raise RatingsRefused(
            f"clip {fewest.clip!r} has {len(fewest.votes)} of the {MIN_VOTES} votes that each clip needs at "
            "least, from different people; give a line for each vote, not means"
        )
    quality = np.array([clip.quality for clip in clips])
    mos = np.array([clip.mos for clip in clips])
    if np.ptp(mos) < MIN_MOS_SPAN:
        raise RatingsRefused(
            f"the clips' mean ratings go from {mos.min():.1f} to {mos.max():.1f}: they must span "
            f"{MIN_MOS_SPAN:g} at least, so add worse or better clips"
        )
    if np.ptp(quality) < MIN_QUALITY_SPAN:
        raise RatingsRefused(
            f"the clips' qualities go from {quality.min():.2f} to {quality.max():.2f}: they must span "
            f"{MIN_QUALITY_SPAN:g} at least, so add worse or better clips"
        )
    _check_raters(clips)
    reliability = _reliability(clips)
    if reliability < MIN_RELIABILITY:
        raise RatingsRefused(
            f"the votes for one clip differ nearly as much as those for different clips (reliability "
            f"{reliability:.2f}, at least {MIN_RELIABILITY} is needed): the raters disagree"
        )
    _check_correlation(quality, mos)


def srocc(first: Floats, second: Floats) -> float:
    """Return Spearman's rank correlation; 0 where one side is constant."""
    return _plcc(_ranks(first), _ranks(second))


def _check_raters(clips: Sequence[RatedClip]) -> None:
    """Refuse a named rater who is at odds with the others."""
    for rater in sorted({rater for clip in clips for rater in clip.by_rater}):
        shared = [clip for clip in clips if rater in clip.by_rater and len(clip.by_rater) > 1]
        if len(shared) < MIN_SHARED_CLIPS:
            continue
        own = np.array([clip.by_rater[rater] for clip in shared])
        others = np.array(
            [(math.fsum(clip.votes) - clip.by_rater[rater]) / (len(clip.by_rater) - 1) for clip in shared]
        )
        agreement = _plcc(own, others)
        if agreement < MIN_RATER_CORRELATION:
            raise RatingsRefused(
                f"the ratings of {rater!r} contradict the others' (correlation {agreement:.2f}, at least "
                f"{MIN_RATER_CORRELATION} is needed): leave them out, or find out what happened"
            )


def _reliability(clips: Sequence[RatedClip]) -> float:
    """Return the ICC(1,k) of the clips' means, by a one-way analysis of variance."""
    votes = [np.array(clip.votes) for clip in clips]
    everything = np.concatenate(votes)
    mean = everything.mean()
    between = sum(len(given) * (given.mean() - mean) ** 2 for given in votes) / (len(votes) - 1)
    within = sum(((given - given.mean()) ** 2).sum() for given in votes) / (len(everything) - len(votes))
    return float((between - within) / between) if between > 0 else 0.0


def _check_correlation(quality: Floats, mos: Floats) -> None:
    """Refuse ratings that do not rise with quality beyond chance (Fisher's z, 95%)."""
    correlation = srocc(quality, mos)
    bounded = min(max(correlation, -0.999999), 0.999999)
    lowest = math.tanh(math.atanh(bounded) - Z_95 / math.sqrt(len(mos) - 3))
    if lowest <= 0:
        raise RatingsRefused(
            f"the ratings do not rise with the quality (rank correlation {correlation:.2f} over {len(mos)} "
            "clips, no more than chance may give): look whether clips are mixed up, or something other than "
            "the picture of the faces was rated"
        )


def _plcc(first: Floats, second: Floats) -> float:
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])


def _ranks(values: Floats) -> Floats:
    """Return ranks, those alike sharing their mean."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: Floats = ((last - counts + 1 + last) / 2)[inverse]
    return ranks
