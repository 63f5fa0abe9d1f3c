"""A page of the browser that publishes its camera by WHIP, directly or over a path that loses packets."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiortc.sdp import SessionDescription

from bench.real_call.call import CALLER, CallCodec, starting_fast
from bench.real_call.chromium import Browser, Page

from .ice_path import IcePath, PathLoss, ice_path

__all__ = ["WhipCall", "publishing"]


@dataclass(frozen=True, slots=True)
class WhipCall:
    """A call that is going on."""

    page: Page
    path: IcePath | None

    async def cap(self, kbit_per_s: int) -> None:
        """Cap the bitrate; the resolution stays."""
        await self.page.call("cap", kbit_per_s * 1000, "maintain-resolution")

    async def sent(self) -> dict[str, Any]:
        """Return what the browser has sent: WebRTC's outbound-rtp, with the codec's MIME type."""
        report: dict[str, Any] = await self.page.call("sent")
        return report

    async def encoded(self) -> list[tuple[int, str]]:
        """Return the pictures that were encoded: RTP timestamp, and `key` or `delta`."""
        return [(timestamp, kind) for timestamp, kind in await self.page.call("encoded")]


@asynccontextmanager
async def publishing(
    browser: Browser,
    endpoint: str,
    codec: CallCodec,
    *,
    width: int,
    height: int,
    fps: int,
    kbit_per_s: int,
    loss: PathLoss | None = None,
) -> AsyncIterator[WhipCall]:
    """Publish to an endpoint; with `loss`, over such a path and no other."""
    page = await browser.open(CALLER.as_uri())
    wanted: dict[str, Any] = {"width": width, "height": height, "fps": fps}
    wanted |= {"maxBitrate": kbit_per_s * 1000, "recordsPictures": loss is not None}
    wanted |= {"mimeType": codec.mime_type, "scalabilityMode": codec.scalability_mode}
    offer = await page.call("offer", wanted)
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        headers = {"Content-Type": "application/sdp", "Accept": "application/sdp"}
        async with http.post(endpoint, data=_without_candidates(offer), headers=headers) as response:
            answer = await response.text()
            assert response.status == 201, answer
            session = response.url.join(response.url.build(path=response.headers["Location"]))
        path = None
        if loss is not None:
            path, answer = await _through_path(stack, answer, loss)
        await page.call("accept", starting_fast(answer))
        try:
            yield WhipCall(page, path)
        finally:
            await page.call("hangUp")
            async with http.delete(session):
                pass


def _without_candidates(sdp: str) -> str:
    """Let the gateway learn the browser's address by its checks, so that there is one path alone."""
    return re.sub(r"^a=candidate:.*\r\n", "", sdp, flags=re.MULTILINE)


async def _through_path(stack: AsyncExitStack, answer: str, loss: PathLoss) -> tuple[IcePath, str]:
    """Open a path to where an answer points; returns it, and the answer that points to it."""
    (media,) = SessionDescription.parse(answer).media
    gateway = next(one for one in media.ice_candidates if one.protocol == "udp" and "." in one.ip)
    kinds = {codec.payloadType or 0: codec.name for codec in media.rtp.codecs}
    path = await stack.enter_async_context(
        ice_path(
            (gateway.ip, gateway.port),
            loss,
            first=[kind for kind, name in kinds.items() if name != "rtx"],
            again=[kind for kind, name in kinds.items() if name == "rtx"],
        )
    )
    ours = f"a=candidate:1 1 udp 2130706431 127.0.0.1 {path.port} typ host\r\n"
    first, *others = answer.splitlines(keepends=True)
    kept = [line for line in others if not line.startswith(("a=candidate:", "a=end-of-candidates"))]
    return path, "".join((first, *kept, ours, "a=end-of-candidates\r\n"))
