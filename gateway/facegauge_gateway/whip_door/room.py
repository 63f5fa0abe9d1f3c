"""How many may publish: in all, and from one address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from facegauge_gateway.http.refusals import full

__all__ = ["Place", "Room"]


class Place:
    """A publisher's place while its offer is looked at."""

    is_kept = False

    def keep(self) -> None:
        """Keep the place beyond the block, until `Room.give_back`."""
        self.is_kept = True


class Room:
    """Places for publishers."""

    def __init__(self, max_places: int, max_places_per_address: int) -> None:
        self._max_places = max_places
        self._max_places_per_address = max_places_per_address
        self._taken: Counter[str] = Counter()

    @contextmanager
    def place(self, address: str) -> Iterator[Place]:
        """Take a place for a block; raises 503 where there is none."""
        if self._taken.total() >= self._max_places:
            raise full(f"the gateway has {self._max_places} publishers (--max-sessions): try later")
        if self._taken[address] >= self._max_places_per_address:
            raise full(
                f"{self._max_places_per_address} publishers of this address are connected"
                " (--max-sessions-per-address): end one of them first"
            )
        self._taken[address] += 1
        place = Place()
        try:
            yield place
        finally:
            if not place.is_kept:
                self.give_back(address)

    def give_back(self, address: str) -> None:
        """Free a place that was kept."""
        self._taken[address] -= 1
        if not self._taken[address]:
            del self._taken[address]
