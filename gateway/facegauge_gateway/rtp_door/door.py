"""The RTP door: its ports, and the clock that moves their streams."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from facegauge_client import Client
from facegauge_gateway.address import AllowedSources
from facegauge_gateway.answers.hub import AnswerHub
from facegauge_gateway.log import Log
from facegauge_gateway.metrics import Metrics
from facegauge_gateway.rtp_door.kernel_drops import export_kernel_drops
from facegauge_gateway.rtp_door.port_streams import PortStreams
from facegauge_gateway.rtp_door.settings import Listen, RtpSettings
from facegauge_gateway.rtp_door.stream_table import StreamTable
from facegauge_gateway.rtp_door.udp_port import RECEIVE_BUFFER_BYTES, UdpPort
from facegauge_gateway.sources import Refusals, Source, export_sources

__all__ = ["RtpDoor"]

TICK_S = 0.02
"""How often streams are looked at: what waits 100 ms for a missing packet waits at most a fifth longer."""


class RtpDoor:
    """Takes RTP on its ports from `open` to `drain`; a stream at the server for each source."""

    def __init__(self, settings: RtpSettings, client: Client, hub: AnswerHub, metrics: Metrics) -> None:
        """Prepare the door; `hub` gets the answers."""
        self._settings = settings
        self._log = Log()
        self._refusals = Refusals(metrics.registry, self._log)
        self._table = StreamTable(settings, client, hub, metrics, self._refusals)
        export_sources(metrics.registry, self._sources)
        export_kernel_drops(metrics.registry, self._dropped_by_kernel)
        self._ports: list[PortStreams] = []
        self._sockets: list[UdpPort] = []
        self._kernel_dropped = 0
        self._ticking: asyncio.Task[None] | None = None

    async def open(self) -> Mapping[str, object]:
        """Bind all ports; returns their addresses. Raises BadConfiguration."""
        allowed = AllowedSources(self._settings.allowed)
        try:
            listening = [self._listen(listen, allowed) for listen in self._settings.listen]
        except BaseException:
            self._close_sockets()
            raise
        self._warn_of_small_buffers()
        self._ticking = asyncio.create_task(self._tick(), name="rtp tick")
        return {"rtp": listening}

    async def drain(self) -> None:
        """Read no more, and finish all streams at the server."""
        self._close_sockets()
        if self._ticking is not None:
            self._ticking.cancel()
        for port in self._ports:
            port.drop_all()
        await self._table.closed()

    def _listen(self, listen: Listen, allowed: AllowedSources) -> str:
        port = PortStreams(self._table, self._settings, allowed, self._refusals)
        rtp = rtcp = UdpPort(listen.rtp, port.take)
        self._sockets.append(rtp)
        if listen.rtcp is not None:
            rtcp = UdpPort(listen.rtcp, port.take)
            self._sockets.append(rtcp)
        port.begin(rtp.address.port, rtcp.send)
        self._ports.append(port)
        return str(rtp.address) if rtcp is rtp else f"{rtp.address}/{rtcp.address.port}"

    def _close_sockets(self) -> None:
        for udp in self._sockets:
            self._kernel_dropped += udp.dropped_by_kernel()
            udp.close()
        self._sockets.clear()

    def _warn_of_small_buffers(self) -> None:
        granted_bytes = min(udp.receive_buffer_bytes for udp in self._sockets)
        if granted_bytes < RECEIVE_BUFFER_BYTES:
            self._log.warning(
                "the kernel may drop packets of many streams",
                receive_buffer_bytes=granted_bytes,
                explanation=f"set net.core.rmem_max to {RECEIVE_BUFFER_BYTES} by sysctl, and restart",
            )

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            for port in self._ports:
                try:
                    port.poll(loop.time())
                except Exception as error:  # noqa: BLE001 - the other ports' streams go on
                    self._log.defect("a port was not looked at", error)
            await asyncio.sleep(TICK_S)

    def _sources(self) -> Iterable[Source]:
        return [
            Source(stream.name.stream_id, stream.name.call_id, stream.ssrc, stream.receiver.statistics)
            for stream in self._table.streams()
        ]

    def _dropped_by_kernel(self) -> int:
        return self._kernel_dropped + sum(udp.dropped_by_kernel() for udp in self._sockets)
