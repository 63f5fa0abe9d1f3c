"""The asynchronous SDK: a connection to one server, and its calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from types import TracebackType
from typing import Any, Self, TypeVar

import grpc
import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from facegauge.v1 import quality_pb2_grpc
from facegauge_client.sdk import proto_codec
from facegauge_client.sdk.channel import DEFAULT_TARGET, open_channel
from facegauge_client.sdk.connection import StreamOptions
from facegauge_client.sdk.event_watch import EventWatch
from facegauge_client.sdk.failures import explained, unavailable
from facegauge_client.sdk.frames import Picture, encode
from facegauge_client.sdk.stream import MonitorStream
from facegauge_client.sdk.token import Metadata, Token, TokenSource, is_local
from facegauge_client.sdk.types import (
    Assessment,
    CallList,
    Decode,
    Delivery,
    Event,
    EventKind,
    EventPosition,
    EventsMissed,
    FrameEncoding,
    HealthStatus,
    Notice,
    StreamList,
)

__all__ = ["Client"]

T = TypeVar("T")
CODED_MAILBOX_FRAMES = 64
_MAX_MESSAGE_BYTES = 16 * 2**20


class Client:
    """A connection to one server, shared by any number of streams; an asynchronous context manager.

    `target` is HOST:PORT. `credentials` from `grpc.ssl_channel_credentials()` or `ssl_credentials()` switch
    TLS on. Entering it opens no connection yet: the first call does, and fails within `connect_timeout_s`
    where no server answers. Calls other than streams end after `request_timeout_s`.

    `token` is a bearer token for a server that asks for one, or a function that returns one, asynchronous or
    not: it is called for every call and every reconnection, so that an expired token is replaced, and once
    more where the server refuses what it gave. Health checks need no token and carry none. Since whoever
    reads a token along the way can use it, ValueError is raised for a token over a connection without TLS to
    another machine, unless `insecure_token` says that something else encrypts.
    """

    def __init__(
        self,
        target: str = DEFAULT_TARGET,
        credentials: grpc.ChannelCredentials | None = None,
        *,
        token: Token | None = None,
        insecure_token: bool = False,
        connect_timeout_s: float = 5.0,
        request_timeout_s: float = 30.0,
        keepalive_s: float = 10.0,
        max_message_bytes: int = _MAX_MESSAGE_BYTES,
    ) -> None:
        self.target = target
        self._credentials = credentials
        self._connect_timeout_s = connect_timeout_s
        self._request_timeout_s = request_timeout_s
        self._keepalive_s = keepalive_s
        self._max_message_bytes = max_message_bytes
        self._open_channel: grpc.aio.Channel | None = None
        if not (token is None or credentials is not None or insecure_token or is_local(target)):
            raise ValueError(
                f"the token would travel to {target} in clear, and whoever reads it can use it: give"
                " credentials to switch TLS on, or insecure_token=True where something else encrypts"
            )
        self._token = TokenSource(token, timeout_s=connect_timeout_s)

    async def __aenter__(self) -> Self:
        self._open_channel = open_channel(
            self.target,
            self._credentials,
            keepalive_s=self._keepalive_s,
            max_message_bytes=self._max_message_bytes,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._channel.close()
        self._open_channel = None

    def monitor(
        self,
        stream_id: str,
        call_id: str = "",
        *,
        delivery: Delivery = Delivery.LIVE,
        max_fps: float = 0.0,
        min_fps: float = 0.0,
        display_lines: int = 0,
        median_window: int | None = None,
        time_constant_s: float | None = None,
        reconnect_timeout_s: float | None = None,
        stall_timeout_s: float = 30.0,
        mailbox_frames: int = 1,
        unread_assessments: int = 1024,
        encoding: FrameEncoding | None = None,
        decode: Decode = Decode.AUTO,
        batch_interval_s: float = 0.0,
        on_notice: Callable[[Notice], None] | None = None,
        checkpoint: bytes = b"",
    ) -> MonitorStream:
        """Follow one stream of a call; use the result with `async with`.

        Where the frames are coded video (H264, VP8, VP9 or AV1), `encoding` says so, and `send` takes PyAV
        packets; `decode` says which of them the server decodes. Frames that come within `batch_interval_s`
        then travel in one message, which costs it less. A mailbox holds 64 frames at least; one that runs
        over costs everything up to the next keyframe.

        `max_fps`, `min_fps` (how slowly a steady stream may be sampled), `display_lines` (lines that the
        viewers' display shows), `median_window` and `time_constant_s` (seconds) are StreamConfig's, with the
        server's defaults where left out. A broken connection is retried for `reconnect_timeout_s` (0: not at
        all; None: 60 s under LIVE, not at all under COMPLETE). At most `mailbox_frames` frames wait to be
        sent, and at most `unread_assessments` assessments to be read. A COMPLETE stream fails after
        `stall_timeout_s` without progress. `on_notice` is called with each notice as it arrives, on the event
        loop, for what cannot wait until somebody looks at `notices`.

        `checkpoint` (`MonitorStream.checkpoint`) goes on with a stream of another process, under its ids.

        Where the server still holds the id for a client whose connection broke, such as this program before
        it was restarted, a stream that may reconnect waits up to 10 s for it.

        The call carries the metadata `facegauge-stream-id`, for a proxy that keeps a stream on one replica by
        hashing it: the id, percent-encoded where it is not printable ASCII.

        Entering it raises ServerUnavailable, StreamRejected, StreamExists, ServerFull, QuotaExceeded,
        Unauthenticated, Forbidden or TokenUnavailable; with a checkpoint, CheckpointRefused.
        """
        stub: Any = self._stub
        is_coded = encoding is not None and encoding.is_coded
        options = StreamOptions(
            stream_id=stream_id,
            call_id=call_id,
            delivery=delivery,
            max_fps=max_fps,
            min_fps=min_fps,
            display_lines=display_lines,
            median_window=median_window,
            time_constant_s=time_constant_s,
            connect_timeout_s=self._connect_timeout_s,
            reconnect_timeout_s=reconnect_timeout_s,
            stall_timeout_s=stall_timeout_s,
            mailbox_frames=max(mailbox_frames, CODED_MAILBOX_FRAMES if is_coded else 1),
            unread_assessments=unread_assessments,
            encoding=encoding,
            decode=decode,
            batch_interval_s=batch_interval_s,
            checkpoint=checkpoint,
        )
        return MonitorStream(stub.MonitorStream, self.target, options, self._token, on_notice)

    async def assess_image(self, picture: Picture, *, display_lines: int = 0) -> Assessment:
        """Score the faces of one picture, without smoothing or tracking.

        Raises TypeError or ValueError for what is no picture, PictureRejected for one that the server cannot
        read, ServerFull for one that is too large.
        """
        request = proto_codec.assess_image_request(encode(picture), display_lines=display_lines)
        response = await self._request(self._stub.AssessImage, request)
        return proto_codec.read_assessment(response.assessment)

    async def list_streams(self, call_id: str = "", *, stream_id: str = "", limit: int = 0) -> StreamList:
        """List the live streams (of one call, or one alone), worst quality first.

        At most `limit`, 1000 where it is 0. A stream that is asked for by its id comes with its causes.
        """
        request = proto_codec.list_streams_request(call_id=call_id, stream_id=stream_id, limit=limit)
        response = await self._request(self._stub.ListStreams, request)
        return proto_codec.read_stream_list(response)

    async def watch_streams(
        self, call_id: str = "", *, stream_id: str = "", limit: int = 0, interval_s: float = 1.0
    ) -> AsyncGenerator[StreamList, None]:
        """Yield the list of live streams every `interval_s` seconds until the iteration is left."""
        request = proto_codec.watch_streams_request(
            call_id=call_id, stream_id=stream_id, limit=limit, interval_s=interval_s
        )

        async def begin(metadata: Metadata) -> tuple[Any, Any]:
            call: Any = self._stub.WatchStreams(request, metadata=metadata)
            async with explained(self.target):
                return call, await call.read()

        await self._connected()
        call, message = await self._token.authorised(begin)
        try:
            async with explained(self.target):
                while message is not grpc.aio.EOF:
                    yield proto_codec.read_stream_list(message)
                    message = await call.read()
        finally:
            call.cancel()

    async def list_calls(self, *, limit: int = 0) -> CallList:
        """List the calls of the live streams, worst first: at most `limit`, 1000 where it is 0."""
        response = await self._request(self._stub.ListCalls, proto_codec.list_calls_request(limit=limit))
        return proto_codec.read_call_list(response)

    def watch_events(
        self,
        call_id: str = "",
        *,
        kinds: Collection[EventKind] = (),
        after: EventPosition | None = None,
        reconnect_timeout_s: float = 60.0,
    ) -> AsyncGenerator[Event | EventsMissed, None]:
        """Yield what happens to streams (of one call, of some kinds) until the iteration is left.

        It begins with what happens from now on, or goes on after `Event.position`; `EventPosition()` stands
        for the oldest event that the server keeps. Where the connection breaks, it goes on with the next
        event, for which it tries for `reconnect_timeout_s` (`math.inf`: without end) before it raises
        ServerUnavailable. What cannot be had any more, because the server has forgotten it or was restarted,
        is an `EventsMissed`.
        """
        watch = EventWatch(
            open_call=lambda *args, **options: self._stub.WatchEvents(*args, **options),
            connected=self._connected,
            target=self.target,
            token=self._token,
            call_id=call_id,
            kinds=kinds,
            reconnect_timeout_s=reconnect_timeout_s,
        )
        return watch.run(after)

    async def health(self, service: str = "facegauge.v1.QualityService") -> HealthStatus:
        """Query the server's health service; NOT_SERVING while it drains."""
        await self._connected()
        stub = health_pb2_grpc.HealthStub(self._channel)
        async with explained(self.target):
            answer = await stub.Check(
                health_pb2.HealthCheckRequest(service=service), timeout=self._request_timeout_s
            )
        match answer.status:
            case health_pb2.HealthCheckResponse.SERVING:
                return HealthStatus.SERVING
            case health_pb2.HealthCheckResponse.NOT_SERVING:
                return HealthStatus.NOT_SERVING
        return HealthStatus.UNKNOWN

    async def _request(self, method: Callable[..., Awaitable[T]], request: Any) -> T:
        """Make a call of one request and one response."""

        async def call(metadata: Metadata) -> T:
            async with explained(self.target):
                return await method(request, metadata=metadata, timeout=self._request_timeout_s)
            raise AssertionError("unreachable")  # pragma: no cover - the block returns or raises

        await self._connected()
        return await self._token.authorised(call)

    async def _connected(self) -> None:
        """Wait for the connection, no longer than the connect timeout and not at all where it is refused."""
        channel = self._channel
        state = channel.get_state(try_to_connect=True)
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                while state in (grpc.ChannelConnectivity.IDLE, grpc.ChannelConnectivity.CONNECTING):
                    await channel.wait_for_state_change(state)
                    state = channel.get_state(try_to_connect=True)
        except TimeoutError:
            raise unavailable(self.target, f"no answer within {self._connect_timeout_s:g} s") from None

    @property
    def _channel(self) -> grpc.aio.Channel:
        if self._open_channel is None:
            raise RuntimeError("use the client inside `async with Client(...) as client:`")
        return self._open_channel

    @property
    def _stub(self) -> quality_pb2_grpc.QualityServiceAsyncStub:
        return quality_pb2_grpc.QualityServiceStub(self._channel)
