"""A watcher's way through the log: what it asked for, where it is, and what it has missed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from facegauge_server.access.identity import Identity
from facegauge_server.events.event import Event
from facegauge_server.events.log import EventLog, TenantLog
from facegauge_server.kinds import EventKind

__all__ = ["EventBatch", "EventQuery", "watch"]

MAX_BATCH = 256
"""Events looked at for one batch."""


@dataclass(frozen=True, slots=True)
class EventQuery:
    """What a watcher asks for."""

    call_id: str = ""
    """Empty for all calls that the caller may see."""
    kinds: frozenset[EventKind] = frozenset()
    """Empty for all."""
    instance_id: str = ""
    """Life of the log that `after_sequence` belongs to; empty where the caller does not know."""
    after_sequence: int | None = None
    """None for what happens from now on."""

    def wants(self, event: Event, identity: Identity) -> bool:
        """Return whether an event of the caller's tenant passes."""
        return (
            self.call_id in ("", event.call_id)
            and (not self.kinds or event.kind in self.kinds)
            and identity.sees_call(event.call_id)
        )


@dataclass(frozen=True, slots=True)
class EventBatch:
    """Events that a watcher gets at once, oldest first, perhaps none."""

    instance_id: str
    last_sequence: int
    """Where to go on."""
    events: tuple[Event, ...] = ()
    missed: int = 0
    """Events before these that are no longer kept, whether they would pass or not."""
    restarted: bool = False
    """Whether the watcher asked for another life of the log."""


async def watch(log: EventLog, query: EventQuery, identity: Identity) -> AsyncIterator[EventBatch]:
    """Yield batches as events come, the first at once, until the log is closed.

    Later ones come without events only to move the watcher's place on past many that do not pass.
    """
    with log.watched(identity.tenant) as own:
        at, restarted = _place(own, query)
        told = -1
        while True:
            read = own.read(at, MAX_BATCH)
            at = read.last_sequence
            events = tuple(event for event in read.events if query.wants(event, identity))
            if events or read.missed or told < 0 or at - told >= MAX_BATCH:
                yield EventBatch(own.instance_id, at, events, read.missed, restarted)
                told, restarted = at, False
            if at == own.last_sequence:
                if log.is_closed:
                    return
                await own.wait_beyond(at)


def _place(own: TenantLog, query: EventQuery) -> tuple[int, bool]:
    """Return where a watcher begins, and whether that is another life of the log than it asked for."""
    asked = query.after_sequence
    if asked is None:
        return own.last_sequence, False
    # A number that has not been given out yet is of another life too, whatever the caller says of it.
    restarted = query.instance_id not in ("", own.instance_id) or asked > own.last_sequence
    return 0 if restarted else asked, restarted
