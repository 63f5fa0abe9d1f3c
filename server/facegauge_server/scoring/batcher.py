"""FaceCrops of all streams -> Batch: a synchronous core that gets the time as an argument.

A crop waits until its batch is full or it has waited for `max_wait_s`, whichever comes first. Only engines
that gain from batches, those of GPUs, are fed from here: on a CPU each crop is scored by the thread that cut
it (`pipeline.py`).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

import numpy as np

from facegauge_server.types import Batch, FaceCrop, Pixels

__all__ = ["Batcher"]


class Batcher:
    """Collects crops in the order of their arrival and hands them out in batches. Not thread-safe.

    Bounded by what its callers add: each stream has one frame under way at a time.
    """

    def __init__(self, max_batch: int, max_wait_s: float) -> None:
        self._max_batch = max_batch
        self._max_wait_s = max_wait_s
        self._waiting: OrderedDict[int, tuple[Pixels, float]] = OrderedDict()
        self._next_ticket = 0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def deadline_s(self) -> float | None:
        """When the oldest crop has waited long enough; None when nothing waits."""
        for _, added_s in self._waiting.values():
            return added_s + self._max_wait_s
        return None

    def add(self, crop: FaceCrop, now_s: float) -> int:
        """Put a crop at the end of the queue; returns the ticket under which its score will come."""
        ticket = self._next_ticket
        self._next_ticket += 1
        self._waiting[ticket] = (crop.pixels, now_s)
        return ticket

    def discard(self, tickets: Iterable[int]) -> None:
        """Forget crops that nobody waits for any more; those already handed out are ignored."""
        for ticket in tickets:
            self._waiting.pop(ticket, None)

    def take(self, now_s: float) -> Batch | None:
        """Return the oldest crops as a batch when it is full or due, else None."""
        deadline_s = self.deadline_s
        if deadline_s is None or (len(self._waiting) < self._max_batch and now_s < deadline_s):
            return None
        size = min(len(self._waiting), self._max_batch)
        taken = [self._waiting.popitem(last=False) for _ in range(size)]
        pixels = np.stack([crop for _, (crop, _) in taken])
        return Batch(pixels, tuple(ticket for ticket, _ in taken))
