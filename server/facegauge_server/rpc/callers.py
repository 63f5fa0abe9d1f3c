"""Callers: who makes a call, and the requests that it brings.

Methods read their requests as raw bytes, unary ones too: so a caller is identified, and there is a place for
its request, before gRPC has received the body; and what cannot be parsed is the caller's error, with a
sentence.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import grpc

from facegauge.v1 import quality_pb2 as pb
from facegauge_server.access.gatekeeper import Gatekeeper
from facegauge_server.access.identity import Identity, Right
from facegauge_server.config import StreamSettings
from facegauge_server.errors import ProtocolViolation
from facegauge_server.rpc import from_proto
from facegauge_server.rpc.first_message import FirstMessages
from facegauge_server.rpc.receive_guard import ReceiveGuard
from facegauge_server.rpc.receive_pace import ReceivePace
from facegauge_server.tracing.trace_parent import HEADER, TraceParent

__all__ = ["SERVICE_NAME", "Callers", "Context", "Requests"]

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Requests: TypeAlias = AsyncIterator[bytes]

SERVICE_NAME = pb.DESCRIPTOR.services_by_name["QualityService"].full_name


class Callers:
    """Identifies callers and reads what they send first."""

    def __init__(self, gatekeeper: Gatekeeper, guard: ReceiveGuard, first_timeout_s: float) -> None:
        """Serve callers.

        Args:
            gatekeeper: says who they are.
            guard: watches over messages that have not arrived whole.
            first_timeout_s: how long a caller may take to send its first message.
        """
        self.pace = ReceivePace()
        self._gatekeeper = gatekeeper
        self._guard = guard
        self._first = FirstMessages(first_timeout_s, self.pace.wait_for_turn)

    def identify(self, context: Context, right: Right) -> Identity:
        """Return who calls; raises Unauthenticated, or Forbidden where the right is missing."""
        metadata = tuple(context.invocation_metadata() or ())
        identity = self._gatekeeper.identify(metadata, context.auth_context(), time.monotonic())
        identity.require(right)
        return identity

    def trace_parent(self, context: Context) -> TraceParent | None:
        """Return the span in which the caller called, where it has named one."""
        found = (value for name, value in context.invocation_metadata() or () if name == HEADER)
        value = next(found, "")
        return TraceParent.parse(value) if isinstance(value, str) else None

    def requests(self, context: Context) -> Requests:
        """Return the messages of a call."""
        return _Requests(context, self._guard)

    async def first_config(self, requests: Requests, context: Context) -> StreamSettings:
        """Read the configuration of a stream, which comes first; raises what is wrong with it."""
        data = await self._first.read_config(requests, context.peer())
        first = None if data is None else from_proto.parse(pb.MonitorStreamRequest, data)
        if first is None or first.WhichOneof("message") != "config":
            raise ProtocolViolation("the first request must be a StreamConfig, frames come after it")
        return from_proto.settings_from(first.config)

    async def first_request(self, kind: type[from_proto.M], context: Context) -> from_proto.M:
        """Read the request of a call that has only one."""
        return from_proto.parse(kind, await self.first_data(context))

    async def first_data(self, context: Context) -> bytes:
        """Read the request of a call that has only one, unparsed."""
        data = await self._first.read(self.requests(context), context.peer())
        if data is None:
            raise ProtocolViolation("the call ended without a request")
        return data


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
