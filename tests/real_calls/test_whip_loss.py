"""Packets lost between a real browser and the gateway that it publishes to."""

from __future__ import annotations

import asyncio

import pytest

from bench.real_call.call import CODECS
from bench.real_call.chromium import Browser
from bench.real_call.gateway import running_whip_gateway
from bench.real_call.recording import rtp_timestamp
from bench.server import Server
from facegauge_gateway.rtp.codec import CLOCK_RATE_HZ
from tests.gateway.gateway_process import metric_of

from .conftest import FPS, HEIGHT, WIDTH
from .ice_path import PathLoss
from .whip_call import publishing

pytestmark = [pytest.mark.slow, pytest.mark.alone, pytest.mark.timeout(240)]

LOSS = PathLoss(every=45, share=0.05)
"""At 15 pictures a second a picture is lost for good every three seconds."""
LOSSES = 3
KBIT_PER_S = 800
PLI_INTERVAL_S = 1.0
LONGEST_SILENCE_S = 2.0


@pytest.mark.parametrize("name", ["h264", "vp8", "vp9", "av1"])
async def test_no_picture_of_a_broken_chain_is_scored(server: Server, browser: Browser, name: str) -> None:
    """From a picture that is lost with its retransmissions to the next keyframe nothing is scored.

    The keyframe comes soon, and with few requests; what a retransmission repairs brings none.
    """
    async with (
        running_whip_gateway(server.target, "--max-fps", "8") as gateway,
        publishing(
            browser, f"{gateway.http}/whip/ada", CODECS[name],
            width=WIDTH, height=HEIGHT, fps=FPS, kbit_per_s=KBIT_PER_S, loss=LOSS,
        ) as call,
    ):  # fmt: skip
        path = call.path
        assert path is not None
        await gateway.until(
            lambda: len(path.pictures) > LOSSES * LOSS.every + LOSS.every // 2,
            f"{LOSSES} losses", limit_s=100,
        )  # fmt: skip
        # The call goes on: what is scored later would not be among the pictures that are listed below.
        scored = {rtp_timestamp(answer["capture_time_s"]) for answer in gateway.scored("ada")}
        encoded = await call.encoded()
        sent = await call.sent()
        repaired = await asyncio.to_thread(
            metric_of, gateway.http, "rtp_packets_total", result="retransmitted"
        )
        lost_for_good = list(path.pictures.items())

    keyframes = {timestamp for timestamp, kind in encoded if kind == "key"}
    broken, silences = broken_chains(lost_for_good, keyframes)
    assert scored <= {timestamp for timestamp, _ in lost_for_good}, "a picture was scored that nobody sent"
    assert not scored & broken, "pictures of broken chains were scored"
    assert len(scored) > LOSSES
    assert len(silences) == LOSSES
    assert max(silences) < LONGEST_SILENCE_S
    duration_s = (encoded[-1][0] - encoded[0][0]) % 2**32 / CLOCK_RATE_HZ
    assert LOSSES <= sent["pliCount"] <= duration_s / PLI_INTERVAL_S + 2
    assert repaired > 0
    assert sent["mimeType"] == CODECS[name].mime_type


def broken_chains(pictures: list[tuple[int, bool]], keyframes: set[int]) -> tuple[set[int], list[float]]:
    """Return the pictures from each loss to the next keyframe, and how long each of these times was."""
    broken: set[int] = set()
    silences: list[float] = []
    since: int | None = None
    for timestamp, is_lost in pictures:
        if since is not None and timestamp in keyframes and not is_lost:
            silences.append((timestamp - since) % 2**32 / CLOCK_RATE_HZ)
            since = None
        if is_lost and since is None:
            since = timestamp
        if since is not None:
            broken.add(timestamp)
    return broken, silences
