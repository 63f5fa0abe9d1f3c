"""The gRPC service: messages in and out, errors to status codes. With `wire.py` the only protobuf here."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, TypeAlias

import grpc
import structlog
from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from facegauge.v1 import quality_pb2 as pb
from facegauge.v1 import quality_pb2_grpc
from facegauge_server import proto_codec
from facegauge_server.admission import Turns
from facegauge_server.config import Config, StreamSettings
from facegauge_server.errors import (
    BadFrame,
    Draining,
    FacegaugeError,
    InvalidConfig,
    ProtocolViolation,
    ResumeRefused,
    ServerFull,
    StreamExists,
)
from facegauge_server.metrics import Metrics
from facegauge_server.pipeline import Pipeline
from facegauge_server.stages.smooth import QualitySmoother
from facegauge_server.streams.buffers import Message
from facegauge_server.streams.runner import IdleStreamError, StreamRunner, StuckClientError, TakenOverError
from facegauge_server.streams.session_table import SessionTable
from facegauge_server.types import Assessment, EncodedFrame, FrameResult
from facegauge_server.workers.tracker_state import TrackerCell

__all__ = ["QualityService"]

MonitorContext: TypeAlias = "grpc.aio.ServicerContext[pb.MonitorStreamRequest, pb.MonitorStreamResponse]"

STATUS_CODES = {
    InvalidConfig: grpc.StatusCode.INVALID_ARGUMENT,
    BadFrame: grpc.StatusCode.INVALID_ARGUMENT,
    ProtocolViolation: grpc.StatusCode.FAILED_PRECONDITION,
    StreamExists: grpc.StatusCode.ALREADY_EXISTS,
    ResumeRefused: grpc.StatusCode.PERMISSION_DENIED,
    ServerFull: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Draining: grpc.StatusCode.UNAVAILABLE,
}
"""The one place where our errors meet gRPC's codes."""

DEFAULT_LIST_LIMIT, DEFAULT_WATCH_LIMIT, MAX_LIST_LIMIT = 1000, 50, 10_000
MIN_WATCH_INTERVAL_S, MAX_WATCH_INTERVAL_S = 0.1, 60.0


