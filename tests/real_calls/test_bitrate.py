"""Quality follows the bitrate of a real call through a real media server."""

from __future__ import annotations

import pytest

from bench.real_call.call import CODECS, calling
from bench.real_call.chromium import Browser
from bench.real_call.gateway import running_gateway
from bench.real_call.janus import Janus
from bench.server import Server

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
        calling(browser, janus, codec, width=WIDTH, height=HEIGHT, fps=FPS, kbit_per_s=1000) as call,
    ):
        await call.cap(1000)
        await call.forward(gateway.addresses[0][1], ssrc=77, payload_type=96)
        await gateway.until(lambda: len(gateway.scored("ada")) >= 10, "ten scores")
        before = gateway.quality("ada") or 0.0

        await call.cap(30)
        start = len(gateway.answers)
        await gateway.until(
            lambda: (gateway.quality("ada", start) or 1.0) < before - 0.1, f"a fall from {before:.2f}"
        )
        during = gateway.quality("ada", start) or 1.0

        await call.cap(1000)
        start = len(gateway.answers)
        halfway = (before + during) / 2
        await gateway.until(
            lambda: (gateway.quality("ada", start) or 0.0) > max(halfway, before - 0.05),
            f"a rise from {during:.2f} back to {before:.2f}",
        )
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
