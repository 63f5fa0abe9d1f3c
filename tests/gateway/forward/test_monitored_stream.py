"""Frames reach the real server, and its answers the hub."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest

from bench.real_call.programs import free_port
from facegauge_client import (
    Assessment,
    Client,
    EncodedFrame,
    FrameEncoding,
    FrameResult,
    ServerUnavailable,
    StreamRejected,
    Summary,
)
from facegauge_gateway.answers.hub import AnswerHub
from facegauge_gateway.forward import MonitoredStream, StreamSettings
from facegauge_gateway.metrics import Metrics
from tests.client.coded_files import write_video


async def first_answer(hub: AnswerHub, stream: MonitoredStream, frame: Any) -> Assessment:
    """Send a frame, and return the answer to it."""
    async with asyncio.timeout(60), hub.subscribe() as answers:
        stream.send(frame, 0.0)
        value = (await anext(answers)).value
        assert isinstance(value, Assessment)
        return value


async def test_a_picture_is_scored_and_the_summary_published(
    client: Client, hub: AnswerHub, metrics: Metrics, portrait_jpeg: bytes
) -> None:
    """Leaving the stream waits for its summary, which is the last answer."""
    settings = StreamSettings(stream_id="alice", call_id="standup")
    async with hub.subscribe("alice") as answers:
        async with MonitoredStream(client, settings, hub, metrics) as stream:
            assessment = await first_answer(hub, stream, portrait_jpeg)
            assert (assessment.result, assessment.stream_id) == (FrameResult.SCORED, "alice")
            assert metrics.registry.get_sample_value("facegauge_gateway_streams") == 1
        hub.close()
        *_, last = [answer async for answer in answers]
    assert isinstance(last.value, Summary)
    assert (last.call_id, last.value.frames_scored) == ("standup", 1)
    sent = metrics.registry.get_sample_value("facegauge_gateway_frames_total", {"result": "sent"})
    assert sent == 1
    assert metrics.registry.get_sample_value("facegauge_gateway_streams") == 0


async def test_the_sender_is_asked_for_a_keyframe(
    client: Client, hub: AnswerHub, metrics: Metrics, astronaut: npt.NDArray[np.uint8], tmp_path: Path
) -> None:
    """A stream that begins within a group of pictures cannot be decoded: the callback hears of it."""
    with av.open(str(write_video(tmp_path, FrameEncoding.VP8, astronaut, 3))) as container:
        units = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    asked = asyncio.Event()
    settings = StreamSettings(stream_id="torn", encoding=FrameEncoding.VP8)
    async with MonitoredStream(client, settings, hub, metrics, asked.set) as stream:
        stream.send(EncodedFrame(FrameEncoding.VP8, units[1]), 0.0)
        async with asyncio.timeout(60):
            await asked.wait()
        assert metrics.registry.get_sample_value("facegauge_gateway_keyframes_needed_total") == 1
        answer = await first_answer(hub, stream, EncodedFrame(FrameEncoding.VP8, units[0]))
        assert answer.result is FrameResult.SCORED


async def test_what_the_server_refuses_is_an_error_of_entering(
    client: Client, hub: AnswerHub, metrics: Metrics
) -> None:
    """The SDK's error, so that a door can answer whoever wants to publish."""
    with pytest.raises(StreamRejected, match="stream_id"):
        async with MonitoredStream(client, StreamSettings(stream_id=""), hub, metrics):
            pass
    async with Client(f"127.0.0.1:{free_port()}") as nobody:
        with pytest.raises(ServerUnavailable):
            async with MonitoredStream(nobody, StreamSettings(stream_id="alice"), hub, metrics):
                pass
    assert metrics.registry.get_sample_value("facegauge_gateway_streams") == 0


async def test_a_frame_that_is_too_large_costs_itself_alone(
    client: Client, hub: AnswerHub, metrics: Metrics, portrait_jpeg: bytes
) -> None:
    """It is counted, and what follows is scored."""
    async with MonitoredStream(client, StreamSettings(stream_id="alice"), hub, metrics) as stream:
        stream.send(EncodedFrame(FrameEncoding.JPEG, bytes(17 * 2**20)), 0.0)
        assert (await first_answer(hub, stream, portrait_jpeg)).result is FrameResult.SCORED
    dropped = metrics.registry.get_sample_value("facegauge_gateway_frames_total", {"result": "dropped"})
    assert dropped == 1
