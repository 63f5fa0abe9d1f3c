"""The SDK for programs without an event loop: the asynchronous one, run on a thread of its own.

with Client("127.0.0.1:50051") as client, client.monitor(stream_id="alice") as stream:
    stream.send(frame)
    print(stream.latest)
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from types import TracebackType
from typing import Any, Self, TypeVar

import facegauge_client.sdk.client as asynchronous
from facegauge_client.sdk.frames import Picture, encode
from facegauge_client.sdk.stream import MonitorStream as AsyncMonitorStream
from facegauge_client.sdk.types import (
    Accepted,
    Assessment,
    CallList,
    Event,
    EventsMissed,
    HealthStatus,
    Notice,
    StreamList,
    Summary,
)

__all__ = ["Client", "MonitorStream"]

T = TypeVar("T")


class _Loop:
    """An event loop on a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="facegauge", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for `work`; cancel it if the wait is interrupted."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()


class Client:
    """`facegauge_client.Client` for programs without an event loop: same arguments, methods and errors.

    It may be used from several threads.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._client = asynchronous.Client(*args, **kwargs)
        self._open_loop: _Loop | None = None

    def __enter__(self) -> Self:
        self._open_loop = _Loop()
        self._open_loop.run(self._client.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.run(self._client.__aexit__(kind, error, trace))
        self._loop.close()
        self._open_loop = None

    def monitor(self, stream_id: str, call_id: str = "", **options: Any) -> MonitorStream:
        """Follow one stream of a call; see `facegauge_client.Client.monitor` for the options."""
        return MonitorStream(self._loop, self._client, stream_id, call_id, options)

    def assess_image(self, picture: Picture, *, display_lines: int = 0) -> Assessment:
        """Score the faces of one picture, without smoothing or tracking."""
        return self._loop.run(self._client.assess_image(encode(picture), display_lines=display_lines))

    def list_streams(self, call_id: str = "", *, stream_id: str = "", limit: int = 0) -> StreamList:
        """List the live streams (of one call, or one alone, with its causes), worst quality first."""
        return self._loop.run(self._client.list_streams(call_id, stream_id=stream_id, limit=limit))

    def watch_streams(
        self, call_id: str = "", *, stream_id: str = "", limit: int = 0, interval_s: float = 1.0
    ) -> Iterator[StreamList]:
        """Yield the list of live streams every `interval_s` seconds until the iteration is left."""
        lists = self._client.watch_streams(call_id, stream_id=stream_id, limit=limit, interval_s=interval_s)
        try:
            while (streams := self._loop.run(_next(lists))) is not None:
                yield streams
        finally:
            self._loop.run(lists.aclose())

    def list_calls(self, *, limit: int = 0) -> CallList:
        """List the calls of the live streams, worst first."""
        return self._loop.run(self._client.list_calls(limit=limit))

    def watch_events(self, call_id: str = "", **options: Any) -> Iterator[Event | EventsMissed]:
        """Yield what happens to streams; see `facegauge_client.Client.watch_events` for the options."""
        events = self._client.watch_events(call_id, **options)
        try:
            while (event := self._loop.run(_next(events))) is not None:
                yield event
        finally:
            self._loop.run(events.aclose())

    def health(self, service: str = "facegauge.v1.QualityService") -> HealthStatus:
        """Query the server's health service; NOT_SERVING while it drains."""
        return self._loop.run(self._client.health(service))

    @property
    def _loop(self) -> _Loop:
        if self._open_loop is None:
            raise RuntimeError("use the client inside `with Client(...) as client:`")
        return self._open_loop


class MonitorStream:
    """`facegauge_client.MonitorStream` for programs without an event loop.

    Under LIVE `send` never waits: read `latest` from the same thread, or iterate in another one. Under
    COMPLETE both wait, so they need a thread each.
    """

    def __init__(
        self, loop: _Loop, client: asynchronous.Client, stream_id: str, call_id: str, options: dict[str, Any]
    ) -> None:
        self._loop = loop
        self._open: Callable[[], AsyncMonitorStream] = lambda: client.monitor(stream_id, call_id, **options)
        self._opened: AsyncMonitorStream | None = None

    def __enter__(self) -> Self:
        async def enter() -> AsyncMonitorStream:
            return await self._open().__aenter__()

        self._opened = self._loop.run(enter())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.run(self._stream.__aexit__(kind, error, trace))

    def send(
        self, picture: Picture, *, capture_time_s: float | None = None, sequence: int | None = None
    ) -> int:
        """Send one frame; return its sequence number. LIVE does not wait, COMPLETE waits for room.

        The picture is prepared on the calling thread and may be reused at once.
        """
        if capture_time_s is None:
            capture_time_s = getattr(picture, "time", None)
        frame = encode(picture)
        return self._loop.run(self._stream.send(frame, capture_time_s=capture_time_s, sequence=sequence))

    def finish(self) -> None:
        """Close the stream for frames; those under way are still scored, then iteration ends."""
        self._loop.run(self._stream.finish())

    def __iter__(self) -> Iterator[Assessment]:
        while (assessment := self._loop.run(_next(self._stream))) is not None:
            yield assessment

    @property
    def checkpoint(self) -> bytes:
        """What the server knows of the stream, sealed; empty before the first."""
        return self._stream.checkpoint

    @property
    def latest(self) -> Assessment | None:
        """The newest assessment, read or not."""
        return self._stream.latest

    @property
    def accepted(self) -> Accepted:
        """Configuration that the server granted on the present connection."""
        return self._stream.accepted

    @property
    def summary(self) -> Summary | None:
        """The whole stream, once it has ended."""
        return self._stream.summary

    @property
    def notices(self) -> tuple[Notice, ...]:
        """The newest notices, oldest first."""
        return tuple(self._stream.notices)

    @property
    def connected(self) -> bool:
        """Whether the server has accepted the stream on a connection that still carries it."""
        return self._stream.connected

    @property
    def frames_sent(self) -> int:
        """Frames handed to the connection."""
        return self._stream.frames_sent

    @property
    def frames_dropped(self) -> int:
        """Frames that never left: a newer one came before their turn, or the connection broke."""
        return self._stream.frames_dropped

    @property
    def reconnects(self) -> int:
        """Connections after the first."""
        return self._stream.reconnects

    @property
    def restarts(self) -> int:
        """Connections, among these, on which the stream began anew: with new smoothing and a new summary."""
        return self._stream.restarts

    @property
    def _stream(self) -> AsyncMonitorStream:
        if self._opened is None:
            raise RuntimeError("use the stream inside `with client.monitor(...) as stream:`")
        return self._opened


async def _next(items: Any) -> Any:
    return await anext(items, None)
