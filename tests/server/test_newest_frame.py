"""The newest frame of a live stream is always answered, at the latest 250 ms after it could have been.

The clients here send their next frame when the last one is answered: one frame that is left out without an
answer and they wait for ever. What each place that leaves frames out does in detail, with time passed in, is
in `streams/test_frame_gate.py`.
"""

import asyncio
import time
from typing import Any

import pytest

from facegauge.v1 import quality_pb2 as pb

from .conftest import Connect, StartServer, config_request, frame_request

PROMISE_S = 0.25
COMPUTING_S = 2.0
"""Allowance for the machine: what a frame may take with both cores busy."""


async def answered(call: Any, request: pb.MonitorStreamRequest) -> tuple[pb.Assessment, float]:
    """Send a frame, wait for its assessment; returns it with the time that it took, seconds."""
    sent_s = time.monotonic()
    await call.write(request)
    while True:
        response = await call.read()
        assert isinstance(response, pb.MonitorStreamResponse)
        if response.HasField("assessment") and response.assessment.HasField("sequence"):
            return response.assessment, time.monotonic() - sent_s


@pytest.mark.timeout(120)
async def test_a_client_that_waits_for_its_answers_is_never_left_waiting_by_the_rate_limit(
    start_server: StartServer, connect: Connect, portrait_jpeg: bytes
) -> None:
    """Frames faster than `max_fps` wait until they may pass: each is answered, and the rate holds."""
    max_fps, count = 10.0, 20
    call = connect(await start_server(stale_after_s=60.0)).MonitorStream()
    await call.write(config_request(max_fps=max_fps))
    start_s = time.monotonic()
    for sequence in range(count):
        assessment, took_s = await answered(call, frame_request(portrait_jpeg, sequence))
        assert assessment.sequence == sequence
        assert assessment.frames_dropped == 0
        assert took_s <= 1 / max_fps + PROMISE_S + COMPUTING_S
    assert time.monotonic() - start_s >= (count - 2) / max_fps
    call.cancel()


@pytest.mark.timeout(120)
async def test_a_client_that_waits_for_its_answers_is_never_left_waiting_by_the_sampler(
    start_server: StartServer, connect: Connect, portrait_jpeg: bytes
) -> None:
    """A frame of a steady stream that nothing follows is scored once the sampler's interval is over."""
    min_fps = 2.0
    call = connect(await start_server(stale_after_s=60.0)).MonitorStream()
    await call.write(config_request(min_fps=min_fps))
    for sequence in range(6):
        request = frame_request(portrait_jpeg, sequence, capture_time_s=sequence / 1000)
        assessment, took_s = await answered(call, request)
        assert (assessment.sequence, assessment.frames_skipped) == (sequence, 0)
        assert took_s <= 1 / min_fps + PROMISE_S + COMPUTING_S
    call.cancel()


@pytest.mark.timeout(120)
async def test_overload_leaves_out_all_but_the_newest(
    start_server: StartServer, connect: Connect, portrait_jpeg: bytes
) -> None:
    """Twelve streams send bursts to one worker: the last frame of every burst is answered."""
    stub = connect(await start_server(stale_after_s=60.0))
    burst = 10

    async def stream(name: str) -> None:
        call = stub.MonitorStream()
        await call.write(config_request(name))
        for first in range(0, 3 * burst, burst):
            for sequence in range(first, first + burst - 1):
                await call.write(frame_request(portrait_jpeg, sequence))
            assessment, _ = await answered(call, frame_request(portrait_jpeg, first + burst - 1))
            while assessment.sequence < first + burst - 1:
                response = await call.read()
                assert isinstance(response, pb.MonitorStreamResponse)
                assessment = response.assessment
        call.cancel()

    async with asyncio.TaskGroup() as tasks:
        for number in range(12):
            tasks.create_task(stream(f"stream-{number}"))
