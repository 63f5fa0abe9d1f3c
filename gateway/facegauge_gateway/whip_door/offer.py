"""A publisher's offer: read, bounded, and refused where nothing in it can be scored."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

from aiohttp import web
from aiortc import RTCSessionDescription
from aiortc.sdp import MediaDescription, SessionDescription

from facegauge_gateway.rtp.codec import Codec
from facegauge_gateway.whip_door.video_codecs import VideoCodecs, choose_codecs, with_a_codec_of_aiortc

__all__ = ["MAX_OFFER_BYTES", "SDP_TYPE", "Offer", "parse_offer", "read_offer"]

MAX_OFFER_BYTES = 64 * 1024
"""A browser's offer has 3 to 8 kB."""
MAX_CANDIDATES = 32
"""Addresses that the gateway tries to reach for one offer."""
READ_TIMEOUT_S = 10.0
SDP_TYPE = "application/sdp"


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer of one camera."""

    description: RTCSessionDescription
    """As aiortc takes it."""
    video: VideoCodecs


async def read_offer(request: web.Request, timeout_s: float = READ_TIMEOUT_S) -> Offer:
    """Return the offer in a request's body.

    Raises:
        web.HTTPException: 406 where the answer could not be read, 408, 413 or 415 for the body, 400 for what
            is no SDP, 422 for an offer without exactly one video that can be scored.
    """
    if not _accepts_sdp(request.headers.getall("Accept", [])):
        raise web.HTTPNotAcceptable(text=f"the answer is {SDP_TYPE}: accept it\n")
    if request.content_type != SDP_TYPE:
        raise web.HTTPUnsupportedMediaType(text=f"send the offer as {SDP_TYPE}\n")
    return parse_offer(await _read_text(request, timeout_s))


def parse_offer(text: str) -> Offer:
    """Return the offer of an SDP; raises 400 and 422."""
    if not text.startswith("v=0"):
        raise web.HTTPBadRequest(text="the body is no SDP offer: one begins with v=0\n")
    try:
        description = SessionDescription.parse(text)
        video = _video(description.media)
    except web.HTTPException:
        raise
    except Exception as error:  # aiortc raises whatever it stumbles over
        raise web.HTTPBadRequest(text=f"the body is no SDP offer: {error!r}\n") from error
    sdp = with_a_codec_of_aiortc(_with_few_candidates(text))
    return Offer(RTCSessionDescription(sdp=sdp, type="offer"), video)


def _video(media: list[MediaDescription]) -> VideoCodecs:
    """Return the codecs of the one camera; raises 422."""
    kinds = [one.kind for one in media]
    sending = [one for one in media if one.kind == "video" and one.direction in ("sendonly", "sendrecv")]
    if not sending:
        raise web.HTTPUnprocessableEntity(text="the offer sends no video: add a video track to publish\n")
    if kinds.count("video") > 1 or kinds.count("audio") > 1:
        raise web.HTTPUnprocessableEntity(
            text="the offer sends several tracks of a kind: publish one video track, and one audio track"
            " at most; a second camera is a stream of its own\n"
        )
    codecs = choose_codecs(sending[0].rtp.codecs)
    if codecs is None:
        raise web.HTTPUnprocessableEntity(
            text=f"the offer's video is none of {', '.join(Codec)}, 4:2:0 with 8 bits: prefer one of them"
            " (RTCRtpTransceiver.setCodecPreferences)\n"
        )
    return codecs


def _accepts_sdp(headers: list[str]) -> bool:
    """Whether a client takes SDP, by its Accept headers (RFC 9110, 12.5.1); one without takes anything."""
    weights: dict[str, bool] = {}
    for one in ",".join(headers).lower().split(","):
        kind, *parameters = (part.strip() for part in one.split(";"))
        if kind:
            weights[kind] = not any(re.fullmatch(r"q=0(\.0{0,3})?", part) for part in parameters)
    ranges = (SDP_TYPE, "application/*", "*/*")  # the most specific one decides
    return not weights or next((weights[kind] for kind in ranges if kind in weights), False)


async def _read_text(request: web.Request, timeout_s: float) -> str:
    if (request.content_length or 0) > MAX_OFFER_BYTES:
        raise _too_large(request.content_length or 0)
    body = bytearray()
    try:
        async with asyncio.timeout(timeout_s):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > MAX_OFFER_BYTES:
                    raise _too_large(len(body))
        return body.decode()
    except TimeoutError:
        raise web.HTTPRequestTimeout(
            text=f"the offer did not arrive within {timeout_s:g} s: send it again\n"
        ) from None
    except UnicodeDecodeError as error:
        raise web.HTTPBadRequest(text=f"the body is no SDP offer: {error}\n") from error


def _too_large(size: int) -> web.HTTPException:
    return web.HTTPRequestEntityTooLarge(
        MAX_OFFER_BYTES,
        size,
        text=f"an offer has at most {MAX_OFFER_BYTES} bytes: leave out codecs and candidates\n",
    )


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
