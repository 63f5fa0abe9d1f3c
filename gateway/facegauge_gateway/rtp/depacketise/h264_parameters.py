"""H.264 parameter sets that a stream has sent (ITU-T H.264, 7.3.2.1 and 7.3.2.2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from facegauge_gateway.rtp.bad_packet import BadPacket
from facegauge_gateway.rtp.bits import BitReader

__all__ = ["ParameterSets"]

SPS, PPS = 7, 8
ID_AT = {SPS: 4, PPS: 1}
"""Byte at which the set's ID stands; before it are the header and, of a sequence, profile and level."""
MAX_ID = {SPS: 31, PPS: 255}
MAX_BYTES = 1024
"""Of one set that is remembered; those of calls have 10 to 40."""


class ParameterSets:
    """The newest set of each kind and ID."""

    def __init__(self) -> None:
        self._sets: dict[tuple[int, int], bytes] = {}

    def remember(self, nal_units: Iterable[bytes]) -> None:
        """Keep what is a parameter set; ignores one that cannot be read."""
        for nal_unit in nal_units:
            kind = nal_unit[0] & 0x1F
            if kind in ID_AT and len(nal_unit) <= MAX_BYTES:
                try:
                    number = BitReader(nal_unit[ID_AT[kind] :]).take_exp_golomb()
                except IndexError:
                    continue
                if number <= MAX_ID[kind]:
                    self._sets[kind, number] = nal_unit

    def all(self) -> Iterator[bytes]:
        """Return sequences' sets, then pictures'; raises BadPacket where one kind is not known."""
        if {kind for kind, _ in self._sets} != {SPS, PPS}:
            raise BadPacket(
                "h264_parameter_sets",
                "an H.264 keyframe came, but never its SPS and PPS: the sender must send them in band",
            )
        return (self._sets[key] for key in sorted(self._sets))
