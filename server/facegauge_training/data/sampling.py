"""Decide whose photo comes next, so that what is there at any moment is a fair sample of all sources.

Collections differ a thousandfold in size, so each weighs the square root of its number of photos: 1,250
photos of one site count 35 times a single one, not 1,250 times. The order is a weighted round-robin (stride
scheduling); within a source each photo has its turn before any comes again, and none more than `MOST_VISITS`
times.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from facegauge_training.data.sources import Source

__all__ = ["MOST_VISITS", "Visit", "in_turn", "weight"]

MOST_VISITS = 12


@dataclass(frozen=True, slots=True)
class Visit:
    """A photo, and how often it came before."""

    source: Source
    number: int

    @property
    def stem(self) -> str:
        """Name of the visit's files in a store; begins with the photo's key."""
        return f"{self.source.key}-{self.number}"


def weight(photos: int) -> float:
    """Return how much a source of so many photos counts."""
    return float(photos**0.5)


def in_turn(sources: list[Source], most_visits: int = MOST_VISITS) -> Iterator[Visit]:
    """Yield visits of all photos, weighted by source, until every photo had `most_visits`."""
    by_name: dict[str, list[Source]] = defaultdict(list)
    for source in sorted(sources, key=lambda source: source.key):
        by_name[source.name].append(source)
    queue = [(0.5 / weight(len(photos)), name, 0) for name, photos in by_name.items()]
    heapq.heapify(queue)
    while queue:
        _, name, turn = heapq.heappop(queue)
        photos = by_name[name]
        yield Visit(photos[turn % len(photos)], turn // len(photos))
        if turn + 1 < most_visits * len(photos):
            heapq.heappush(queue, ((turn + 1.5) / weight(len(photos)), name, turn + 1))
