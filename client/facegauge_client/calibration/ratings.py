"""A CSV file of ratings: a line a vote, with the columns `clip`, `rating` and perhaps `rater` and `quality`.

Ratings are those of ITU-T P.910 and P.808: 1 bad, 2 poor, 3 fair, 4 good, 5 excellent.
"""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from facegauge_client.sdk.errors import FacegaugeError

__all__ = ["BEST", "WORST", "RatedClip", "Ratings", "RatingsRefused", "read_ratings", "with_qualities"]

WORST, BEST = 1.0, 5.0


class RatingsRefused(FacegaugeError):
    """Ratings that cannot be read, or that no calibration can be made from; says why."""


@dataclass(frozen=True, slots=True)
class Ratings:
    """What a CSV file says of one clip."""

    clip: str
    votes: tuple[float, ...]
    """One for each rater, where raters are named: the mean of what each said."""
    by_rater: Mapping[str, float] = field(default_factory=dict)
    """The same by rater; empty where raters are not named."""
    quality: float | None = None
    """Quality in the file's own column, 0-1."""


@dataclass(frozen=True, slots=True)
class RatedClip:
    """A clip with its quality, 0-1, and its viewers' votes, 1-5."""

    clip: str
    quality: float
    votes: tuple[float, ...]
    by_rater: Mapping[str, float] = field(default_factory=dict)

    @property
    def mos(self) -> float:
        """Mean of the votes."""
        return math.fsum(self.votes) / len(self.votes)


def read_ratings(path: Path) -> list[Ratings]:
    """Read a CSV file of ratings, clips in the order of their first line; raises RatingsRefused."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file, strict=True))
    except OSError as error:
        raise RatingsRefused(f"cannot read {path}: {error.strerror}") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise RatingsRefused(f"{path} is no CSV file: {error}") from error
    table = [{(key or "").strip().lower(): value for key, value in row.items()} for row in rows]
    columns = set(table[0]) if table else set()
    if not {"clip", "rating"} <= columns:
        raise RatingsRefused(
            f"{path} needs a first line that names the columns clip and rating, and a line for each vote"
        )
    votes: dict[str, dict[str, list[float]]] = {}
    qualities: defaultdict[str, set[float]] = defaultdict(set)
    has_raters = "rater" in columns
    for number, row in enumerate(table, start=2):
        where = f"{path}, vote {number - 1}"
        clip, rater = (row["clip"] or "").strip(), (row.get("rater") or "").strip()
        if not clip or (has_raters and not rater):
            raise RatingsRefused(f"{where}: the {'rater' if clip else 'clip'} is missing")
        rating = _number(row["rating"], WORST, BEST, f"{where}: the rating")
        # Without names every line is somebody else's vote.
        votes.setdefault(clip, {}).setdefault(rater or str(number), []).append(rating)
        if "quality" in columns:
            qualities[clip].add(_number(row["quality"], 0, 1, f"{where}: the quality"))
    torn = next((clip for clip, given in qualities.items() if len(given) > 1), None)
    if torn is not None:
        raise RatingsRefused(
            f"{path} gives clip {torn!r} several qualities: it must have one, of the whole clip"
        )
    return [
        _ratings(clip, by_rater, has_raters, next(iter(qualities[clip]), None))
        for clip, by_rater in votes.items()
    ]


def with_qualities(ratings: Iterable[Ratings], qualities: Mapping[str, float]) -> list[RatedClip]:
    """Put clips together with their qualities; raises RatingsRefused for a clip without one."""
    rated = list(ratings)
    missing = [one.clip for one in rated if one.clip not in qualities]
    if missing:
        named = ", ".join(map(repr, missing[:3])) + (" and others" if len(missing) > 3 else "")
        raise RatingsRefused(
            f"there is no quality for {len(missing)} of {len(rated)} clips ({named}): a clip goes by the "
            "stream_id of `facegauge replay --json`, which is the file's name"
        )
    return [RatedClip(one.clip, qualities[one.clip], one.votes, one.by_rater) for one in rated]


def _ratings(
    clip: str, by_rater: Mapping[str, list[float]], has_raters: bool, quality: float | None
) -> Ratings:
    means = {rater: math.fsum(given) / len(given) for rater, given in by_rater.items()}
    return Ratings(clip, tuple(means.values()), means if has_raters else {}, quality)


def _number(text: str | None, lowest: float, highest: float, what: str) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not lowest <= value <= highest:
        raise RatingsRefused(f"{what} must be a number from {lowest:g} to {highest:g}, not {text!r}")
    return value
