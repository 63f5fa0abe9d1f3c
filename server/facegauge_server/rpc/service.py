"""The methods that bring frames and pictures: requests to calls of the server's parts, results to responses.

Those that look on are in `overview.py`; both kinds read their requests through `callers.py`.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Awaitable
from typing import Any

import grpc

from facegauge.v1 import quality_pb2 as pb
from facegauge_server.access.identity import Identity, Right
from facegauge_server.admission.worker_slots import WorkerSlots
from facegauge_server.calibration import ServedModel
from facegauge_server.config import Config, StreamSettings
from facegauge_server.defects import Defects
from facegauge_server.errors import FacegaugeError
from facegauge_server.images import ImageAssessor
from facegauge_server.metrics import Metrics
from facegauge_server.pipeline import Pipeline
from facegauge_server.rpc import from_proto, to_proto
from facegauge_server.rpc.callers import SERVICE_NAME, Callers, Context, Requests
from facegauge_server.rpc.message_memory import MessageMemory
from facegauge_server.rpc.receive_pace import ReceivePace
from facegauge_server.rpc.statuses import ErrorsAsStatuses
from facegauge_server.safe_log import SafeLog
from facegauge_server.streams.buffers import Message
from facegauge_server.streams.coded.runner import CodedStreamRunner
from facegauge_server.streams.runner import StreamRunner
from facegauge_server.streams.session_table import Opened, SessionTable
from facegauge_server.tracing.traces import TracedCall, Traces, bound
from facegauge_server.types import EncodedFrame

__all__ = ["QualityService"]

NO_RESPONSE = b""
"""What a unary method returns where it has set an error: gRPC sends the status alone."""


class QualityService:
    """Implements MonitorStream and AssessImage of facegauge.v1.QualityService."""

    def __init__(
        self,
        table: SessionTable,
        pipeline: Pipeline,
        slots: WorkerSlots,
        config: Config,
        metrics: Metrics,
        model: ServedModel,
        callers: Callers,
        memory: MessageMemory,
        traces: Traces,
    ) -> None:
        self._table = table
        self._pipeline = pipeline
        self._slots = slots
        self._config = config
        self._metrics = metrics
        self._model = model
        self._callers = callers
        self._memory = memory
        self._traces = traces
        self._images = ImageAssessor(pipeline, slots, table, config, traces)
        self._log = SafeLog()
        self._defects = Defects(metrics.count_error)

    def add_to(self, server: grpc.aio.Server) -> None:
        """Register the methods with a server."""
        handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
            "MonitorStream": grpc.stream_stream_rpc_method_handler(self.monitor_stream),
            "AssessImage": grpc.stream_unary_rpc_method_handler(self.assess_image),
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE_NAME, handlers),))

    async def monitor_stream(self, _: object, context: Context) -> None:
        """Follow one stream: see the .proto file."""
        async with ErrorsAsStatuses(context, "MonitorStream", self._defects):
            identity = self._callers.identify(context, Right.PUBLISH)
            requests = self._callers.requests(context)
            settings = await self._callers.first_config(requests, context)
            await self._follow(settings, requests, context, identity)

    async def _follow(
        self, settings: StreamSettings, requests: Requests, context: Context, identity: Identity
    ) -> None:
        log = self._log.bind(stream_id=settings.stream_id, tenant=identity.tenant, peer=context.peer())
        parent = self._callers.trace_parent(context)
        if parent is not None:
            log = log.bind(trace_id=parent.trace_id_hex)

        async def send(message: Message, checkpoint: bytes) -> None:
            response = to_proto.response_from(message, settings.stream_id, self._model, checkpoint)
            await context.write(response.SerializeToString())

        with self._table.connected(settings, time.monotonic, identity) as opened:
            session = opened.session
            log = log.bind(call_id=session.settings.call_id)
            log.info("stream opened", resumed=opened.resumed)
            outcome = "stream lost its connection"
            try:
                await context.write(self._accepted(opened).SerializeToString())
                kind = CodedStreamRunner if session.settings.encoding.is_coded else StreamRunner
                call = TracedCall(
                    "MonitorStream", identity.tenant, settings.stream_id, session.settings.call_id, parent
                )
                trace = bound(self._traces, call)
                runner = kind(opened, self._pipeline, self._slots, self._config, self._metrics, trace)
                await runner.run(_Frames(requests, session.settings, self._memory, self._callers.pace), send)
                outcome = "stream closed"
            except FacegaugeError as error:
                outcome = f"stream ended: {error}"
                raise
            finally:
                log.info(outcome)

    async def assess_image(self, _: object, context: Context) -> bytes:
        """Score one picture: see the .proto file."""
        async with ErrorsAsStatuses(context, "AssessImage", self._defects):
            identity = self._callers.identify(context, Right.PUBLISH)
            with self._images.place():
                async with self._images.receiving:
                    return await self._assess_picture(context, identity)
        return NO_RESPONSE

    async def _assess_picture(self, context: Context, identity: Identity) -> bytes:
        data = await self._callers.first_data(context)
        assessment = await self._images.assess(
            *from_proto.image_from(data), identity.tenant, self._callers.trace_parent(context)
        )
        return to_proto.image_response(assessment, self._model).SerializeToString()

    def _accepted(self, opened: Opened) -> pb.MonitorStreamResponse:
        return to_proto.accepted_response(
            opened.session,
            resumed=opened.resumed,
            model=self._model.name,
            max_message_bytes=self._config.limits.max_message_bytes,
        )


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
            for frame in from_proto.frames_from(data, self._settings, time.monotonic()):
                self._memory.keep(frame, len(frame.data))
                self._read.append(frame)
            del data
        return self._read.popleft()

    def _read_message(self) -> Awaitable[bytes]:
        return self._reader.read(self._requests.__anext__)
