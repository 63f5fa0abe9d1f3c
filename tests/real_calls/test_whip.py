"""A real browser publishes its camera by WHIP, and its page reads the score."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bench.real_call.chromium import Browser
from bench.server import Server
from tests.gateway.gateway_process import run_gateway

pytestmark = [pytest.mark.slow, pytest.mark.alone, pytest.mark.timeout(240)]

PUBLISH = """(async (endpoint, mimeType) => {
    const camera = await navigator.mediaDevices.getUserMedia({video: true});
    const peer = new RTCPeerConnection();
    const sender = peer.addTransceiver(camera.getVideoTracks()[0], {direction: 'sendonly'});
    const {codecs} = RTCRtpSender.getCapabilities('video');
    sender.setCodecPreferences(codecs.filter((codec) => codec.mimeType === mimeType));
    window.answers = [];
    peer.createDataChannel('facegauge').onmessage = ({data}) => window.answers.push(JSON.parse(data));
    await peer.setLocalDescription(await peer.createOffer());
    while (peer.iceGatheringState !== 'complete')
        await new Promise((done) => peer.addEventListener('icegatheringstatechange', done, {once: true}));
    const headers = {'Content-Type': 'application/sdp'};
    const response = await fetch(endpoint, {method: 'POST', headers, body: peer.localDescription.sdp});
    if (response.status !== 201) throw new Error(await response.text());
    await peer.setRemoteDescription({type: 'answer', sdp: await response.text()});
    window.session = response.headers.get('Location');
})"""
SCORED = """(async () => {
    for (;;) {
        const scored = window.answers.find((answer) => answer.result === 'scored');
        if (scored) return scored;
        await new Promise((done) => setTimeout(done, 50));
    }
})"""
END = "(async () => (await fetch(window.session, {method: 'DELETE'})).status)"


@pytest.mark.parametrize("mime_type", ["video/VP8", "video/H264", "video/VP9", "video/AV1"])
async def test_a_browser_publishes_by_whip(
    server: Server, browser: Browser, tmp_path: Path, mime_type: str
) -> None:
    """The page's own origin is the gateway's, so it needs no permission; DELETE ends the stream.

    Its offer names one codec, with and without profiles that are not taken.
    """
    with run_gateway(tmp_path, server.target, "whip") as gateway:
        page = await browser.open(f"{gateway.http}/livez")  # any page of the gateway's origin
        await page.call(PUBLISH, "/whip/browser?call_id=standup", mime_type)
        answer = await page.call(SCORED)
        assert (answer["stream_id"], answer["call_id"]) == ("browser", "standup")
        assert 0 < answer["quality"] <= 1
        assert await page.call(END) == 200
        summary = await asyncio.to_thread(gateway.answer, event="summary", stream_id="browser")
        assert summary["frames_scored"] >= 1
        assert gateway.metric("whip_sessions_ended_total", reason="deleted") == 1
