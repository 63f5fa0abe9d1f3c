"""A publisher by aiortc, as a browser or OBS would be one: an offer by HTTP, then pictures by WebRTC."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import cv2
import numpy as np
import numpy.typing as npt
from aiortc import (
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
    VideoStreamTrack,
)
from av import VideoFrame
from yarl import URL

from tests.gateway.gateway_process import DEADLINE_S

__all__ = ["Published", "camera_peer", "make_offer", "published"]

WIDTH, HEIGHT = 640, 480


class Camera(VideoStreamTrack):
    """Shows a picture, thirty times a second, and sways by so many pixels."""

    def __init__(self, picture: npt.NDArray[np.uint8], sway_px: int = 0) -> None:
        super().__init__()
        size = WIDTH + 2 * sway_px, HEIGHT + 2 * sway_px
        self._scene = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        self._sway_px = sway_px
        self._number = 0

    async def recv(self) -> VideoFrame:
        pts, time_base = await self.next_timestamp()
        x, y = (round(self._sway_px * (1 + turn(self._number / 9))) for turn in (math.sin, math.cos))
        self._number += 1
        seen = np.ascontiguousarray(self._scene[y : y + HEIGHT, x : x + WIDTH], dtype=np.uint8)
        frame = VideoFrame.from_ndarray(seen, format="rgb24")
        frame.pts, frame.time_base = pts, time_base
        return frame


class Published:
    """A publisher that the gateway has admitted."""

    def __init__(self, http: aiohttp.ClientSession, session_url: str, peer: RTCPeerConnection) -> None:
        self.http = http
        self.session_url = session_url
        self.peer = peer
        self.answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def answer(self, **wanted: Any) -> dict[str, Any]:
        """Return the next answer of the data channel with these fields."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                line = await self.answers.get()
                if wanted.items() <= line.items():
                    return line

    async def end(self, **headers: str) -> tuple[int, str]:
        """Delete the session; returns status and text."""
        async with self.http.delete(self.session_url, headers=headers) as response:
            return response.status, await response.text()


@asynccontextmanager
async def camera_peer(
    picture: npt.NDArray[np.uint8], *, sway_px: int = 0, mime_type: str | None = None
) -> AsyncIterator[RTCPeerConnection]:
    """Make a peer that would publish a picture; it asks no server beyond this machine for its address."""
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    transceiver = peer.addTransceiver(Camera(picture, sway_px), direction="sendonly")
    if mime_type is not None:
        known = RTCRtpSender.getCapabilities("video").codecs
        transceiver.setCodecPreferences([one for one in known if one.mimeType in (mime_type, "video/rtx")])
    try:
        yield peer
    finally:
        await peer.close()
        await asyncio.sleep(0)  # its sockets close in the loop's next turn


async def make_offer(peer: RTCPeerConnection) -> str:
    """Return a peer's offer with all its candidates."""
    await peer.setLocalDescription(await peer.createOffer())
    return str(peer.localDescription.sdp)


@asynccontextmanager
async def published(
    endpoint: str,
    picture: npt.NDArray[np.uint8],
    *,
    sway_px: int = 0,
    mime_type: str | None = None,
    **headers: str,
) -> AsyncIterator[Published]:
    """Publish a picture to an endpoint, with a data channel for the answers."""
    async with (
        camera_peer(picture, sway_px=sway_px, mime_type=mime_type) as peer,
        aiohttp.ClientSession() as http,
    ):
        channel = peer.createDataChannel("facegauge")
        offer = await make_offer(peer)
        request = http.post(endpoint, data=offer, headers={"Content-Type": "application/sdp", **headers})
        async with request as response:
            assert response.status == 201, await response.text()
            assert response.content_type == "application/sdp"
            session_url = str(response.url.join(URL(response.headers["Location"])))
            answer = RTCSessionDescription(sdp=await response.text(), type="answer")
        result = Published(http, session_url, peer)
        channel.on("message", lambda line: result.answers.put_nowait(json.loads(line)))
        await peer.setRemoteDescription(answer)
        yield result
