"""Events and calls by the SDK, from a real server: what a back end that watches gets to know."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from facegauge_client import (
    Client,
    Delivery,
    Event,
    EventKind,
    EventPosition,
    EventsMissed,
    QualityBand,
    ServerUnavailable,
    sync,
)
from tests.under_fire.cutting_proxy import cutting_proxy

from .conftest import ServerProcess, run_server

OLDEST = EventPosition()
Picture = npt.NDArray[np.uint8]
PICTURE = np.zeros((90, 160, 3), np.uint8)


@pytest.fixture(scope="module")
def shared_server() -> Iterator[ServerProcess]:
    """A server with its defaults, for all tests but the last; each has a call of its own."""
    with run_server("--workers", "1") as process:
        yield process


def kinds(events: list[Event | EventsMissed]) -> list[EventKind]:
    return [event.kind for event in events if isinstance(event, Event)]


async def play(client: Client, stream_id: str, call_id: str) -> None:
    """A whole stream of one frame without a face."""
    async with client.monitor(stream_id, call_id, delivery=Delivery.COMPLETE) as stream:
        await stream.send(PICTURE, capture_time_s=0.0)
        await stream.finish()
        async for _ in stream:
            pass


async def test_a_call_that_gets_worse_is_told(shared_server: ServerProcess, astronaut: Picture) -> None:
    """The default student, a good picture, then a smeared one: each band, then the end with its summary."""
    good = cv2.resize(astronaut, None, fx=1.5, fy=1.5, interpolation=cv2.INTER_CUBIC)
    bad = cv2.resize(cv2.resize(good, (96, 96), interpolation=cv2.INTER_AREA), good.shape[:2])
    pictures = [picture.astype(np.uint8) for picture in (good, good, bad, bad)]
    async with Client(shared_server.listen) as client:
        async with client.monitor(
            "alice", "standup", delivery=Delivery.COMPLETE, median_window=1, time_constant_s=0
        ) as stream:
            for number, picture in enumerate(pictures):
                await stream.send(picture, capture_time_s=number / 5)
                assessment = await anext(aiter(stream))
            (call,) = (await client.list_calls()).calls
            await stream.finish()
            async for _ in stream:
                pass
        told = [EventKind.STREAM_BEGAN, EventKind.BAND_CHANGED, EventKind.STREAM_ENDED]  # causes besides
        events = client.watch_events("standup", kinds=told, after=OLDEST)
        began, better, worse, ended = [await anext(events) for _ in range(4)]
        await events.aclose()
    assert assessment.quality is not None
    assert (call.call_id, call.streams, call.least_quality) == ("standup", 1, assessment.quality)
    assert call.worst_stream_id == "alice"
    assert isinstance(began, Event)
    assert isinstance(better, Event)
    assert isinstance(worse, Event)
    assert isinstance(ended, Event)
    assert began.kind is EventKind.STREAM_BEGAN
    assert better.band in (QualityBand.FAIR, QualityBand.GOOD)
    assert (worse.band, worse.previous_band) == (QualityBand.POOR, better.band)
    assert worse.quality == assessment.quality
    assert ended.summary is not None
    assert stream.summary is not None
    assert ended.summary.mean_quality == stream.summary.mean_quality
    assert (ended.summary.frames_scored, ended.text) == (4, "its client closed it")


async def test_a_watcher_goes_on_where_its_connection_broke(shared_server: ServerProcess) -> None:
    """Nothing is missed and nothing comes twice, whatever happened in between."""
    ends = [EventKind.STREAM_ENDED]
    async with cutting_proxy(shared_server.listen) as proxy:
        async with Client(proxy.address) as watching, Client(shared_server.listen) as sending:
            events = watching.watch_events("cut", kinds=ends, after=OLDEST)
            await play(sending, "before", "cut")
            seen = [await anext(events)]
            assert proxy.cut() == 1
            await play(sending, "meanwhile", "cut")
            seen.append(await anext(events))
            await play(sending, "after", "cut")
            seen.append(await anext(events))
            await events.aclose()
    assert [event.stream_id for event in seen if isinstance(event, Event)] == ["before", "meanwhile", "after"]


def test_the_synchronous_twin(shared_server: ServerProcess) -> None:
    """The same events and calls without an event loop."""
    with sync.Client(shared_server.listen) as client:
        with client.monitor("s", "twin", delivery=Delivery.COMPLETE):
            assert [call.call_id for call in client.list_calls().calls] == ["twin"]
        events = client.watch_events("twin", after=OLDEST)
        seen = [next(events), next(events)]
        events.close()  # type: ignore[attr-defined]  # a generator
    assert kinds(seen) == [EventKind.STREAM_BEGAN, EventKind.STREAM_ENDED]


async def test_a_drain_tells_the_end_of_every_stream_and_lets_the_watcher_go(
    shared_server: ServerProcess,
) -> None:
    """The last event is the last stream's end; then the watch is over, long before the grace is."""
    async with Client(shared_server.listen) as client:
        async with client.monitor("s", "drain", reconnect_timeout_s=0) as stream:
            events = client.watch_events("drain", after=OLDEST, reconnect_timeout_s=0.0)
            seen = [await anext(events)]
            os.kill(shared_server.pid, signal.SIGTERM)
            with pytest.raises(ServerUnavailable, match="has shut down"):
                while True:
                    seen.append(await anext(events))
    assert stream.summary is not None
    assert kinds(seen) == [EventKind.STREAM_BEGAN, EventKind.STREAM_ENDED]
    assert isinstance(seen[-1], Event)
    assert seen[-1].text == "the server shut down"
