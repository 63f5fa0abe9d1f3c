"""WatchEvents and ListCalls by the SDK over real gRPC, before a table of sessions: no frame is scored."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import jwt
import pytest

from facegauge.v1 import quality_pb2 as pb
from facegauge.v1 import quality_pb2_grpc
from facegauge_client import (
    Client,
    Event,
    EventKind,
    EventPosition,
    EventsMissed,
    Forbidden,
    ServerUnavailable,
)
from facegauge_server.access.gatekeeper import Gatekeeper
from facegauge_server.access.identity import ANYONE, Identity, Right
from facegauge_server.access.keys import KeyFile
from facegauge_server.access.tokens import issue_token
from facegauge_server.calibration import ServedModel
from facegauge_server.config import Config, StreamSettings
from facegauge_server.defects import Defects
from facegauge_server.events.log import EventLog
from facegauge_server.rpc.callers import Callers
from facegauge_server.rpc.overview import Overview
from facegauge_server.rpc.receive_guard import ReceiveGuard
from facegauge_server.streams.session_table import SessionTable

OLDEST = EventPosition()
KEY = {"kty": "oct", "kid": "one", "alg": "HS256", "k": "c2VjcmV0" * 8}


class Served:
    """The methods that look on, behind a port, and the table that they look on."""

    def __init__(self, events: EventLog, keys: Path | None) -> None:
        self.table = SessionTable(Config(), report=events.add)
        callers = Callers(Gatekeeper(None if keys is None else KeyFile(keys)), ReceiveGuard(2**20), 5.0)
        self.server = grpc.aio.server()
        model = ServedModel("tiny", "", None)
        Overview(self.table, events, model, callers, Defects(lambda _: None)).add_to(self.server)
        self.target = ""

    def stream(self, stream_id: str = "s", call_id: str = "c", identity: Identity = ANYONE) -> None:
        """Let a stream begin and end, which are two events."""
        settings = StreamSettings(stream_id=stream_id, call_id=call_id)
        opened = self.table.open(settings, time.monotonic(), identity)
        self.table.detach(opened.session, opened.connection, time.monotonic(), finished=True)


@asynccontextmanager
async def serving(port: int = 0, event_log: int = 4096, keys: Path | None = None) -> AsyncIterator[Served]:
    served = Served(EventLog(event_log), keys)
    served.target = f"127.0.0.1:{served.server.add_insecure_port(f'127.0.0.1:{port}')}"
    await served.server.start()
    try:
        yield served
    finally:
        await served.server.stop(0)


async def take(client: Client, count: int, **options: Any) -> list[Event | EventsMissed]:
    """The next events of a watch, which is then left."""
    events = client.watch_events(**options)
    taken = [await anext(events) for _ in range(count)]
    await events.aclose()
    return taken


async def test_the_first_answer_comes_at_once() -> None:
    """Without any event: it says where the watcher is, so that even a quiet watch can go on later."""
    async with serving() as served, grpc.aio.insecure_channel(served.target) as channel:
        stub = quality_pb2_grpc.QualityServiceStub(channel)
        served.stream()
        call: Any = stub.WatchEvents(pb.WatchEventsRequest())
        first = await call.read()
        assert (first.last_sequence, list(first.events), first.missed) == (2, [], 0)
        assert first.instance_id
        call.cancel()
        unknown = stub.WatchEvents(pb.WatchEventsRequest(kinds=[99]))  # type: ignore[list-item]
        with pytest.raises(grpc.aio.AioRpcError, match="99 is no value of this enum"):
            await unknown.read()
        with pytest.raises(grpc.aio.AioRpcError, match="at most 10000"):
            await stub.ListCalls(pb.ListCallsRequest(limit=10_001))


async def test_a_restart_is_noticed() -> None:
    """The watcher stays, is told that the log began anew, and gets all of the new one."""
    ends = [EventKind.STREAM_ENDED]
    async with AsyncExitStack() as stack:
        async with serving() as served:
            client = await stack.enter_async_context(Client(served.target))
            served.stream("first life")
            events = client.watch_events(kinds=ends, after=OLDEST)
            first = await anext(events)
        async with serving(int(served.target.rpartition(":")[2])) as served:
            served.stream("second life")
            told, second = await anext(events), await anext(events)
            await events.aclose()
            assert isinstance(first, Event)
            stale = await take(client, 1, after=first.position)
    assert told == EventsMissed(missed=0, restarted=True) == stale[0]
    assert isinstance(second, Event)
    assert (first.stream_id, second.stream_id) == ("first life", "second life")
    assert first.instance_id != second.instance_id


async def test_a_watch_ends_where_the_server_stays_away() -> None:
    """With a sentence that says how long it was tried; a watch of a server that never was fails at once."""
    async with AsyncExitStack() as stack:
        async with serving() as served:
            client = await stack.enter_async_context(Client(served.target))
            served.stream()
            events = client.watch_events(after=OLDEST, reconnect_timeout_s=0.0)
            await anext(events)
        with pytest.raises(ServerUnavailable, match="for 0 s"):
            [event async for event in events]
        with pytest.raises(ServerUnavailable, match="no Facegauge server answers"):
            await take(client, 1)


async def test_who_comes_back_too_late_is_told_how_much_is_gone() -> None:
    """The count is exact, and the rest comes."""
    async with serving(event_log=10) as served, Client(served.target) as client:
        served.stream()
        (first,) = await take(client, 1, after=OLDEST)
        assert isinstance(first, Event)
        for _ in range(20):
            served.stream()
        missed, *rest = await take(client, 11, after=first.position)
    assert missed == EventsMissed(missed=2 + 40 - 1 - 10, restarted=False)
    assert [event.sequence for event in rest if isinstance(event, Event)] == list(range(33, 43))


async def test_a_slow_watcher_slows_nobody_and_is_told_what_it_missed() -> None:
    """It reads one event, then none while thousands happen; then it learns that it is late, and the rest."""
    async with serving(event_log=100) as served, Client(served.target) as client:
        served.stream()
        events = client.watch_events(after=OLDEST)
        seen = [await anext(events)]
        for _ in range(40):
            for _ in range(100):
                served.stream()
            await asyncio.sleep(0)  # lets the server send, as far as the watcher takes it
        served.stream("the last one")
        while not (isinstance(seen[-1], Event) and seen[-1].sequence == 2 + 8000 + 2):
            seen.append(await anext(events))
        await events.aclose()
    missed = sum(one.missed for one in seen if isinstance(one, EventsMissed))
    got = [one.sequence for one in seen if isinstance(one, Event)]
    assert missed > 4000
    assert missed + len(got) == 8004
    assert got == sorted(got)


async def test_tenants_are_kept_apart(tmp_path: Path) -> None:
    """Each sees its own events and calls alone, of the calls that its token covers, with the right to."""
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"keys": [KEY]}))
    acme, other = Identity("acme", frozenset(Right)), Identity("other", frozenset(Right))

    def token(identity: Identity) -> str:
        return issue_token(jwt.PyJWK.from_dict(KEY), identity, datetime.now(tz=UTC) + timedelta(hours=1))

    async with serving(keys=keys) as served:
        for identity, calls in ((acme, ("standup", "talk")), (other, ("standup", "party"))):
            for call_id in calls:
                served.stream("s", call_id, identity)
                settings = StreamSettings(stream_id=call_id, call_id=call_id)
                served.table.open(settings, time.monotonic(), identity)
        async with Client(served.target, token=token(acme)) as client:
            events = await take(client, 6, after=OLDEST)
            shortened, listed = await client.list_calls(limit=1), await client.list_calls()
        assert [event.sequence for event in events if isinstance(event, Event)] == [1, 2, 3, 4, 5, 6]
        assert {event.tenant for event in events if isinstance(event, Event)} == {"acme"}
        assert {call.call_id for call in listed.calls} == {"standup", "talk"}
        assert (len(shortened.calls), shortened.total) == (1, 2)
        bound = Identity("other", frozenset({Right.WATCH, Right.LIST}), frozenset({"party"}))
        async with Client(served.target, token=token(bound)) as client:
            events = await take(client, 3, after=OLDEST)
            assert {event.call_id for event in events if isinstance(event, Event)} == {"party"}
            assert [call.call_id for call in (await client.list_calls()).calls] == ["party"]
        publisher = Identity("acme", frozenset({Right.PUBLISH}))
        async with Client(served.target, token=token(publisher)) as client:
            with pytest.raises(Forbidden, match="'watch'"):
                await take(client, 1)
            with pytest.raises(Forbidden, match="'list'"):
                await client.list_calls()
