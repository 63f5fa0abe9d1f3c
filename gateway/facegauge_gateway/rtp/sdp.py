"""An SDP (RFC 8866) -> the video codecs of its payload types; its syntax is read by aiortc."""

from __future__ import annotations

from aiortc.sdp import SessionDescription

from facegauge_gateway.rtp.codec import CLOCK_RATE_HZ, Codec

__all__ = ["BadSdp", "read_sdp"]

NAMES = frozenset(map(str, Codec))
INTERLEAVED_MODE = "2"


class BadSdp(Exception):
    """A text that is no SDP, or one without video that can be used; the message says what to change."""


def read_sdp(text: str) -> dict[int, Codec]:
    """Return codecs by payload type; others (retransmission, error correction, audio) are left out.

    Raises BadSdp.
    """
    if not text.lstrip().startswith("v="):
        raise BadSdp("the text is no SDP: it must begin with v=0 (RFC 8866, 5)")
    try:
        session = SessionDescription.parse(text)
    except (ArithmeticError, AssertionError, AttributeError, LookupError, StopIteration, ValueError) as error:
        raise BadSdp(f"the SDP cannot be read: {error or type(error).__name__}") from None
    codecs: dict[int, Codec] = {}
    named: list[str] = []
    for media in session.media:
        for parameters in media.rtp.codecs if media.kind == "video" else ():
            name = parameters.name.upper()
            named.append(name)
            if name not in NAMES:
                continue
            if parameters.clockRate != CLOCK_RATE_HZ:
                raise BadSdp(f"{name} has a clock of {parameters.clockRate} Hz: it must be {CLOCK_RATE_HZ}")
            if parameters.parameters.get("packetization-mode") == INTERLEAVED_MODE:
                raise BadSdp("H.264's packetization-mode=2 (interleaved) is not supported: negotiate mode 1")
            payload_type = int(parameters.payloadType or 0)
            if codecs.setdefault(payload_type, Codec(name)) is not Codec(name):
                raise BadSdp(f"payload type {payload_type} has two codecs: forward one session a port")
    if not codecs:
        raise BadSdp(
            f"the SDP names no video of {', '.join(Codec)}, but {', '.join(named) or 'no video at all'}: "
            "it needs an m=video section with an a=rtpmap for each payload type (RFC 8866, 6.6)"
        )
    return codecs
