"""Quality follows the bitrate of a browser that publishes by WHIP."""

from __future__ import annotations

import pytest

from bench.real_call.call import CODECS
from bench.real_call.chromium import Browser
from bench.real_call.gateway import running_whip_gateway
from bench.server import Server

from .conftest import FPS, HEIGHT, WIDTH
from .whip_call import publishing

pytestmark = [pytest.mark.slow, pytest.mark.alone, pytest.mark.timeout(240)]


@pytest.mark.parametrize("name", ["h264", "vp8", "vp8-l1t3", "vp9", "av1"])
async def test_quality_falls_with_the_bitrate_and_recovers(
    server: Server, browser: Browser, name: str
) -> None:
    """Capped at the sender, the call gets worse by the score, and as good as before when the cap is gone."""
    async with (
        running_whip_gateway(server.target) as gateway,
        publishing(
            browser, f"{gateway.http}/whip/ada", CODECS[name],
            width=WIDTH, height=HEIGHT, fps=FPS, kbit_per_s=1000,
        ) as call,
    ):  # fmt: skip
        await gateway.until(lambda: len(gateway.scored("ada")) >= 20, "twenty scores, the first of few bits")
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
    assert sent["mimeType"] == CODECS[name].mime_type
    assert sent["frameHeight"] == HEIGHT, "it was the bitrate, not the resolution"
