"""The gRPC service: requests to calls of the server's parts, and what they return to responses."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import TypeAlias

import grpc

from facegauge.v1 import quality_pb2 as pb
from facegauge.v1 import quality_pb2_grpc
from facegauge_server import proto_codec
from facegauge_server.admission import WorkerSlots
from facegauge_server.config import Config, StreamSettings
from facegauge_server.errors import FacegaugeError, ProtocolViolation, StreamIdle
from facegauge_server.images import ImageAssessor
from facegauge_server.metrics import Metrics
from facegauge_server.pipeline import Pipeline
from facegauge_server.rpc_errors import errors_as_statuses
from facegauge_server.safe_log import SafeLog
from facegauge_server.streams.buffers import Message
from facegauge_server.streams.runner import StreamRunner
from facegauge_server.streams.session_table import Opened, SessionTable
from facegauge_server.types import EncodedFrame

__all__ = ["QualityService"]

MonitorContext: TypeAlias = "grpc.aio.ServicerContext[pb.MonitorStreamRequest, pb.MonitorStreamResponse]"

DEFAULT_LIST_LIMIT, DEFAULT_WATCH_LIMIT = 1000, 50


class QualityService(quality_pb2_grpc.QualityServiceServicer):
    """Implements facegauge.v1.QualityService."""

    def __init__(
        self,
        table: SessionTable,
        pipeline: Pipeline,
        slots: WorkerSlots,
        config: Config,
        metrics: Metrics,
        model: str,
    ) -> None:
        self._table = table
        self._pipeline = pipeline
        self._slots = slots
        self._config = config
        self._metrics = metrics
        self._model = model
        self._images = ImageAssessor(pipeline, slots, table, config)
        self._log = SafeLog()

    async def MonitorStream(  # type: ignore[override]  # noqa: N802 - gRPC's name; it may also write by itself
        self, requests: AsyncIterator[pb.MonitorStreamRequest], context: MonitorContext
    ) -> None:
        """Follow one stream: see the .proto file."""
        async with errors_as_statuses(context, "MonitorStream", self._log):
            settings = await self._first_config(requests)
            log = self._log.bind(stream_id=settings.stream_id, peer=context.peer())

            async def send(message: Message) -> None:
                await context.write(proto_codec.response_from(message, settings.stream_id))

            with self._table.connected(settings, time.monotonic) as opened:
                session = opened.session
                log = log.bind(call_id=session.settings.call_id)
                log.info("stream opened", resumed=opened.resumed)
                outcome = "stream lost its connection"
                try:
                    await context.write(self._accepted(opened))
                    runner = StreamRunner(opened, self._pipeline, self._slots, self._config, self._metrics)
                    await runner.run(_frames(requests, session.settings), send)
                    outcome = "stream closed"
                except FacegaugeError as error:
                    outcome = f"stream ended: {error}"
                    raise
                finally:
                    log.info(outcome)

    def _accepted(self, opened: Opened) -> pb.MonitorStreamResponse:
        return proto_codec.accepted_response(
            opened.session,
            resumed=opened.resumed,
            model=self._model,
            max_message_bytes=self._config.limits.max_message_bytes,
        )

    async def _first_config(self, requests: AsyncIterator[pb.MonitorStreamRequest]) -> StreamSettings:
        idle_timeout_s = self._config.idle_timeout_s
        try:
            async with asyncio.timeout(idle_timeout_s):
                first = await anext(requests, None)
        except TimeoutError:
            raise StreamIdle(f"no StreamConfig arrived for {idle_timeout_s:g} s (--idle-timeout)") from None
        if first is None or first.WhichOneof("message") != "config":
            raise ProtocolViolation("the first request must be a StreamConfig, frames come after it")
        return proto_codec.settings_from(first.config)

    async def AssessImage(  # noqa: N802 - gRPC's name
        self,
        request: pb.AssessImageRequest,
        context: grpc.aio.ServicerContext[pb.AssessImageRequest, pb.AssessImageResponse],
    ) -> pb.AssessImageResponse:
        """Score one picture: see the .proto file."""
        async with errors_as_statuses(context, "AssessImage", self._log):
            assessment = await self._images.assess(*proto_codec.image_from(request))
            return proto_codec.image_response(assessment)
        raise AssertionError("unreachable")  # pragma: no cover - the block returns or the call is aborted

    async def ListStreams(  # noqa: N802 - gRPC's name
        self,
        request: pb.ListStreamsRequest,
        context: grpc.aio.ServicerContext[pb.ListStreamsRequest, pb.ListStreamsResponse],
    ) -> pb.ListStreamsResponse:
        """List the live streams: see the .proto file."""
        async with errors_as_statuses(context, "ListStreams", self._log):
            limit = proto_codec.list_limit(request.limit, DEFAULT_LIST_LIMIT)
            streams, total = self._statuses(request.call_id, limit)
            return pb.ListStreamsResponse(streams=streams, total=total)
        raise AssertionError("unreachable")  # pragma: no cover - the block returns or the call is aborted

    async def WatchStreams(  # noqa: N802 - gRPC's name
        self,
        request: pb.WatchStreamsRequest,
        context: grpc.aio.ServicerContext[pb.WatchStreamsRequest, pb.WatchStreamsResponse],
    ) -> AsyncIterator[pb.WatchStreamsResponse]:
        """List the live streams again and again: see the .proto file."""
        async with errors_as_statuses(context, "WatchStreams", self._log):
            limit = proto_codec.list_limit(request.limit, DEFAULT_WATCH_LIMIT)
            interval_s = proto_codec.watch_interval_s(request)
            while not self._table.is_draining:
                streams, total = self._statuses(request.call_id, limit)
                yield pb.WatchStreamsResponse(streams=streams, total=total)
                await asyncio.sleep(interval_s)

    def _statuses(self, call_id: str, limit: int) -> tuple[list[pb.StreamStatus], int]:
        now_s = time.monotonic()
        sessions = self._table.worst_first(call_id)
        return [proto_codec.status_message(session, now_s) for session in sessions[:limit]], len(sessions)


async def _frames(
    requests: AsyncIterator[pb.MonitorStreamRequest], settings: StreamSettings
) -> AsyncIterator[EncodedFrame]:
    async for request in requests:
        if request.WhichOneof("message") != "frame":
            raise ProtocolViolation("a stream has one StreamConfig, then frames only")
        yield proto_codec.frame_from(request.frame, settings)
