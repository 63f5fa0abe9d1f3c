"""The methods that look on: lists of streams and calls, and the events of the caller's streams."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from importlib.metadata import version
from typing import Any

import grpc

from facegauge.v1 import quality_pb2 as pb
from facegauge_server.access.identity import Identity, Right
from facegauge_server.calibration import ServedModel
from facegauge_server.defects import Defects
from facegauge_server.events.log import EventLog
from facegauge_server.events.watch import watch
from facegauge_server.replica_name import replica_name
from facegauge_server.rpc import events_proto, from_proto, to_proto
from facegauge_server.rpc.callers import SERVICE_NAME, Callers, Context
from facegauge_server.rpc.statuses import ErrorsAsStatuses
from facegauge_server.streams.calls import calls_of
from facegauge_server.streams.session_table import SessionTable

__all__ = ["Overview"]

DEFAULT_LIST_LIMIT, DEFAULT_WATCH_LIMIT = 1000, 50
NO_RESPONSE = b""
"""What a unary method returns where it has set an error: gRPC sends the status alone."""


class Overview:
    """Implements ListStreams, WatchStreams, ListCalls and WatchEvents of facegauge.v1.QualityService."""

    def __init__(
        self, table: SessionTable, events: EventLog, model: ServedModel, callers: Callers, defects: Defects
    ) -> None:
        self._table = table
        self._events = events
        self._model = model
        self._callers = callers
        self._defects = defects
        self._server = pb.ServerInfo(
            version=version("facegauge-server"),
            replica=replica_name(),
            model=to_proto.model_message(model),
        )

    def add_to(self, server: grpc.aio.Server) -> None:
        """Register the methods with a server."""
        handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
            "ListStreams": grpc.stream_unary_rpc_method_handler(self.list_streams),
            "WatchStreams": grpc.stream_stream_rpc_method_handler(self.watch_streams),
            "ListCalls": grpc.stream_unary_rpc_method_handler(self.list_calls),
            "WatchEvents": grpc.stream_stream_rpc_method_handler(self.watch_events),
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE_NAME, handlers),))

    async def list_streams(self, _: object, context: Context) -> bytes:
        """List the live streams: see the .proto file."""
        async with ErrorsAsStatuses(context, "ListStreams", self._defects):
            identity = self._callers.identify(context, Right.LIST)
            request = await self._callers.first_request(pb.ListStreamsRequest, context)
            limit = from_proto.list_limit(request.limit, DEFAULT_LIST_LIMIT)
            streams, total = self._statuses(request, limit, identity)
            return pb.ListStreamsResponse(
                streams=streams, total=total, server=self._server
            ).SerializeToString()
        return NO_RESPONSE

    async def watch_streams(self, _: object, context: Context) -> AsyncIterator[bytes]:
        """List the live streams again and again: see the .proto file."""
        async with ErrorsAsStatuses(context, "WatchStreams", self._defects):
            identity = self._callers.identify(context, Right.WATCH)
            request = await self._callers.first_request(pb.WatchStreamsRequest, context)
            limit = from_proto.list_limit(request.limit, DEFAULT_WATCH_LIMIT)
            interval_s = from_proto.watch_interval_s(request)
            while not self._table.is_draining:
                streams, total = self._statuses(request, limit, identity)
                yield pb.WatchStreamsResponse(
                    streams=streams, total=total, server=self._server
                ).SerializeToString()
                await asyncio.sleep(interval_s)

    async def list_calls(self, _: object, context: Context) -> bytes:
        """List the calls of the live streams: see the .proto file."""
        async with ErrorsAsStatuses(context, "ListCalls", self._defects):
            identity = self._callers.identify(context, Right.LIST)
            request = await self._callers.first_request(pb.ListCallsRequest, context)
            limit = from_proto.list_limit(request.limit, DEFAULT_LIST_LIMIT)
            calls = calls_of(self._table.worst_first(identity=identity), time.monotonic())
            listed = map(events_proto.call_message, calls[:limit])
            return pb.ListCallsResponse(calls=listed, total=len(calls)).SerializeToString()
        return NO_RESPONSE

    async def watch_events(self, _: object, context: Context) -> AsyncIterator[bytes]:
        """Tell what happens to the caller's streams: see the .proto file."""
        async with ErrorsAsStatuses(context, "WatchEvents", self._defects):
            identity = self._callers.identify(context, Right.WATCH)
            request = await self._callers.first_request(pb.WatchEventsRequest, context)
            async for batch in watch(self._events, events_proto.query_from(request), identity):
                yield events_proto.batch_message(batch, self._model).SerializeToString()

    def _statuses(
        self, request: pb.ListStreamsRequest | pb.WatchStreamsRequest, limit: int, identity: Identity
    ) -> tuple[list[pb.StreamStatus], int]:
        now_s = time.monotonic()
        sessions = self._table.worst_first(request.call_id, identity, stream_id=request.stream_id)
        is_one = bool(request.stream_id)
        statuses = [
            to_proto.status_message(session, now_s, with_causes=is_one) for session in sessions[:limit]
        ]
        return statuses, len(sessions)
