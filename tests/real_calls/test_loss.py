"""Packets lost, reordered and delayed between a real media server and the gateway."""

from __future__ import annotations

import asyncio
import urllib.request
from contextlib import AsyncExitStack
from statistics import fmean

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bench.real_call.call import CODECS, calling
from bench.real_call.chromium import Browser
from bench.real_call.gateway import Gateway, running_gateway
from bench.real_call.janus import Janus
from bench.real_call.lossy_path import PERFECT, Impairment, LossyPath, lossy_path
from bench.real_call.recording import decode, rtp_timestamp
from bench.server import Server
from facegauge_client import Client

from .conftest import FPS, HEIGHT, WIDTH
from .whole_chains import whole_chains

pytestmark = [pytest.mark.slow, pytest.mark.alone, pytest.mark.timeout(240)]

PATHS = {
    "perfect": PERFECT,
    "two": Impairment(loss=0.02),
    "five": Impairment(loss=0.05),
    "ten": Impairment(loss=0.1),
    "bursts": Impairment(loss=0.005, burst=8),
    "reordered": Impairment(reordered=0.1, duplicated=0.05),
    "jitter": Impairment(jitter_s=0.2),
}
"""From one call, at the same time, to one gateway: what differs between the streams is their path alone."""
LOSSLESS = ("perfect", "reordered", "jitter")
REORDER_S = 0.5
"""What the gateway waits for a packet: more than the jitter, and than what a busy machine adds."""
PLI_INTERVAL_S = 1.0
SCORES = 6
KBIT_PER_S = 500
MAX_DIFFERENCE = 0.05
"""Mean of what a stream's score and a picture's may differ by: the stream has followed the face."""


@pytest.mark.parametrize("name", ["h264", "vp8", "vp8-l1t3", "vp9"])
async def test_what_is_scored_is_what_was_sent(
    server: Server, browser: Browser, janus: Janus, name: str
) -> None:
    """No picture of a broken chain is scored, and those that are have the score of the picture that was sent.

    Where nothing is lost, nothing is missing and no keyframe is asked for in vain; elsewhere requests keep to
    their limit.
    """
    codec = CODECS[name]
    ssrcs = {stream: 100 + number for number, stream in enumerate(PATHS)}
    flags = [f"--ssrc={ssrc}={stream}" for stream, ssrc in ssrcs.items()]
    flags += [f"--payload=96={codec.name}", f"--reorder={REORDER_S}", f"--pli-interval={PLI_INTERVAL_S}"]
    async with AsyncExitStack() as stack:
        gateway = await stack.enter_async_context(running_gateway(server.target, *flags, ports=len(PATHS)))
        call = await stack.enter_async_context(
            calling(browser, janus, codec, width=WIDTH, height=HEIGHT, fps=FPS, kbit_per_s=KBIT_PER_S)
        )
        paths: dict[str, LossyPath] = {}
        for number, (stream, impairment) in enumerate(PATHS.items()):
            paths[stream] = await stack.enter_async_context(
                lossy_path(gateway.addresses[number], impairment, seed=number)
            )
        for stream, ssrc in ssrcs.items():
            await call.forward(paths[stream].port, ssrc=ssrc, payload_type=96)
        await gateway.until(
            lambda: all(len(gateway.scored(stream)) >= SCORES for stream in PATHS),
            f"{SCORES} scores of each path",
            limit_s=100,
        )
        sent = await call.sent()
        units = await asyncio.to_thread(unit_counts, gateway)

    for stream, path in paths.items():
        whole = whole_chains(path.record, codec.name)
        scored = {rtp_timestamp(answer["capture_time_s"]) for answer in gateway.scored(stream)}
        assert scored <= whole.keys(), f"{stream}: a picture was scored that nobody sent"
        broken = [timestamp for timestamp in scored if not whole[timestamp]]
        assert not broken, f"{stream}: pictures of broken chains were scored"
        duration_s = path.record[-1].time_s - path.record[0].time_s
        assert path.plis <= duration_s / PLI_INTERVAL_S + 2, f"{stream}: too many keyframes asked for"
    for stream in ("perfect", "reordered"):
        joined = 2  # at the first packet, and once more if the keyframe took long
        assert paths[stream].plis <= joined, f"{stream}: keyframes asked for with nothing lost"
    assert paths["jitter"].plis < paths["ten"].plis, "waiting does not help"
    assert sent["pliCount"] <= sum(path.plis for path in paths.values())
    assert paths["ten"].plis > paths["perfect"].plis
    assert units["broken"] > 0

    not_decoded = sum(answer.get("frames_not_decoded", 0) for answer in gateway.answers)
    assert not_decoded > 0, "the answers tell what could not be seen"

    # What each path lost, its score lost nothing of: the whole record tells what every picture looked like.
    pictures = dict(decode(paths["perfect"].record, codec.name))
    differences = []
    async with Client(server.target) as client:
        for stream in set(PATHS).difference(LOSSLESS):
            for answer in gateway.scored(stream)[:SCORES]:
                alone = await client.assess_image(pictures[rtp_timestamp(answer["capture_time_s"])])
                assert alone.quality is not None
                differences.append(abs(answer["raw_quality"] - alone.quality))
    assert fmean(differences) < MAX_DIFFERENCE


def unit_counts(gateway: Gateway) -> dict[str, float]:
    """Return the gateway's counts of units, by result."""
    url = gateway.http + "/metrics"
    with urllib.request.urlopen(url, timeout=30) as response:  # noqa: S310 - our own gateway
        families = text_string_to_metric_families(response.read().decode())
        return {
            sample.labels["result"]: sample.value
            for family in families
            for sample in family.samples
            if sample.name == "facegauge_gateway_rtp_units_total"
        }