class QualityService(quality_pb2_grpc.QualityServiceServicer):
    """Implements facegauge.v1.QualityService."""

    def __init__(
        self,
        table: SessionTable,
        pipeline: Pipeline,
        turns: Turns,
        config: Config,
        metrics: Metrics,
        model: str,
    ) -> None:
        self._table = table
        self._pipeline = pipeline
        self._turns = turns
        self._config = config
        self._metrics = metrics
        self._model = model
        self._images_at_work = 0
        self._log = structlog.get_logger()

    async def MonitorStream(  # type: ignore[override]  # noqa: N802 - gRPC's name; it may also write by itself
        self, requests: AsyncIterator[pb.MonitorStreamRequest], context: MonitorContext
    ) -> None:
        """Follow one stream: see the .proto file."""
        try:
            await self._monitor(requests, context)
        except FacegaugeError as error:
            await _abort(context, error)
        except IdleStreamError:
            text = f"no frame came for {self._config.idle_timeout_s:g} s (--idle-timeout)"
            await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, text)
        except StuckClientError:
            text = f"responses were left unread for {self._config.send_timeout_s:g} s (--send-timeout)"
            await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, text)
        except TakenOverError:
            await context.abort(grpc.StatusCode.ABORTED, "another connection took the stream over")

    async def _monitor(
        self, requests: AsyncIterator[pb.MonitorStreamRequest], context: MonitorContext
    ) -> None:
        settings = await self._first_config(requests)
        opened = self._table.open(settings, time.monotonic())
        session, stream_id = opened.session, settings.stream_id
        log = self._log.bind(stream_id=stream_id, call_id=session.settings.call_id, peer=context.peer())
        log.info("stream opened", resumed=opened.resumed)

        async def send(message: Message) -> None:
            await context.write(proto_codec.response_from(message, stream_id))

        finished = False
        try:
            accepted = proto_codec.accepted_response(
                session,
                resumed=opened.resumed,
                model=self._model,
                max_message_bytes=self._config.limits.max_message_bytes,
            )
            await context.write(accepted)
            runner = StreamRunner(
                session, opened.connection, self._pipeline, self._turns, self._config, self._metrics
            )
            await runner.run(self._frames(requests, session.settings), send)
            finished = True
        except (FacegaugeError, IdleStreamError, StuckClientError):
            finished = True
            raise
        finally:
            self._table.detach(session, opened.connection, time.monotonic(), finished=finished)
            log.info("stream closed" if finished else "stream lost its connection")

    async def _first_config(self, requests: AsyncIterator[pb.MonitorStreamRequest]) -> StreamSettings:
        try:
            async with asyncio.timeout(self._config.idle_timeout_s):
                first = await anext(requests, None)
        except TimeoutError:
            raise IdleStreamError from None
        if first is None or first.WhichOneof("message") != "config":
            raise ProtocolViolation("the first request must be a StreamConfig, frames come after it")
        return proto_codec.settings_from(first.config)

    async def _frames(
        self, requests: AsyncIterator[pb.MonitorStreamRequest], settings: StreamSettings
    ) -> AsyncIterator[EncodedFrame]:
        async for request in requests:
            if request.WhichOneof("message") != "frame":
                raise ProtocolViolation("a stream has one StreamConfig, then frames only")
            yield proto_codec.frame_from(request.frame, settings)

    async def AssessImage(  # noqa: N802 - gRPC's name
        self,
        request: pb.AssessImageRequest,
        context: grpc.aio.ServicerContext[pb.AssessImageRequest, pb.AssessImageResponse],
    ) -> pb.AssessImageResponse:
        """Score one picture: see the .proto file."""
        try:
            with self._image_slot():
                frame, display_lines = proto_codec.image_from(request)
                tracker = TrackerCell(detect_interval_s=0, max_faces=self._config.limits.max_faces)
                async with self._turns.turn():
                    score = await self._pipeline.assess(frame, tracker, display_lines)
                if score.result is FrameResult.ERROR:
                    raise BadFrame(score.error)
        except FacegaugeError as error:
            await _abort(context, error)
        now_s = time.monotonic()
        quality = QualitySmoother(median_window=1, time_constant_s=0, stale_after_s=1).add(score, now_s)
        message = proto_codec.assessment_message(Assessment(score, quality), stream_id="")
        message.ClearField("sequence")
        message.ClearField("capture_time_s")
        return pb.AssessImageResponse(assessment=message)

    async def ListStreams(  # noqa: N802 - gRPC's name
        self,
        request: pb.ListStreamsRequest,
        context: grpc.aio.ServicerContext[pb.ListStreamsRequest, pb.ListStreamsResponse],
    ) -> pb.ListStreamsResponse:
        """List the live streams: see the .proto file."""
        try:
            limit = _list_limit(request.limit, DEFAULT_LIST_LIMIT)
        except InvalidConfig as error:
            await _abort(context, error)
        streams, total = self._statuses(request.call_id, limit)
        return pb.ListStreamsResponse(streams=streams, total=total)

    async def WatchStreams(  # noqa: N802 - gRPC's name
        self,
        request: pb.WatchStreamsRequest,
        context: grpc.aio.ServicerContext[pb.WatchStreamsRequest, pb.WatchStreamsResponse],
    ) -> AsyncIterator[pb.WatchStreamsResponse]:
        """List the live streams again and again: see the .proto file."""
        try:
            limit = _list_limit(request.limit, DEFAULT_WATCH_LIMIT)
            interval_s = request.interval_s or 1.0
            if not MIN_WATCH_INTERVAL_S <= interval_s <= MAX_WATCH_INTERVAL_S:
                raise InvalidConfig(
                    {"interval_s": f"must be from {MIN_WATCH_INTERVAL_S:g} to {MAX_WATCH_INTERVAL_S:g}"}
                )
        except InvalidConfig as error:
            await _abort(context, error)
        while not self._table.is_draining:
            streams, total = self._statuses(request.call_id, limit)
            yield pb.WatchStreamsResponse(streams=streams, total=total)
            await asyncio.sleep(interval_s)

    def _statuses(self, call_id: str, limit: int) -> tuple[list[pb.StreamStatus], int]:
        now_s = time.monotonic()
        sessions = self._table.worst_first(call_id)
        return [proto_codec.status_message(session, now_s) for session in sessions[:limit]], len(sessions)

    @contextmanager
    def _image_slot(self) -> Iterator[None]:
        if self._table.is_draining:
            raise Draining("the server is going down: connect to another one")
        if self._images_at_work >= self._config.limits.max_images:
            raise ServerFull(f"{self._images_at_work} images are at work already (--max-images): try later")
        self._images_at_work += 1
        try:
            yield
        finally:
            self._images_at_work -= 1


async def _abort(context: grpc.aio.ServicerContext[Any, Any], error: FacegaugeError) -> NoReturn:
    """End the call with the error's status code; wrong fields go into google.rpc.BadRequest."""
    code = STATUS_CODES.get(type(error), grpc.StatusCode.INTERNAL)
    metadata: tuple[tuple[str, str | bytes], ...] = ()
    if isinstance(error, InvalidConfig):
        details = error_details_pb2.BadRequest(
            field_violations=[
                error_details_pb2.BadRequest.FieldViolation(field=name, description=why)
                for name, why in error.violations.items()
            ]
        )
        packed = any_pb2.Any()
        packed.Pack(details)
        status = status_pb2.Status(code=code_pb2.INVALID_ARGUMENT, message=str(error), details=[packed])
        metadata = tuple(rpc_status.to_status(status).trailing_metadata)
    await context.abort(code, str(error), metadata)
    raise AssertionError("abort raises")  # pragma: no cover - for the type checker


def _list_limit(asked: int, default: int) -> int:
    if asked > MAX_LIST_LIMIT:
        raise InvalidConfig({"limit": f"must be at most {MAX_LIST_LIMIT}, not {asked}"})
    return asked or default
