"""The log: numbered by tenant, bounded in all, and fair in what it forgets."""

from __future__ import annotations

from facegauge_server.events.event import Event
from facegauge_server.events.log import EventLog

from .making import event


def names(log: EventLog, tenant: str = "", after: int = 0) -> list[str]:
    with log.watched(tenant) as own:
        return [one.stream_id for one in own.read(after, 100).events]


def test_events_are_numbered_and_timed() -> None:
    """From 1 on, on the server's clock; each has a name that no other event has."""
    told: list[Event] = []
    log = EventLog(8, told.append, clock=lambda: 1.5e9)
    for _ in range(3):
        log.add(event())
    assert [one.sequence for one in told] == [1, 2, 3]
    assert {one.time_s for one in told} == {1.5e9}
    other: list[Event] = []
    EventLog(8, other.append).add(event())
    assert len({one.id for one in told + other}) == 4


def test_what_is_gone_is_counted() -> None:
    """A reader that comes too late learns how many it missed, and gets the rest."""
    log = EventLog(3)
    for number in range(10):
        log.add(event(str(number)))
    with log.watched("") as own:
        read = own.read(2, 2)
        assert ([one.stream_id for one in read.events], read.missed, read.last_sequence) == (["7", "8"], 5, 9)
        rest = own.read(read.last_sequence, 2)
        assert ([one.stream_id for one in rest.events], rest.missed) == (["9"], 0)
        assert own.read(10, 2).events == []


def test_a_busy_tenant_pushes_out_its_own() -> None:
    """Another tenant's few events stay, and neither learns from its numbers how much the other does."""
    log = EventLog(10)
    for number in range(3):
        log.add(event(f"quiet-{number}", tenant="quiet"))
    for number in range(100):
        log.add(event(f"busy-{number}", tenant="busy"))
    assert names(log, "quiet") == ["quiet-0", "quiet-1", "quiet-2"]
    assert len(names(log, "busy")) == 7
    with log.watched("quiet") as own:
        assert own.last_sequence == 3


def test_tenants_are_bounded_too() -> None:
    """The quietest is forgotten, unless somebody watches it; its next life has another name."""
    log = EventLog(100, max_tenants=2)
    log.add(event(tenant="a"))
    with log.watched("a") as watched:
        for tenant in ("b", "c", "d"):
            log.add(event(tenant=tenant))
        assert names(log, "a") == ["s"]
    log.add(event(tenant="e"))
    assert names(log, "a") == []
    with log.watched("a") as anew:
        assert anew.instance_id != watched.instance_id
