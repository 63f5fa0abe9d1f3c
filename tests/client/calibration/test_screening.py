"""Ratings that no calibration can be made from are refused in one sentence that says what to do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr

from facegauge_client.calibration.fit import fit
from facegauge_client.calibration.ratings import RatedClip, RatingsRefused
from facegauge_client.calibration.screening import check_clips, srocc

from .conftest import rated_clips


def with_votes(clip: RatedClip, by_rater: dict[str, float]) -> RatedClip:
    return replace(clip, votes=tuple(by_rater.values()), by_rater=by_rater)


def refusal(clips: list[RatedClip]) -> str:
    with pytest.raises(RatingsRefused) as caught:
        check_clips(clips)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("named", [True, False])
def test_honest_ratings_pass(named: bool) -> None:
    """Raters that lean one way or the other by half a point do not contradict one another."""
    check_clips(rated_clips(20, 4, named=named))


def test_too_few_clips() -> None:
    """Nineteen cannot say where 95 of 100 lie."""
    assert refusal(rated_clips(19)) == "at least 20 rated clips are needed, not 19"


def test_too_few_votes() -> None:
    """The clip is named; a mean of many votes counts as one."""
    clips = rated_clips()
    clips[7] = replace(clips[7], votes=(3.0, 4.0, 3.0))
    assert refusal(clips).startswith("clip '7.mp4' has 3 of the 4 votes that each clip needs")


def test_too_narrow_ratings() -> None:
    """Clips that all look alike say nothing of the scale."""
    assert "they must span 1.5 at least" in refusal(rated_clips(truth=lambda quality: 3 + 0.5 * quality))


def test_too_narrow_qualities() -> None:
    """However far apart the ratings are."""
    clips = rated_clips(lowest=0.5, highest=0.65, truth=lambda quality: 1 + 4 * (quality - 0.5) / 0.15)
    assert refusal(clips).startswith("the clips' qualities go from 0.50 to 0.65")


def test_a_rater_against_the_others_is_named() -> None:
    """One who took 1 for the best."""
    clips = [
        with_votes(clip, {**clip.by_rater, "rater 3": 6 - clip.by_rater["rater 3"]}) for clip in rated_clips()
    ]
    assert refusal(clips).startswith("the ratings of 'rater 3' contradict the others' (correlation -0.")


def test_raters_that_disagree() -> None:
    """Without names: votes for one clip as far apart as those for all."""
    random = np.random.default_rng(5)
    clips = [
        replace(clip, votes=tuple(random.integers(1, 6, 4).astype(float)))
        for clip in rated_clips(named=False)
    ]
    assert "the raters disagree" in refusal(clips)


@pytest.mark.parametrize("quality", [lambda q: 1 - q, lambda q: (q * 7919) % 1])
def test_ratings_that_do_not_rise_with_quality(quality: object) -> None:
    """Against it, or without any relation to it."""
    assert callable(quality)
    clips = [replace(clip, quality=quality(clip.quality)) for clip in rated_clips()]
    assert "do not rise with the quality" in refusal(clips)


def test_a_map_that_foretells_nothing_is_refused() -> None:
    """Ranks may agree beyond chance where no map helps: then the mean of all is the better guess."""
    random = np.random.default_rng(2963)  # of 69 such draws the first where that is so
    drawn = random.permutation([1.0, 2.0, 4.0, 5.0] * 5)
    clips = [
        replace(clip, votes=(vote,) * 4)
        for clip, vote in zip(rated_clips(20, named=False), drawn, strict=True)
    ]
    check_clips(clips)
    with pytest.raises(RatingsRefused, match="no map foretells a clip's rating better than the mean"):
        fit(clips)


def test_rank_correlation_agrees_with_scipy() -> None:
    """Ties included; the screening itself needs no SciPy."""
    random = np.random.default_rng(3)
    for _ in range(20):
        first = random.integers(0, 9, 30).astype(float)
        second = first + random.integers(0, 9, 30).astype(float)
        assert srocc(first, second) == pytest.approx(spearmanr(first, second).statistic)
    assert srocc(np.ones(5), np.linspace(0, 1, 5)) == 0.0
