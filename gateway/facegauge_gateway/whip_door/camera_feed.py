"""What goes between aiortc's receiver, a camera and its stream at the server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator

from aiortc.rtp import AnyRtcpPacket, RtpPacket

from facegauge_gateway.forward import MonitoredStream
from facegauge_gateway.rtp.access_unit import AccessUnit
from facegauge_gateway.rtp.bad_packet import BadPacket
from facegauge_gateway.sources import FaultLog, coded_frame
from facegauge_gateway.whip_door.camera import Camera

__all__ = ["CameraFeed"]


class CameraFeed:
    """Sends on the units that packets complete; aiortc's connection would end by an error, so none leaves."""

    def __init__(
        self,
        camera: Camera,
        stream: MonitoredStream,
        faults: FaultLog,
        on_defect: Callable[[Exception], None],
    ) -> None:
        self._camera = camera
        self._stream = stream
        self._faults = faults
        self._on_defect = on_defect
        self._time = asyncio.get_running_loop().time

    def take_packet(self, packet: RtpPacket, arrival_time_ms: int) -> None:
        """Take a packet of RTP."""
        with self._guarded():
            self._send(self._camera.receive(packet, arrival_time_ms, self._time()))

    def take_rtcp(self, packet: AnyRtcpPacket) -> None:
        """Take a sender report or a goodbye."""
        with self._guarded(), contextlib.suppress(BadPacket):
            self._camera.sender_report(bytes(packet), self._time())

    def take_feedback(self) -> list[bytes]:
        """Return the RTCP to send now."""
        due: list[bytes] = []
        with self._guarded():
            due += self._camera.feedback(self._time())
        return due

    def poll(self) -> None:
        """Send on what has waited long enough, and tell of pictures that cannot be put together."""
        now_s = self._time()
        with self._guarded():
            self._send(self._camera.poll(now_s))
            self._faults.look(now_s)

    def _send(self, units: Iterable[AccessUnit]) -> None:
        for unit in units:
            self._stream.send(*coded_frame(unit))

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - a defect ends its session alone
            self._on_defect(error)
