"""Which worker a stream's decoder lives in: its units go there, since nobody else knows what they refer to.

A stream that starts at a keyframe is free to go anywhere, and goes where the fewest decoders live. A worker
that ends takes its decoders along; their streams start again at a keyframe, elsewhere.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from facegauge_server.workers.job import Seat

__all__ = ["DecoderHome"]

_numbers = itertools.count(1)


@dataclass(slots=True, eq=False)
class DecoderHome:
    """A stream's decoder as the server sees it. Belongs to the event loop."""

    number: int = field(default_factory=lambda: next(_numbers))
    seat: Seat | None = None
    """Where it lives; None before its first unit, and after the end of its worker."""

    @property
    def place(self) -> object | None:
        """Whom its units wait for: None for any worker."""
        return self.seat

    def move_to(self, seat: Seat) -> None:
        """Live in a worker from now on; the one before forgets it."""
        if self.seat is not seat:
            self.leave()
            self.seat = seat
            seat.decoders.add(self)

    def leave(self) -> None:
        """Be forgotten where it lives."""
        if self.seat is not None:
            self.seat.decoders.discard(self)
            self.seat.worker.forget(self.number)
            self.seat = None

    def lose(self) -> None:
        """Note that the worker has ended."""
        self.seat = None
