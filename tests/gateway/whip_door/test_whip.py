"""A publisher's pictures are scored, its answers come back, and its end ends the stream."""

from __future__ import annotations

import asyncio

import numpy as np
import numpy.typing as npt

from tests.end_to_end.conftest import ServerProcess
from tests.gateway.conftest import StartGateway

from .publisher import published

Picture = npt.NDArray[np.uint8]


async def test_a_publisher_is_scored(
    server: ServerProcess, start_gateway: StartGateway, astronaut: Picture
) -> None:
    """Answers come by the data channel and on the gateway's output; DELETE ends stream and session."""
    gateway = start_gateway(server.listen, "whip")
    async with published(f"{gateway.http}/whip/whip-scored?call_id=standup", astronaut) as publisher:
        answer = await publisher.answer(result="scored")
        assert answer["stream_id"] == "whip-scored"
        assert answer["call_id"] == "standup"
        assert 0 < answer["quality"] <= 1
        line = await asyncio.to_thread(gateway.answer, stream_id="whip-scored", result="scored")
        assert line["faces"]
        assert gateway.metric("whip_sessions") == 1
        source = {"stream_id": "whip-scored", "call_id": "standup", "result": "received"}
        assert gateway.metric("stream_packets_total", **source) > 0
        assert gateway.metric("rtp_units_total", result="whole") >= 1
        assert gateway.metric("frames_total", result="sent") >= 1
        status, _ = await publisher.end()
        assert status == 200
        line = await asyncio.to_thread(gateway.answer, stream_id="whip-scored", event="summary")
        assert line["frames_scored"] >= 1
    gateway.wait_for(lambda: gateway.metric("whip_sessions") == 0, "the session goes on")
    assert gateway.metric("whip_sessions_ended_total", reason="deleted") == 1


async def test_a_publisher_that_leaves_ends_its_stream(
    server: ServerProcess, start_gateway: StartGateway, astronaut: Picture
) -> None:
    """Its connection's end is the session's, without a DELETE."""
    gateway = start_gateway(server.listen, "whip")
    async with published(f"{gateway.http}/whip/whip-leaves", astronaut) as publisher:
        await publisher.answer(result="scored")
    assert gateway.answer(stream_id="whip-leaves", event="summary")
    gateway.wait_for(lambda: gateway.metric("whip_sessions") == 0, "the session goes on")
    assert gateway.metric("whip_sessions_ended_total", reason="disconnected") == 1


async def test_a_drain_finishes_the_streams(
    server: ServerProcess, start_gateway: StartGateway, astronaut: Picture
) -> None:
    """SIGTERM sends the summaries out and ends the process with 0."""
    gateway = start_gateway(server.listen, "whip")
    async with published(f"{gateway.http}/whip/whip-drain", astronaut) as publisher:
        await publisher.answer(result="scored")
        assert await asyncio.to_thread(gateway.stop) == 0
    assert gateway.answer(stream_id="whip-drain", event="summary")


async def test_a_camera_that_goes_silent_ends_its_session(
    server: ServerProcess, start_gateway: StartGateway, astronaut: Picture
) -> None:
    """The connection stands, and no media comes any more: after --idle-timeout the place is free again."""
    gateway = start_gateway(server.listen, "whip", "--idle-timeout", "0.3")
    async with published(f"{gateway.http}/whip/whip-idle", astronaut) as publisher:
        await publisher.answer(result="scored")
        (sender,) = publisher.peer.getSenders()
        sender.replaceTrack(None)
        assert await asyncio.to_thread(gateway.answer, stream_id="whip-idle", event="summary")
        await asyncio.to_thread(
            gateway.wait_for, lambda: gateway.metric("whip_sessions") == 0, "the session goes on"
        )
    assert gateway.metric("whip_sessions_ended_total", reason="idle") == 1
    assert gateway.metric("rtp_streams") == 0


async def test_a_publisher_without_pictures_is_let_go(
    server: ServerProcess, start_gateway: StartGateway, astronaut: Picture
) -> None:
    """Who is admitted and never connects holds its place for --connect-timeout alone."""
    gateway = start_gateway(server.listen, "whip", "--connect-timeout", "0.01")
    async with published(f"{gateway.http}/whip/whip-silent", astronaut):
        gateway.wait_for(
            lambda: gateway.metric("whip_sessions_ended_total", reason="no_media") == 1, "it holds its place"
        )
    assert gateway.metric("whip_sessions") == 0
