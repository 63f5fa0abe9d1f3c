"""One connection's life, without gRPC around it: what ends it, and that nothing grows meanwhile."""

import asyncio
import math
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from facegauge_server.admission.worker_slots import WorkerSlots
from facegauge_server.config import Config, StreamSettings
from facegauge_server.errors import ResponsesUnread, StreamIdle, TakenOver
from facegauge_server.metrics import Metrics
from facegauge_server.pipeline import Pipeline
from facegauge_server.streams.buffers import COMPLETE_CAPACITY, Message
from facegauge_server.streams.connection import Ending
from facegauge_server.streams.runner import StreamRunner
from facegauge_server.streams.session_table import Opened, SessionTable
from facegauge_server.types import (
    Assessment,
    Delivery,
    EncodedFrame,
    Encoding,
    FrameResult,
    Notice,
    NoticeKind,
    StreamSummary,
)

UNREACHED = cast("Pipeline", None)
"""Every frame here fails before the pipeline: its capture time lies before the last one's."""


def opened_stream(settings: StreamSettings, config: Config) -> Opened:
    opened = SessionTable(config).open(settings, 0.0)
    opened.session._memory.last_capture_time_s = math.inf
    return opened


async def run(
    settings: StreamSettings, frames: AsyncIterator[EncodedFrame], send: Any, **changed: Any
) -> Metrics:
    config, metrics = Config(**changed), Metrics()
    slots = WorkerSlots(config.workers)
    runner = StreamRunner(opened_stream(settings, config), UNREACHED, slots, config, metrics)
    await runner.run(frames, send)
    return metrics


async def late_frames(count: int, taken: list[int] | None = None) -> AsyncIterator[EncodedFrame]:
    for sequence in range(count):
        if taken is not None:
            taken.append(sequence)
        yield EncodedFrame(sequence, 0.0, Encoding.JPEG, b"")


async def silence() -> AsyncIterator[EncodedFrame]:
    await asyncio.get_running_loop().create_future()
    yield EncodedFrame(0, 0.0, Encoding.JPEG, b"")


