"""All streams of the door, over its ports: which may begin, and how they end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from facegauge_client import Client
from facegauge_gateway.answers.hub import AnswerHub
from facegauge_gateway.forward import MonitoredStream, StreamSettings
from facegauge_gateway.metrics import Metrics
from facegauge_gateway.rtp.receiver import StreamReceiver
from facegauge_gateway.rtp_door.names import StreamName
from facegauge_gateway.rtp_door.rtp_stream import RtpStream
from facegauge_gateway.rtp_door.settings import RtpSettings
from facegauge_gateway.rtp_door.udp_port import Endpoint
from facegauge_gateway.sources import ByteRate, Refusals, SourceTotals

__all__ = ["SILENCE_S", "StreamTable"]

SILENCE_S = 2.0
"""How long a source is silent before another address, or another SSRC of the same name, takes its place."""


class Owner(Protocol):
    """The port that a stream is of."""

    number: int

    def drop(self, stream: RtpStream, why: str) -> None:
        """End one of its streams; `why` is for the log."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A stream, its port, and what to call when it is gone."""

    stream: RtpStream
    owner: Owner
    gone: Callable[[], None]


class StreamTable:
    """Streams by the id that they have at the server."""

    def __init__(
        self, settings: RtpSettings, client: Client, hub: AnswerHub, metrics: Metrics, refusals: Refusals
    ) -> None:
        self._settings = settings
        self._client = client
        self._hub = hub
        self._metrics = metrics
        self._refuse = refusals.refuse
        self._totals = SourceTotals(metrics.registry)
        self._entries: dict[str, Entry] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def streams(self) -> Iterable[RtpStream]:
        """Return the streams that are there, in the order of their beginning."""
        return [entry.stream for entry in self._entries.values()]

    def begin(self, owner: Owner, ssrc: int, source: Endpoint, now_s: float) -> RtpStream | None:
        """Begin a stream; None, with the reason counted, where there is none to be."""
        name = self._settings.names.name(ssrc, host=source[0], port=owner.number)
        if name is None:
            why = f"SSRC {ssrc} of {source[0]} has no name: give it one by --ssrc {ssrc}=STREAM"
            self._refuse("unknown_ssrc", why, now_s)
            return None
        before = self._entries.get(name.stream_id)
        if before is not None and now_s - before.stream.last_packet_s < SILENCE_S:
            why = (
                f"SSRC {ssrc} of {source[0]} would be {name.stream_id}, which SSRC {before.stream.ssrc} is:"
                " name each by --ssrc, or use {ssrc} in --stream-id"
            )
            self._refuse("stream_id_taken", why, now_s)
            return None
        if before is None and len(self._entries) >= self._settings.max_streams:
            before = self._unproven()
            if before is None:
                why = (
                    f"there are {self._settings.max_streams} streams already: raise --max-streams, or have"
                    f" {source[0]} forward to another gateway"
                )
                self._refuse("stream_limit", why, now_s)
                return None
        if before is not None:
            before.owner.drop(before.stream, "another source takes its place")
        stream = self._make(ssrc, name, source, now_s)
        gone = self._totals.track(stream.receiver.statistics)
        self._entries[name.stream_id] = Entry(stream, owner, gone)
        return stream

    def end(self, stream: RtpStream, why: str) -> None:
        """Finish a stream that is of no port any more."""
        self._entries.pop(stream.name.stream_id).gone()
        closing = asyncio.create_task(stream.close(why))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    async def closed(self) -> None:
        """Wait until the streams that have ended are finished at the server."""
        await asyncio.gather(*self._closing)

    def _unproven(self) -> Entry | None:
        """Return the oldest source that has shown no sequence: a stray datagram holds no place for long."""
        return next((entry for entry in self._entries.values() if not entry.stream.is_proven), None)

    def _make(self, ssrc: int, name: StreamName, source: Endpoint, now_s: float) -> RtpStream:
        settings = self._settings
        receiver = StreamReceiver(
            settings.codecs,
            reorder_s=settings.reorder_s,
            max_unit_bytes=settings.max_unit_bytes,
            pli_interval_s=settings.pli_interval_s,
        )
        rate = ByteRate(settings.max_stream_bytes_per_s, now_s)
        stream = RtpStream(ssrc, name, source, receiver, rate, settings.stream, self._monitor, self._metrics)
        stream.last_packet_s = now_s
        return stream

    def _monitor(self, settings: StreamSettings, on_keyframe_needed: Callable[[], None]) -> MonitoredStream:
        return MonitoredStream(self._client, settings, self._hub, self._metrics, on_keyframe_needed)
