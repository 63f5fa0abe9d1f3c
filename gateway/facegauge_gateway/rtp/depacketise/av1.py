"""AV1 over RTP ("RTP Payload Format For AV1", Alliance for Open Media, 1.0)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from facegauge_gateway.rtp.bad_packet import BadPacket
from facegauge_gateway.rtp.depacketise.obu import (
    DELIMITER,
    FRAME,
    FRAME_HEADER,
    KEPT_TYPES,
    SEQUENCE_HEADER,
    TEMPORAL_DELIMITER,
    Obu,
    read_leb128,
)
from facegauge_gateway.rtp.layering import CodedUnit, Layering

__all__ = ["Av1Depacketiser"]

CONTINUES, IS_CONTINUED, NEW_SEQUENCE = 0x80, 0x40, 0x08
"""Z, Y and N of the aggregation header (4.4)."""


class Av1Depacketiser:
    """Joins the OBUs of a temporal unit and gives each its size."""

    def is_start(self, payload: bytes) -> bool:
        """Whether a coded video sequence begins here: N, or its header comes first.

        Of other units no packet says that it is the first.
        """
        if payload[0] & NEW_SEQUENCE:
            return True
        if payload[0] & CONTINUES:
            return False
        try:
            first = _split(payload)[0]
        except BadPacket:
            return False
        return bool(first) and Obu.kind_of(first) in (SEQUENCE_HEADER, DELIMITER)

    def depacketise(self, payloads: Sequence[bytes]) -> CodedUnit | None:
        """Put a temporal unit together (4.3 to 4.5)."""
        obus = [obu for obu in map(Obu.parse, _elements(payloads)) if obu.kind in KEPT_TYPES]
        frames = [obu for obu in obus if obu.kind in (FRAME_HEADER, FRAME)]
        if not frames:
            return None
        has_sequence = any(obu.kind == SEQUENCE_HEADER for obu in obus)
        return CodedUnit(
            TEMPORAL_DELIMITER + b"".join(obu.with_size() for obu in obus),
            keyframe=has_sequence and frames[0].starts_key_frame,
            layering=Layering(temporal_layer=frames[0].temporal_layer),
        )


def _elements(payloads: Sequence[bytes]) -> Iterator[bytes]:
    """Return the OBUs, their fragments joined."""
    fragments: list[bytes] = []
    for payload in payloads:
        if bool(payload[0] & CONTINUES) != bool(fragments):
            raise BadPacket("av1", "packets of one AV1 temporal unit contradict each other in Z and Y")
        elements = _split(payload)
        for number, element in enumerate(elements):
            fragments.append(element)
            if number == len(elements) - 1 and payload[0] & IS_CONTINUED:
                break
            whole = b"".join(fragments)
            fragments = []
            if whole:
                yield whole
    if fragments:
        raise BadPacket("av1", "the last OBU of an AV1 temporal unit has no end")


def _split(payload: bytes) -> list[bytes]:
    """Split a payload into OBU elements: as many as W says, the last without size; or all with one (4.3)."""
    count = payload[0] >> 4 & 3
    elements: list[bytes] = []
    at = 1
    while at < len(payload):
        size = len(payload) - at
        if len(elements) + 1 != count:
            size, at = read_leb128(payload, at)
        if at + size > len(payload):
            raise BadPacket(
                "av1", f"an AV1 payload of {len(payload)} bytes holds an OBU that ends at {at + size}"
            )
        elements.append(payload[at : at + size])
        at += size
    if not elements or (count and len(elements) != count):
        raise BadPacket("av1", f"an AV1 payload holds {len(elements)} OBUs where it announces {count}")
    return elements
