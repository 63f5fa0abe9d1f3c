"""The log of events: bounded, and for each tenant as if it had the log to itself.

Each tenant's events are numbered from 1 on without gaps, so that nobody learns from a number what happens to
others, and whoever comes back with one can be told exactly how many are gone. The log keeps a number of
events in all; beyond it, the oldest one of the tenant that has most goes. A watcher is a place in the log and
nothing more: one that does not keep up costs nothing and is told what it missed.

Belongs to one event loop.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from facegauge_server.events.event import Event

__all__ = ["EventLog", "Read", "TenantLog"]

MAX_TENANTS = 1024
"""Tenants whose events are kept; beyond, those of the one that has been quiet for longest are forgotten."""


@dataclass(frozen=True, slots=True)
class Read:
    """Some events after a place in the log."""

    events: list[Event]
    """Oldest first."""
    last_sequence: int
    """Where to read on."""
    missed: int
    """Events before the first of these that are no longer kept."""


class TenantLog:
    """The events of one tenant."""

    def __init__(self) -> None:
        self.instance_id = secrets.token_hex(8)
        """Names this life of the log: sequence numbers of another one mean nothing here."""
        self.last_sequence = 0
        self.watchers = 0
        self._events: deque[Event] = deque()
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._events)

    @property
    def first_sequence(self) -> int:
        """Sequence of the oldest event that is kept, or of the next one where none is."""
        return self.last_sequence - len(self._events) + 1

    def add(self, event: Event, time_s: float) -> Event:
        """Number an event and keep it."""
        self.last_sequence += 1
        numbered = replace(event, sequence=self.last_sequence, time_s=time_s, instance_id=self.instance_id)
        self._events.append(numbered)
        self.wake()
        return numbered

    def drop_oldest(self) -> None:
        """Let go of the oldest event."""
        self._events.popleft()

    def read(self, after_sequence: int, limit: int) -> Read:
        """Return up to `limit` events after one."""
        first = max(after_sequence + 1, self.first_sequence)
        last = min(first + limit - 1, self.last_sequence)
        offset = self.first_sequence
        events = [self._events[sequence - offset] for sequence in range(first, last + 1)]
        return Read(events, max(last, after_sequence), first - after_sequence - 1)

    async def wait_beyond(self, sequence: int) -> None:
        """Wait until there is an event after one, or `wake` is called."""
        if self.last_sequence <= sequence:
            await self._changed.wait()

    def wake(self) -> None:
        """Wake up all who wait."""
        self._changed.set()
        self._changed = asyncio.Event()


class EventLog:
    """Keeps the newest events of all tenants."""

    def __init__(
        self,
        capacity: int,
        on_event: Callable[[Event], None] = lambda _: None,
        clock: Callable[[], float] = time.time,
        max_tenants: int = MAX_TENANTS,
    ) -> None:
        """Make an empty log.

        Args:
            capacity: events that are kept of all tenants together.
            on_event: called with each event once it has its number; it must not block.
            clock: Unix time, seconds.
            max_tenants: tenants whose events are kept.
        """
        self._capacity = capacity
        self._on_event = on_event
        self._clock = clock
        self._max_tenants = max_tenants
        self._kept = 0
        self._tenants: dict[str, TenantLog] = {}
        """The one that has been quiet for longest first."""
        self.is_closed = False

    def add(self, event: Event) -> None:
        """Number an event, keep it, and pass it on."""
        log = self._tenants.pop(event.tenant, None)
        if log is None:
            log = TenantLog()
        self._tenants[event.tenant] = log
        numbered = log.add(event, self._clock())
        self._kept += 1
        if self._kept > self._capacity:
            max(self._tenants.values(), key=len).drop_oldest()
            self._kept -= 1
        self._forget_surplus()
        self._on_event(numbered)

    @contextmanager
    def watched(self, tenant: str) -> Iterator[TenantLog]:
        """Give the log of a tenant, which is not forgotten while the block runs."""
        log = self._tenants.setdefault(tenant, TenantLog())
        log.watchers += 1
        self._forget_surplus()
        try:
            yield log
        finally:
            log.watchers -= 1

    def close(self) -> None:
        """Say that no event will come any more; whoever watches reads to the end."""
        self.is_closed = True
        for log in self._tenants.values():
            log.wake()

    def _forget_surplus(self) -> None:
        surplus = len(self._tenants) - self._max_tenants
        if surplus > 0:
            unwatched = [tenant for tenant, log in self._tenants.items() if not log.watchers]
            for tenant in unwatched[:surplus]:
                self._kept -= len(self._tenants.pop(tenant))
