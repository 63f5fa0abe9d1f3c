"""Quality follows the bitrate of a browser that publishes by WHIP."""

from __future__ import annotations

import pytest

from bench.real_call.call import CODECS
from bench.real_call.chromium import Browser
from bench.real_call.gateway import running_whip_gateway
from bench.server import Server

from .capped_bitrate import START_KBIT_PER_S, falls_and_recovers
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
            width=WIDTH, height=HEIGHT, fps=FPS, kbit_per_s=START_KBIT_PER_S,
        ) as call,
    ):  # fmt: skip
        await gateway.until(lambda: len(gateway.scored("ada")) >= 20, "twenty scores, the first of few bits")
        await falls_and_recovers(gateway, call, "ada")
        sent = await call.sent()
    assert sent["mimeType"] == CODECS[name].mime_type
    assert sent["frameHeight"] == HEIGHT, "it was the bitrate, not the resolution"
