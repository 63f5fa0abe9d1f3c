"""One call: a page of the browser publishes its camera, here to a room of the media server."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.real_call.chromium import Browser, Page
from bench.real_call.janus import Janus, Publication

__all__ = ["CODECS", "Call", "CallCodec", "Caller", "calling", "open_caller"]

CALLER = Path(__file__).with_name("caller.html")
START_KBIT_PER_S = 1000
"""What the browser begins with; by itself it takes some ten seconds from 300."""


@dataclass(frozen=True, slots=True)
class CallCodec:
    """How a codec is called by everyone who has to do with it."""

    mime_type: str
    name: str
    """For the media server and for the gateway."""
    scalability_mode: str = ""


CODECS = {
    "h264": CallCodec("video/H264", "h264"),
    "vp8": CallCodec("video/VP8", "vp8"),
    "vp8-l1t3": CallCodec("video/VP8", "vp8", "L1T3"),
    "vp9": CallCodec("video/VP9", "vp9"),
    "vp9-l1t3": CallCodec("video/VP9", "vp9", "L1T3"),
    "av1": CallCodec("video/AV1", "av1"),
}


class Caller:
    """A page of the browser that publishes its camera."""

    def __init__(self, page: Page) -> None:
        self._page = page

    async def accept(self, answer_sdp: str) -> None:
        """Take the answer to the page's offer: media flows from now on."""
        await self._page.call("accept", _starting_fast(answer_sdp))

    async def cap(self, kbit_per_s: int, *, keep: str = "maintain-resolution") -> None:
        """Cap the bitrate; `keep` is WebRTC's degradationPreference."""
        await self._page.call("cap", kbit_per_s * 1000, keep)

    async def sent(self) -> dict[str, Any]:
        """Return what the browser has sent: WebRTC's outbound-rtp, with the codec's MIME type."""
        report: dict[str, Any] = await self._page.call("sent")
        return report

    async def hang_up(self) -> None:
        """End the call."""
        await self._page.call("hangUp")


class Call(Caller):
    """A call that is going on, through the media server."""

    def __init__(self, page: Page, janus: Janus, publication: Publication) -> None:
        super().__init__(page)
        self._janus = janus
        self._publication = publication

    async def forward(self, port: int, *, ssrc: int, payload_type: int) -> None:
        """Have the media server forward this call's video, besides what it forwards already."""
        await self._janus.forward(self._publication, port=port, ssrc=ssrc, payload_type=payload_type)


@asynccontextmanager
async def calling(
    browser: Browser,
    janus: Janus,
    codec: CallCodec,
    *,
    width: int,
    height: int,
    fps: int,
    kbit_per_s: int,
) -> AsyncIterator[Call]:
    """Begin a call; its media flows when the block begins."""
    page, offer = await open_caller(
        browser, codec, width=width, height=height, fps=fps, kbit_per_s=kbit_per_s
    )
    publication = await janus.publish(offer, codec.name)
    call = Call(page, janus, publication)
    await call.accept(publication.answer_sdp)
    await janus.is_up()
    try:
        yield call
    finally:
        await call.hang_up()
        await janus.leave()


async def open_caller(
    browser: Browser,
    codec: CallCodec,
    *,
    width: int,
    height: int,
    fps: int,
    kbit_per_s: int,
    records_pictures: bool = False,
) -> tuple[Page, str]:
    """Open a page that would publish its camera; returns it and its offer."""
    page = await browser.open(CALLER.as_uri())
    offer: str = await page.call(
        "offer",
        {
            "width": width,
            "height": height,
            "fps": fps,
            "maxBitrate": kbit_per_s * 1000,
            "mimeType": codec.mime_type,
            "scalabilityMode": codec.scalability_mode,
            "recordsPictures": records_pictures,
        },
    )
    return page, offer


def _starting_fast(answer_sdp: str) -> str:
    """Tell the browser what rate to begin with, in the way that Chromium understands."""
    video = re.search(r"^m=video \d+ \S+ (\d+)", answer_sdp, re.MULTILINE)
    if video is None:
        raise ValueError("the answer has no video")
    kind, start = video[1], f"x-google-start-bitrate={START_KBIT_PER_S}"
    if re.search(rf"^a=fmtp:{kind} ", answer_sdp, re.MULTILINE):
        return re.sub(rf"^(a=fmtp:{kind} [^\r\n]*)", rf"\1;{start}", answer_sdp, flags=re.MULTILINE)
    return re.sub(
        rf"^(a=rtpmap:{kind} [^\r\n]*\r?\n)", rf"\1a=fmtp:{kind} {start}\r\n", answer_sdp, flags=re.MULTILINE
    )