class Sent:
    """Keeps what was sent."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def __call__(self, message: Message, checkpoint: bytes = b"") -> None:  # noqa: ARG002
        self.messages.append(message)

    def sequences(self) -> list[int]:
        scores = [message.score for message in self.messages if isinstance(message, Assessment)]
        return [score.sequence for score in scores if score]

    def summary(self) -> StreamSummary:
        last = self.messages[-1]
        assert isinstance(last, StreamSummary)
        return last


async def test_a_client_that_never_reads_is_ended_and_stops_being_read() -> None:
    """Under COMPLETE delivery an unread response stops the reading of frames, then ends the stream."""
    taken: list[int] = []

    async def never(_message: Message, _checkpoint: bytes) -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(ResponsesUnread, match=r"0\.1 s \(--send-timeout\)"):
        await run(
            StreamSettings(stream_id="deaf", delivery=Delivery.COMPLETE),
            late_frames(1000, taken),
            never,
            send_timeout_s=0.1,
        )
    assert len(taken) <= 3 * COMPLETE_CAPACITY


async def test_nothing_is_lost_on_the_way_to_the_summary() -> None:
    """Under COMPLETE delivery every frame is answered in order, and the summary comes last."""
    sent = Sent()
    await run(StreamSettings(stream_id="s", delivery=Delivery.COMPLETE), late_frames(50), sent)
    assert sent.sequences() == list(range(50))
    assert sent.summary().frames == {FrameResult.ERROR: 50}


async def test_a_camera_that_is_off_ends_the_stream() -> None:
    """No frame within the idle timeout is the end."""
    with pytest.raises(StreamIdle, match=r"no frame arrived for 0\.05 s \(--idle-timeout\)"):
        await run(StreamSettings(stream_id="s"), silence(), Sent(), idle_timeout_s=0.05)


async def test_a_frame_that_a_limit_holds_keeps_its_stream_alive() -> None:
    """A client that waits for an answer is not idle, however long its frame is held; afterwards it is."""
    sent, answered = Sent(), asyncio.Event()

    async def one_by_one() -> AsyncIterator[EncodedFrame]:
        async for frame in late_frames(2):
            yield frame
            await answered.wait()
        async for frame in silence():
            yield frame

    async def send(message: Message, _checkpoint: bytes) -> None:
        await sent(message)
        answered.set()

    with pytest.raises(StreamIdle):
        await run(StreamSettings(stream_id="s", max_fps=0.4), one_by_one(), send, idle_timeout_s=1.0)
    assert sent.sequences() == [0, 1]


async def test_a_live_stream_is_held_to_its_rate() -> None:
    """Of a burst beyond max_fps the newest frame is answered; the dropped ones are reported."""
    sent, answered = Sent(), asyncio.Event()

    async def burst() -> AsyncIterator[EncodedFrame]:
        async for frame in late_frames(100):
            yield frame
            await answered.wait()  # the first passes at once

    async def send(message: Message, _checkpoint: bytes) -> None:
        await sent(message)
        answered.set()

    metrics = await run(StreamSettings(stream_id="s", max_fps=1), burst(), send)
    (notice,) = (message for message in sent.messages if isinstance(message, Notice))
    assert notice.kind is NoticeKind.THROTTLED
    assert "more than 1 frames per second" in notice.text
    assert sent.sequences()[-1] == 99, "the newest"
    frames = sent.summary().frames
    assert sum(frames.values()) == 100
    assert frames[FrameResult.DROPPED] == 100 - len(sent.sequences())
    reported = sum(message.frames_dropped for message in sent.messages if isinstance(message, Assessment))
    assert reported == frames[FrameResult.DROPPED]
    counted = metrics.registry.get_sample_value("facegauge_frames_total", {"result": "dropped"})
    assert counted == frames[FrameResult.DROPPED]


async def test_a_stream_that_is_taken_over_ends() -> None:
    """The connection's `ended` future says so, and the old connection ends with an error that says it too."""
    config = Config()
    opened = opened_stream(StreamSettings(stream_id="s"), config)
    runner = StreamRunner(opened, UNREACHED, WorkerSlots(1), config, Metrics())
    running = asyncio.create_task(runner.run(silence(), Sent()))
    opened.connection.end(Ending.TAKEN_OVER)
    with pytest.raises(TakenOver, match="another connection"):
        await running


async def test_a_drained_stream_ends_with_its_summary() -> None:
    """What was received is answered, even what a limit still holds, and the summary follows."""
    config, sent = Config(), Sent()
    opened = opened_stream(StreamSettings(stream_id="s", max_fps=0.1), config)
    received = asyncio.Event()

    async def frames() -> AsyncIterator[EncodedFrame]:
        async for frame in late_frames(2):
            yield frame
        received.set()
        async for frame in silence():
            yield frame

    running = asyncio.create_task(
        StreamRunner(opened, UNREACHED, WorkerSlots(1), config, Metrics()).run(frames(), sent)
    )
    await received.wait()
    opened.connection.end(Ending.DRAINING)
    async with asyncio.timeout(60):
        await running
    assert sent.sequences()[-1] == 1
    assert sum(sent.summary().frames.values()) == 2


async def test_frames_of_a_stream_that_breaks_are_counted() -> None:
    """What was received and can no longer be answered counts as dropped: every frame has a result."""
    config = Config()
    opened = opened_stream(StreamSettings(stream_id="s", delivery=Delivery.COMPLETE), config)

    async def broken() -> AsyncIterator[EncodedFrame]:
        async for frame in late_frames(3):
            yield frame
        raise ConnectionError

    async def never(_message: Message, _checkpoint: bytes) -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(ConnectionError):
        await StreamRunner(opened, UNREACHED, WorkerSlots(1), config, Metrics()).run(broken(), never)
    assert sum(opened.session.frames.values()) == 3
