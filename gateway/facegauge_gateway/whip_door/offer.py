"""A publisher's offer: read, bounded, and refused where nothing in it can be scored."""

from __future__ import annotations

import asyncio

from aiohttp import web
from aiortc import RTCSessionDescription
from aiortc.sdp import SessionDescription

__all__ = ["MAX_OFFER_BYTES", "SDP_TYPE", "read_offer"]

MAX_OFFER_BYTES = 64 * 1024
"""A browser's offer has 3 to 8 kB."""
MAX_CANDIDATES = 32
"""Addresses that the gateway tries to reach for one offer."""
READ_TIMEOUT_S = 10.0
SDP_TYPE = "application/sdp"
CODECS = ("H264", "VP8")
"""What aiortc decodes."""


async def read_offer(request: web.Request) -> RTCSessionDescription:
    """Return the offer in a request's body.

    Raises:
        web.HTTPException: 408, 413 or 415 for the body, 400 for what is no SDP, 422 for an offer without
            exactly one video that can be scored.
    """
    if request.content_type != SDP_TYPE:
        raise web.HTTPUnsupportedMediaType(text=f"send the offer as {SDP_TYPE}\n")
    text = await _read_text(request)
    if not text.startswith("v=0"):
        raise web.HTTPBadRequest(text="the body is no SDP offer: one begins with v=0\n")
    try:
        description = SessionDescription.parse(text)
        media = [
            (one.kind, one.direction, {c.name.upper() for c in one.rtp.codecs}) for one in description.media
        ]
    except Exception as error:  # aiortc raises whatever it stumbles over
        raise web.HTTPBadRequest(text=f"the body is no SDP offer: {error!r}\n") from error
    sending = [codecs for kind, way, codecs in media if kind == "video" and way in ("sendonly", "sendrecv")]
    if not sending:
        raise web.HTTPUnprocessableEntity(text="the offer sends no video: add a video track to publish\n")
    if len(sending) > 1 or sum(kind == "audio" for kind, _, _ in media) > 1:
        raise web.HTTPUnprocessableEntity(
            text="the offer sends several tracks of a kind: publish one video track, and one audio track"
            " at most; a second camera is a stream of its own\n"
        )
    if not any(codecs.intersection(CODECS) for codecs in sending):
        raise web.HTTPUnprocessableEntity(
            text=f"the offer's video is neither of {' and '.join(CODECS)}: prefer one of them"
            " (RTCRtpTransceiver.setCodecPreferences)\n"
        )
    return RTCSessionDescription(sdp=_with_few_candidates(text), type="offer")


async def _read_text(request: web.Request) -> str:
    if (request.content_length or 0) > MAX_OFFER_BYTES:
        raise web.HTTPRequestEntityTooLarge(MAX_OFFER_BYTES, request.content_length or 0)
    body = bytearray()
    try:
        async with asyncio.timeout(READ_TIMEOUT_S):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > MAX_OFFER_BYTES:
                    raise web.HTTPRequestEntityTooLarge(MAX_OFFER_BYTES, len(body))
        return body.decode()
    except TimeoutError:
        raise web.HTTPRequestTimeout(text="the offer did not arrive in time\n") from None
    except UnicodeDecodeError as error:
        raise web.HTTPBadRequest(text=f"the body is no SDP offer: {error}\n") from error


def _with_few_candidates(sdp: str) -> str:
    """Leave out candidates beyond the limit, and those by name (mDNS): only the publisher can resolve them.

    A publisher that hides its addresses is found all the same, by its own checks (RFC 8445, 7.3.1.3).
    """
    kept: list[str] = []
    candidates = 0
    for line in sdp.splitlines():
        if line.startswith("a=candidate:"):
            candidates += 1
            if candidates > MAX_CANDIDATES or ".local " in line:
                continue
        kept.append(line)
    return "\r\n".join(kept) + "\r\n"
