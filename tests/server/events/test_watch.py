"""A watcher's way through the log, without a network."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from facegauge_server.access.identity import ANYONE, Identity, Right
from facegauge_server.events.log import EventLog
from facegauge_server.events.watch import MAX_BATCH, EventBatch, EventQuery, watch
from facegauge_server.kinds import EventKind
from tests.server.stepping import Stepped

from .making import event

ACME = Identity("acme", frozenset(Right))


@pytest.fixture
def log() -> EventLog:
    return EventLog(1000)


def from_now(log: EventLog, identity: Identity = ANYONE, **query: object) -> AsyncIterator[EventBatch]:
    return watch(log, EventQuery(**query), identity)  # type: ignore[arg-type]


async def drained(log: EventLog, identity: Identity = ANYONE, **query: object) -> list[EventBatch]:
    """Everything that a watcher gets of a log that is closed."""
    log.close()
    return [batch async for batch in from_now(log, identity, **query)]


async def following(watcher: AsyncIterator[EventBatch]) -> EventBatch | None:
    """The next batch; None at the end."""
    return await anext(watcher, None)


def streams(batches: list[EventBatch]) -> list[str]:
    return [one.stream_id for batch in batches for one in batch.events]


async def test_it_begins_now_or_where_it_is_told_to(log: EventLog) -> None:
    """Without a number nothing of the past comes; with one, what is after it; with 0, all that is kept."""
    for name in "abc":
        log.add(event(name))
    assert streams(await drained(log)) == []
    assert streams(await drained(log, after_sequence=1)) == ["b", "c"]
    assert streams(await drained(log, after_sequence=0)) == ["a", "b", "c"]


async def test_it_waits_for_events(log: EventLog) -> None:
    """The first answer comes at once and says where the watcher is; then each event as it happens."""
    watcher = from_now(log)
    assert (await anext(watcher)).last_sequence == 0
    waiting = Stepped(following(watcher))
    assert waiting.waits()
    log.add(event("a"))
    batch = waiting.result()
    assert batch is not None
    assert streams([batch]) == ["a"]
    last = Stepped(following(watcher))
    assert last.waits()
    log.close()
    assert last.result() is None


async def test_the_filters(log: EventLog) -> None:
    """By call, by kind, and by the calls that the token covers; tenants never meet."""
    log.add(event("a", tenant="acme", call_id="one"))
    log.add(event("b", tenant="acme", call_id="two", kind=EventKind.CAUSE_BEGAN))
    log.add(event("c", tenant="other", call_id="one"))
    assert streams(await drained(log, ACME, after_sequence=0)) == ["a", "b"]
    assert streams(await drained(log, ACME, after_sequence=0, call_id="two")) == ["b"]
    began = frozenset({EventKind.CAUSE_BEGAN})
    assert streams(await drained(log, ACME, after_sequence=0, kinds=began)) == ["b"]
    one_call = Identity("acme", frozenset(Right), frozenset({"one"}))
    assert streams(await drained(log, one_call, after_sequence=0)) == ["a"]
    assert streams(await drained(log, after_sequence=0)) == []


async def test_a_slow_watcher_is_told_what_it_missed() -> None:
    """It holds nobody up: the log goes on without it and tells it how many are gone."""
    log = EventLog(4)
    watcher = from_now(log)
    await anext(watcher)
    for number in range(10):
        log.add(event(str(number)))
    batch = await anext(watcher)
    assert (batch.missed, streams([batch]), batch.last_sequence) == (6, ["6", "7", "8", "9"], 10)
    log.add(event("10"))
    batch = await anext(watcher)
    assert (batch.missed, streams([batch])) == (0, ["10"])


async def test_another_life_of_the_log_is_noticed(log: EventLog) -> None:
    """By its name, or by a number that has not been given out: it says so, and gives what it has."""
    for name in "abc":
        log.add(event(name))
    (batch,) = await drained(log, instance_id="an earlier one", after_sequence=2)
    assert (batch.restarted, streams([batch])) == (True, ["a", "b", "c"])
    assert batch.instance_id != "an earlier one"
    (batch,) = await drained(log, after_sequence=4)
    assert batch.restarted
    (batch,) = await drained(log, instance_id=batch.instance_id, after_sequence=2)
    assert (batch.restarted, streams([batch])) == (False, ["c"])


async def test_its_place_moves_on_past_what_it_does_not_want(log: EventLog) -> None:
    """So that it can go on after a quiet day without being told that it missed what it never wanted."""
    watcher = from_now(log, call_id="quiet")
    await anext(watcher)
    for _ in range(MAX_BATCH):
        log.add(event())
    batch = await anext(watcher)
    assert (batch.events, batch.last_sequence) == ((), MAX_BATCH)
