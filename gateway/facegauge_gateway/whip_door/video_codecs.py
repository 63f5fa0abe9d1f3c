"""Which of the video codecs of an offer can be scored, and how they are answered."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from aiortc.codecs import is_rtx
from aiortc.rtcrtpparameters import RTCRtcpFeedback, RTCRtpCodecParameters
from aiortc.rtp import DYNAMIC_PAYLOAD_TYPES

from facegauge_gateway.rtp.codec import CLOCK_RATE_HZ, Codec

__all__ = ["VideoCodecs", "choose_codecs", "with_a_codec_of_aiortc"]

NACK = RTCRtcpFeedback(type="nack")
FEEDBACK = (NACK, RTCRtcpFeedback(type="nack", parameter="pli"), RTCRtcpFeedback(type="goog-remb"))
H264_PROFILES = ("42", "4d", "58", "64")
"""First byte of profile-level-id: Baseline, Main, Extended, High; 4:2:0 with eight bits, all of them."""


@dataclass(frozen=True, slots=True)
class VideoCodecs:
    """Payload types of a publisher's camera."""

    answered: tuple[RTCRtpCodecParameters, ...]
    """In the order of the offer: a publisher sends the first."""
    by_payload_type: Mapping[int, Codec]
    repeats: Mapping[int, int]
    """Payload types of retransmissions (RFC 4588), and of what they repeat."""
    can_retransmit: bool
    """Whether the publisher sends lost packets again (NACK)."""

    @property
    def first(self) -> Codec:
        """The codec that the publisher prefers."""
        return next(iter(self.by_payload_type.values()))


def choose_codecs(offered: Iterable[RTCRtpCodecParameters]) -> VideoCodecs | None:
    """Choose what the server decodes; None where nothing of it is offered."""
    offered = list(offered)
    chosen: dict[int, RTCRtpCodecParameters] = {}
    for one in offered:
        if one.payloadType is not None and _is_decoded(one):
            chosen.setdefault(one.payloadType, one)
    repeats = {
        one.payloadType: apt
        for one in offered
        if is_rtx(one)
        and one.payloadType is not None
        and isinstance(apt := one.parameters.get("apt"), int)
        and apt in chosen
    }
    if not chosen:
        return None
    answered = [
        replace(one, rtcpFeedback=[way for way in one.rtcpFeedback if way in FEEDBACK])
        for one in offered
        if one is chosen.get(one.payloadType or 0) or one.payloadType in repeats
    ]
    return VideoCodecs(
        tuple(answered),
        {number: Codec(one.name.upper()) for number, one in chosen.items()},
        repeats,
        all(NACK in one.rtcpFeedback for one in chosen.values()),
    )


def _is_decoded(codec: RTCRtpCodecParameters) -> bool:
    if codec.clockRate != CLOCK_RATE_HZ:
        return False
    parameters = codec.parameters
    match codec.name.upper():
        case Codec.H264:
            profile = str(parameters.get("profile-level-id", "42")).lower()
            mode = str(parameters.get("packetization-mode", "0"))
            return mode in ("0", "1") and profile.startswith(H264_PROFILES)
        case Codec.VP9:
            return str(parameters.get("profile-id", "0")) == "0"
        case Codec.AV1:
            return str(parameters.get("profile", "0")) == "0"
        case name:
            return name == Codec.VP8


def with_a_codec_of_aiortc(sdp: str) -> str:
    """Add VP8 to the video of an offer: aiortc refuses one of whose codecs it decodes none.

    The answer does not name it, since the chosen codecs take the place of aiortc's.
    """
    named = {int(number) for number in re.findall(r"^a=rtpmap:(\d+) ", sdp, re.MULTILINE)}
    free = next((number for number in DYNAMIC_PAYLOAD_TYPES if number not in named), None)
    if free is None:
        return sdp
    line = rf"\1\r\na=rtpmap:{free} VP8/{CLOCK_RATE_HZ}"
    return re.sub(r"^(m=video [^\r\n]*)", line, sdp, flags=re.MULTILINE)
