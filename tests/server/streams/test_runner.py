"""One connection's life, without gRPC around it: what ends it, and that nothing grows meanwhile."""

import asyncio
import math
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from facegauge_server.admission import Turns
from facegauge_server.config import Config, StreamSettings
from facegauge_server.metrics import Metrics
from facegauge_server.pipeline import Pipeline
from facegauge_server.streams.buffers import COMPLETE_CAPACITY, Message
from facegauge_server.streams.runner import IdleStreamError, StreamRunner, StuckClientError
from facegauge_server.streams.session_table import SessionTable
from facegauge_server.types import Assessment, Delivery, EncodedFrame, Encoding, StreamSummary

UNREACHED = cast("Pipeline", None)
"""Every frame here fails before the pipeline: its capture time lies before the last one's."""


async def run(
    settings: StreamSettings, frames: AsyncIterator[EncodedFrame], send: Any, **changed: Any
) -> None:
    config = Config(**changed)
    opened = SessionTable(config).open(settings, 0.0)
    opened.session._last_capture_time_s = math.inf
    turns = Turns(config.workers)
    runner = StreamRunner(opened.session, opened.connection, UNREACHED, turns, config, Metrics())
    await runner.run(frames, send)


async def late_frames(count: int, taken: list[int] | None = None) -> AsyncIterator[EncodedFrame]:
    for sequence in range(count):
        if taken is not None:
            taken.append(sequence)
        yield EncodedFrame(sequence, 0.0, Encoding.JPEG, b"")


async def test_a_client_that_never_reads_is_ended_and_stops_being_read() -> None:
    """Under COMPLETE delivery an unread response stops the reading of frames, then ends the stream."""
    taken: list[int] = []

    async def never(_: Message) -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(StuckClientError):
        await run(
            StreamSettings(stream_id="deaf", delivery=Delivery.COMPLETE),
            late_frames(1000, taken),
            never,
            send_timeout_s=0.1,
        )
    assert len(taken) <= 3 * COMPLETE_CAPACITY


async def test_nothing_is_lost_on_the_way_to_the_summary() -> None:
    """Under COMPLETE delivery every frame is answered in order, and the summary comes last."""
    sent: list[Message] = []

    async def keep(message: Message) -> None:
        sent.append(message)

    await run(StreamSettings(stream_id="s", delivery=Delivery.COMPLETE), late_frames(50), keep)
    *assessments, summary = sent
    assert isinstance(summary, StreamSummary)
    scores = [message.score for message in assessments if isinstance(message, Assessment)]
    assert [score.sequence for score in scores if score] == list(range(50))


async def test_a_camera_that_is_off_ends_the_stream() -> None:
    """No frame within the idle timeout is the end."""

    async def silent() -> AsyncIterator[EncodedFrame]:
        await asyncio.get_running_loop().create_future()
        yield EncodedFrame(0, 0.0, Encoding.JPEG, b"")

    async def ignore(_: Message) -> None:
        pass

    with pytest.raises(IdleStreamError):
        await run(StreamSettings(stream_id="s"), silent(), ignore, idle_timeout_s=0.05)


async def test_a_live_stream_is_held_to_its_rate() -> None:
    """A burst beyond max_fps is dropped, counted and told of once."""
    sent: list[Message] = []

    async def keep(message: Message) -> None:
        sent.append(message)

    await run(StreamSettings(stream_id="s", max_fps=1), late_frames(100), keep)
    notices = [message for message in sent if not isinstance(message, Assessment | StreamSummary)]
    assert len(notices) == 1
    summary = sent[-1]
    assert isinstance(summary, StreamSummary)
    assert sum(summary.frames.values()) == 100
    assert list(summary.frames.values()).count(99) == 1
