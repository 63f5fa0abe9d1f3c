"""Quality follows the bitrate of a real call through a real media server."""

from __future__ import annotations

import pytest

from bench.real_call.call import CODECS, calling
from bench.real_call.chromium import Browser
from bench.real_call.gateway import running_gateway
from bench.real_call.janus import Janus
from bench.server import Server

from .capped_bitrate import START_KBIT_PER_S, falls_and_recovers
from .conftest import FPS, HEIGHT, WIDTH

pytestmark = [pytest.mark.slow, pytest.mark.alone, pytest.mark.timeout(240)]


@pytest.mark.parametrize("name", ["h264", "vp8", "vp8-l1t3", "vp9"])
async def test_quality_falls_with_the_bitrate_and_recovers(
    server: Server, browser: Browser, janus: Janus, name: str
) -> None:
    """Capped at the sender, the call gets worse by the score, and as good as before when the cap is gone."""
    codec = CODECS[name]
    async with (
        running_gateway(server.target, "--payload", f"96={codec.name}", "--ssrc", "77=ada/call") as gateway,
        calling(
            browser, janus, codec, width=WIDTH, height=HEIGHT, fps=FPS, kbit_per_s=START_KBIT_PER_S
        ) as call,
    ):
        await call.cap(START_KBIT_PER_S)
        await call.forward(gateway.addresses[0][1], ssrc=77, payload_type=96)
        await gateway.until(lambda: len(gateway.scored("ada")) >= 10, "ten scores")
        await falls_and_recovers(gateway, call, "ada")
        sent = await call.sent()
    assert sent["mimeType"] == codec.mime_type
    assert sent["frameHeight"] == HEIGHT, "it was the bitrate, not the resolution"
    assert all(answer["call_id"] == "call" for answer in gateway.answers)
    not_decoded = sum(answer.get("frames_not_decoded", 0) for answer in gateway.answers)
    if codec.scalability_mode:
        assert not_decoded > sent["framesEncoded"] / 4, "the base layer is enough"
    else:
        assert not_decoded == 0
    assert gateway.answers[-1]["event"] == "summary", "the gateway finishes its streams when it is stopped"
