"""A page of the browser that publishes its camera by WHIP, directly or over a path that loses packets."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
from aiortc.sdp import SessionDescription

from bench.real_call.call import CallCodec, Caller, open_caller
from bench.real_call.chromium import Browser, Page

from .ice_path import IcePath, PathLoss, ice_path

__all__ = ["WhipCall", "publishing"]


class WhipCall(Caller):
    """A call that is going on."""

    def __init__(self, page: Page, path: IcePath | None) -> None:
        super().__init__(page)
        self.path = path

    async def encoded(self) -> list[tuple[int, str]]:
        """Return the pictures that were encoded: RTP timestamp, and `key` or `delta`."""
        return [(timestamp, kind) for timestamp, kind in await self._page.call("encoded")]


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
    page, offer = await open_caller(
        browser, codec, width=width, height=height, fps=fps, kbit_per_s=kbit_per_s,
        records_pictures=loss is not None,
    )  # fmt: skip
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
        call = WhipCall(page, path)
        await call.accept(answer)
        try:
            yield call
        finally:
            await call.hang_up()
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
