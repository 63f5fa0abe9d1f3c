"""Forwards that begin at the same moment on one port: what each needs is asked of its own publisher."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bench.real_call.call import CODECS, calling
from bench.real_call.chromium import Browser
from bench.real_call.janus import running_janus
from bench.server import Server
from facegauge_client import Client
from facegauge_gateway.address import Address
from facegauge_gateway.answers.hub import AnswerHub
from facegauge_gateway.forward import StreamSettings
from facegauge_gateway.metrics import Metrics
from facegauge_gateway.rtp.codec import Codec
from facegauge_gateway.rtp.receiver import StreamReceiver
from facegauge_gateway.rtp_door import Listen, RtpDoor, RtpSettings
from facegauge_gateway.rtp_door.names import Names

from .conftest import FPS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

CALLERS = 2
PAYLOAD_TYPE = 96
PLI_INTERVAL_S = 3.0
"""Far more than a keyframe takes on a busy machine: a request that is repeated was in vain."""


async def ask(receiver: StreamReceiver) -> int:
    """Ask for a keyframe until one has come; returns how often."""
    counted = receiver.statistics
    requests = counted.plis
    receiver.need_keyframe()
    while counted.plis == requests or counted.plis_unanswered:
        await asyncio.sleep(0.01)
    return counted.plis - requests


async def test_each_forward_finds_its_own_publisher(server: Server, browser: Browser, tmp_path: Path) -> None:
    """Two Janus on one host send empty packets that name no stream: one request in vain settles it."""
    settings = RtpSettings(
        listen=(Listen(Address("127.0.0.1", 0)),),
        codecs={PAYLOAD_TYPE: Codec.VP8},
        names=Names(),
        stream=StreamSettings(stream_id=""),
        pli_interval_s=PLI_INTERVAL_S,
    )
    metrics = Metrics()
    async with AsyncExitStack() as stack, asyncio.timeout(200):
        client = await stack.enter_async_context(Client(server.target))
        door = RtpDoor(settings, client, AnswerHub(metrics), metrics)
        await door.open()
        stack.push_async_callback(door.drain)
        calls = []
        for number in range(CALLERS):
            folder = tmp_path / f"janus-{number}"
            folder.mkdir()
            janus = await stack.enter_async_context(running_janus(folder))
            call = calling(browser, janus, CODECS["vp8"], width=320, height=180, fps=FPS, kbit_per_s=300)
            calls.append(await stack.enter_async_context(call))
        port = door._sockets[0].address.port
        await asyncio.gather(
            *(call.forward(port, ssrc=ssrc, payload_type=PAYLOAD_TYPE) for ssrc, call in enumerate(calls, 1))
        )
        while sum(stream.receiver.statistics.keyframes > 0 for stream in door._table.streams()) < CALLERS:
            await asyncio.sleep(0.05)
        receivers = [stream.receiver for stream in door._table.streams()]
        assert [await ask(receiver) <= CALLERS for receiver in receivers] == [True] * CALLERS
        assert [await ask(receiver) for receiver in receivers] == [1] * CALLERS
