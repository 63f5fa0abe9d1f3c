"""Packets in order -> whole units, each judged by whether it can be decoded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from facegauge_gateway.rtp.access_unit import AccessUnit
from facegauge_gateway.rtp.bad_packet import BadPacket
from facegauge_gateway.rtp.codec import Codec
from facegauge_gateway.rtp.decodability import Decodability, Verdict
from facegauge_gateway.rtp.depacketise import DEPACKETISERS, Depacketiser
from facegauge_gateway.rtp.packet import RtpPacket
from facegauge_gateway.rtp.statistics import Statistics

__all__ = ["Assembler"]


@dataclass(slots=True)
class _OpenUnit:
    """Packets of one timestamp, up to now."""

    codec: Codec
    depacketiser: Depacketiser
    raw_timestamp: int
    timestamp: int
    is_broken: bool
    payloads: list[bytes] = field(default_factory=list)
    size_bytes: int = 0


class Assembler:
    """Puts units together out of the packets of one source, in their order.

    A unit ends with the marker, or before another timestamp. It begins after the end of another one, or,
    behind a gap, where its payload format tells that it does; otherwise its first packets may be missing.
    """

    def __init__(
        self, place_in_time: Callable[[int, float], int], statistics: Statistics, *, max_unit_bytes: int
    ) -> None:
        """Take what puts timestamps on one line, what counts, and how large a unit may grow."""
        self._place_in_time = place_in_time
        self._statistics = statistics
        self._max_unit_bytes = max_unit_bytes
        self._format: tuple[Codec, Depacketiser] | None = None
        self._decodability = Decodability()
        self._open: _OpenUnit | None = None
        self._is_after_gap = True
        """Whether packets are missing between the last one and the next."""
        self._is_loss_before = False
        """Whether units or packets are missing since the last whole unit."""
        self._begins_anew = False
        """Whether another sender or codec has begun, which no unit has told yet."""

    @property
    def needs_keyframe(self) -> bool:
        """Whether units have come that cannot be decoded for want of a keyframe."""
        counted = self._statistics
        return self._decodability.is_broken and bool(counted.units or counted.units_broken)

    def lose(self) -> None:
        """Take note that packets are missing here."""
        self._is_after_gap = self._is_loss_before = True
        if self._open is not None:
            self._open.is_broken = True

    def restart(self) -> None:
        """Take note that what comes now has nothing to do with what was before."""
        self.lose()
        self._drop_open()
        self._break()
        self._begins_anew = True

    def add(self, packet: RtpPacket, codec: Codec | None, arrived_s: float) -> list[AccessUnit]:
        """Add a packet; without a codec or a payload it only takes its place in the sequence."""
        if codec is None or not packet.payload:
            return []
        units: list[AccessUnit | None] = []
        depacketiser = self._depacketiser(codec)
        if self._open is not None and packet.timestamp != self._open.raw_timestamp:
            units.append(self._finish(self._open))
        unit = self._open
        if unit is None:
            timestamp = self._place_in_time(packet.timestamp, arrived_s)
            is_beheaded = self._is_after_gap and not depacketiser.is_start(packet.payload)
            unit = self._open = _OpenUnit(codec, depacketiser, packet.timestamp, timestamp, is_beheaded)
        self._is_after_gap = False
        self._add_payload(unit, packet.payload)
        if packet.marker:
            units.append(self._finish(unit))
        return [unit for unit in units if unit is not None]

    def _depacketiser(self, codec: Codec) -> Depacketiser:
        """Return that of this codec; another one than before begins a stream anew."""
        if self._format is None or self._format[0] is not codec:
            if self._format is not None:
                was_after_gap = self._is_after_gap
                self.restart()
                self._is_after_gap = was_after_gap
            self._format = codec, DEPACKETISERS[codec]()
        return self._format[1]

    def _add_payload(self, unit: _OpenUnit, payload: bytes) -> None:
        unit.size_bytes += len(payload)
        if unit.size_bytes > self._max_unit_bytes and not unit.is_broken:
            unit.is_broken = True
            self._count_fault("too_large", f"a unit has more than {self._max_unit_bytes} bytes")
        if unit.is_broken:
            unit.payloads.clear()
        else:
            unit.payloads.append(payload)

    def _finish(self, unit: _OpenUnit) -> AccessUnit | None:
        if unit.is_broken:
            self._drop_open()
            return None
        try:
            coded = unit.depacketiser.depacketise(unit.payloads)
        except BadPacket as error:
            self._count_fault(error.reason, str(error))
            self._drop_open()
            return None
        self._open = None
        if coded is None:  # parameter sets alone
            return None
        was_broken = self._decodability.is_broken
        verdict = self._decodability.judge(coded, is_loss_before=self._is_loss_before)
        self._is_loss_before = False
        if verdict is Verdict.LEFT_OUT:
            self._statistics.units_left_out += 1
            return None
        if verdict is Verdict.BROKEN and not was_broken:
            self._statistics.breaks += 1
        is_told = coded.keyframe and self._begins_anew
        self._begins_anew = self._begins_anew and not coded.keyframe
        self._statistics.units += 1
        self._statistics.keyframes += coded.keyframe
        return AccessUnit(
            codec=unit.codec,
            data=coded.data,
            timestamp=unit.timestamp,
            keyframe=coded.keyframe,
            temporal_layer=coded.layering.temporal_layer,
            discontinuity=verdict is Verdict.BROKEN or is_told,
        )

    def _drop_open(self) -> None:
        if self._open is not None:
            self._open = None
            self._is_loss_before = True
            self._statistics.units_broken += 1

    def _break(self) -> None:
        if not self._decodability.is_broken:
            self._statistics.breaks += 1
        self._decodability = Decodability()

    def _count_fault(self, reason: str, message: str) -> None:
        self._statistics.bad[reason] += 1
        self._statistics.last_fault = message
