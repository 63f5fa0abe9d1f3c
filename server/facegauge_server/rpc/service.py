"""The gRPC service: requests to calls of the server's parts, and what they return to responses.

Methods read their requests as raw bytes, unary ones too: so a caller is identified, and there is a place for
its request, before gRPC has received the body; and what cannot be parsed is the caller's error, with a
sentence.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable
from typing import Any, TypeAlias

import grpc

from facegauge.v1 import quality_pb2 as pb
from facegauge_server.access.gatekeeper import Gatekeeper
from facegauge_server.access.identity import Identity, Right
from facegauge_server.admission.worker_slots import WorkerSlots
from facegauge_server.calibration import ServedModel
from facegauge_server.config import Config, StreamSettings
from facegauge_server.defects import Defects
from facegauge_server.errors import FacegaugeError, ProtocolViolation
from facegauge_server.images import ImageAssessor
from facegauge_server.metrics import Metrics
from facegauge_server.pipeline import Pipeline
from facegauge_server.rpc import from_proto, to_proto
from facegauge_server.rpc.first_message import FirstMessages
from facegauge_server.rpc.message_memory import MessageMemory
from facegauge_server.rpc.receive_guard import ReceiveGuard
from facegauge_server.rpc.receive_pace import ReceivePace
from facegauge_server.rpc.statuses import ErrorsAsStatuses
from facegauge_server.safe_log import SafeLog
from facegauge_server.streams.buffers import Message
from facegauge_server.streams.coded.runner import CodedStreamRunner
from facegauge_server.streams.runner import StreamRunner
from facegauge_server.streams.session_table import Opened, SessionTable
from facegauge_server.types import EncodedFrame

__all__ = ["SERVICE_NAME", "QualityService"]

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Requests: TypeAlias = AsyncIterator[bytes]

SERVICE_NAME = pb.DESCRIPTOR.services_by_name["QualityService"].full_name
DEFAULT_LIST_LIMIT, DEFAULT_WATCH_LIMIT = 1000, 50
NO_RESPONSE = b""
"""What a unary method returns where it has set an error: gRPC sends the status alone."""


class QualityService:
    """Implements facegauge.v1.QualityService."""

    def __init__(
        self,
        table: SessionTable,
        pipeline: Pipeline,
        slots: WorkerSlots,
        config: Config,
        metrics: Metrics,
        model: ServedModel,
        gatekeeper: Gatekeeper,
        memory: MessageMemory,
        guard: ReceiveGuard,
    ) -> None:
        self._table = table
        self._pipeline = pipeline
        self._slots = slots
        self._config = config
        self._metrics = metrics
        self._model = model
        self._gatekeeper = gatekeeper
        self._memory = memory
        self._guard = guard
        self._pace = ReceivePace()
        self._images = ImageAssessor(pipeline, slots, table, config)
        self._first = FirstMessages(config.idle_timeout_s, self._pace.wait_for_turn)
        self._log = SafeLog()
        self._defects = Defects(metrics.count_error)

    def add_to(self, server: grpc.aio.Server) -> None:
        """Register the methods with a server."""
        handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
            "MonitorStream": grpc.stream_stream_rpc_method_handler(self.monitor_stream),
            "AssessImage": grpc.stream_unary_rpc_method_handler(self.assess_image),
            "ListStreams": grpc.stream_unary_rpc_method_handler(self.list_streams),
            "WatchStreams": grpc.stream_stream_rpc_method_handler(self.watch_streams),
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE_NAME, handlers),))

    async def monitor_stream(self, _: object, context: Context) -> None:
        """Follow one stream: see the .proto file."""
        async with ErrorsAsStatuses(context, "MonitorStream", self._defects):
            identity = self._identify(context, Right.PUBLISH)
            requests = _Requests(context, self._guard)
            await self._follow(await self._first_config(requests, context), requests, context, identity)

    async def _follow(
        self, settings: StreamSettings, requests: Requests, context: Context, identity: Identity
    ) -> None:
        log = self._log.bind(stream_id=settings.stream_id, tenant=identity.tenant, peer=context.peer())

        async def send(message: Message) -> None:
            response = to_proto.response_from(message, settings.stream_id, self._model)
            await context.write(response.SerializeToString())

        with self._table.connected(settings, time.monotonic, identity) as opened:
            session = opened.session
            log = log.bind(call_id=session.settings.call_id)
            log.info("stream opened", resumed=opened.resumed)
            outcome = "stream lost its connection"
            try:
                await context.write(self._accepted(opened).SerializeToString())
                kind = CodedStreamRunner if session.settings.encoding.is_coded else StreamRunner
                runner = kind(opened, self._pipeline, self._slots, self._config, self._metrics)
                await runner.run(_Frames(requests, session.settings, self._memory, self._pace), send)
                outcome = "stream closed"
            except FacegaugeError as error:
                outcome = f"stream ended: {error}"
                raise
            finally:
                log.info(outcome)

    async def assess_image(self, _: object, context: Context) -> bytes:
        """Score one picture: see the .proto file."""
        async with ErrorsAsStatuses(context, "AssessImage", self._defects):
            identity = self._identify(context, Right.PUBLISH)
            with self._images.place():
                async with self._images.receiving:
                    return await self._assess_picture(context, identity)
        return NO_RESPONSE

    async def _assess_picture(self, context: Context, identity: Identity) -> bytes:
        data = await self._first_data(context)
        assessment = await self._images.assess(*from_proto.image_from(data), identity.tenant)
        return to_proto.image_response(assessment, self._model).SerializeToString()

    async def list_streams(self, _: object, context: Context) -> bytes:
        """List the live streams: see the .proto file."""
        async with ErrorsAsStatuses(context, "ListStreams", self._defects):
            identity = self._identify(context, Right.LIST)
            request = await self._first_request(pb.ListStreamsRequest, context)
            limit = from_proto.list_limit(request.limit, DEFAULT_LIST_LIMIT)
            streams, total = self._statuses(request.call_id, limit, identity)
            return pb.ListStreamsResponse(streams=streams, total=total).SerializeToString()
        return NO_RESPONSE

    async def watch_streams(self, _: object, context: Context) -> AsyncIterator[bytes]:
        """List the live streams again and again: see the .proto file."""
        async with ErrorsAsStatuses(context, "WatchStreams", self._defects):
            identity = self._identify(context, Right.WATCH)
            request = await self._first_request(pb.WatchStreamsRequest, context)
            limit = from_proto.list_limit(request.limit, DEFAULT_WATCH_LIMIT)
            interval_s = from_proto.watch_interval_s(request)
            while not self._table.is_draining:
                streams, total = self._statuses(request.call_id, limit, identity)
                yield pb.WatchStreamsResponse(streams=streams, total=total).SerializeToString()
                await asyncio.sleep(interval_s)

    def _identify(self, context: Context, right: Right) -> Identity:
        """Return who calls; raises Unauthenticated, or Forbidden where the right is missing."""
        metadata = tuple(context.invocation_metadata() or ())
        identity = self._gatekeeper.identify(metadata, context.auth_context(), time.monotonic())
        identity.require(right)
        return identity

    def _accepted(self, opened: Opened) -> pb.MonitorStreamResponse:
        return to_proto.accepted_response(
            opened.session,
            resumed=opened.resumed,
            model=self._model.name,
            max_message_bytes=self._config.limits.max_message_bytes,
        )

    async def _first_config(self, requests: Requests, context: Context) -> StreamSettings:
        data = await self._first.read_config(requests, context.peer())
        first = None if data is None else from_proto.parse(pb.MonitorStreamRequest, data)
        if first is None or first.WhichOneof("message") != "config":
            raise ProtocolViolation("the first request must be a StreamConfig, frames come after it")
        return from_proto.settings_from(first.config)

    async def _first_request(self, kind: type[from_proto.M], context: Context) -> from_proto.M:
        return from_proto.parse(kind, await self._first_data(context))

    async def _first_data(self, context: Context) -> bytes:
        data = await self._first.read(_Requests(context, self._guard), context.peer())
        if data is None:
            raise ProtocolViolation("the call ended without a request")
        return data

    def _statuses(self, call_id: str, limit: int, identity: Identity) -> tuple[list[pb.StreamStatus], int]:
        now_s = time.monotonic()
        sessions = self._table.worst_first(call_id, identity)
        return [to_proto.status_message(session, now_s) for session in sessions[:limit]], len(sessions)


class _Requests:
    """The messages of a call. Keeps none: gRPC's own iterator holds the last one for as long as the call."""

    def __init__(self, context: Context, guard: ReceiveGuard) -> None:
        self._context = context
        self._guard = guard
        self._peer = context.peer()

    def __aiter__(self) -> _Requests:
        return self

    async def __anext__(self) -> bytes:
        data = await self._guard.watched(self._peer, self._context.read())
        if data is grpc.aio.EOF:
            raise StopAsyncIteration
        assert isinstance(data, bytes)  # noqa: S101 - narrows: there is no deserializer
        self._guard.hand_on(self._peer, len(data))
        return data


class _Frames:
    """The frames of a stream, once its configuration has been read."""

    def __init__(
        self, requests: Requests, settings: StreamSettings, memory: MessageMemory, pace: ReceivePace
    ) -> None:
        self._requests = requests
        self._settings = settings
        self._read: deque[EncodedFrame] = deque()
        self._memory = memory
        self._reader = memory.reader()
        self._allowance = pace.allowance()

    def __aiter__(self) -> _Frames:
        return self

    async def __anext__(self) -> EncodedFrame:
        while not self._read:
            data = await self._allowance.read(self._read_message)
            for frame in from_proto.frames_from(data, self._settings):
                self._memory.keep(frame, len(frame.data))
                self._read.append(frame)
            del data
        return self._read.popleft()

    def _read_message(self) -> Awaitable[bytes]:
        return self._reader.read(self._requests.__anext__)
