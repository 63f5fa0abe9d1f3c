"""Errors as gRPC statuses: the one map from this package's exceptions to status codes and reasons.

Every status carries a google.rpc.ErrorInfo with the domain "facegauge" and the name of an `ErrorReason` as
the reason. A wrong field also comes as google.rpc.BadRequest.
"""

from __future__ import annotations

import traceback
from types import TracebackType
from typing import Any

import grpc
from google.protobuf import any_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from facegauge.v1 import quality_pb2 as pb
from facegauge_server.defects import Defects
from facegauge_server.errors import (
    BadFrame,
    CheckpointDamaged,
    CheckpointExpired,
    CheckpointForeign,
    CheckpointKeyUnknown,
    CheckpointReplayed,
    CheckpointVersion,
    Draining,
    FacegaugeError,
    Forbidden,
    InvalidConfig,
    ProtocolViolation,
    QuotaExceeded,
    ResponsesUnread,
    ResumeRefused,
    ServerFull,
    StreamExists,
    StreamIdle,
    TakenOver,
    Unauthenticated,
)

__all__ = ["DOMAIN", "STATUSES", "ErrorsAsStatuses"]

DOMAIN = "facegauge"

STATUSES: dict[type[FacegaugeError], tuple[grpc.StatusCode, pb.ErrorReason.ValueType]] = {
    InvalidConfig: (grpc.StatusCode.INVALID_ARGUMENT, pb.ERROR_REASON_INVALID_CONFIG),
    BadFrame: (grpc.StatusCode.INVALID_ARGUMENT, pb.ERROR_REASON_BAD_FRAME),
    ProtocolViolation: (grpc.StatusCode.FAILED_PRECONDITION, pb.ERROR_REASON_PROTOCOL_VIOLATION),
    StreamExists: (grpc.StatusCode.ALREADY_EXISTS, pb.ERROR_REASON_STREAM_EXISTS),
    ResumeRefused: (grpc.StatusCode.PERMISSION_DENIED, pb.ERROR_REASON_RESUME_REFUSED),
    CheckpointExpired: (grpc.StatusCode.FAILED_PRECONDITION, pb.ERROR_REASON_CHECKPOINT_EXPIRED),
    CheckpointReplayed: (grpc.StatusCode.FAILED_PRECONDITION, pb.ERROR_REASON_CHECKPOINT_REPLAYED),
    CheckpointDamaged: (grpc.StatusCode.INVALID_ARGUMENT, pb.ERROR_REASON_CHECKPOINT_DAMAGED),
    CheckpointKeyUnknown: (grpc.StatusCode.FAILED_PRECONDITION, pb.ERROR_REASON_CHECKPOINT_KEY_UNKNOWN),
    CheckpointForeign: (grpc.StatusCode.PERMISSION_DENIED, pb.ERROR_REASON_CHECKPOINT_FOREIGN),
    CheckpointVersion: (grpc.StatusCode.FAILED_PRECONDITION, pb.ERROR_REASON_CHECKPOINT_VERSION),
    ServerFull: (grpc.StatusCode.RESOURCE_EXHAUSTED, pb.ERROR_REASON_SERVER_FULL),
    Unauthenticated: (grpc.StatusCode.UNAUTHENTICATED, pb.ERROR_REASON_UNAUTHENTICATED),
    Forbidden: (grpc.StatusCode.PERMISSION_DENIED, pb.ERROR_REASON_FORBIDDEN),
    QuotaExceeded: (grpc.StatusCode.RESOURCE_EXHAUSTED, pb.ERROR_REASON_QUOTA_EXCEEDED),
    Draining: (grpc.StatusCode.UNAVAILABLE, pb.ERROR_REASON_DRAINING),
    StreamIdle: (grpc.StatusCode.DEADLINE_EXCEEDED, pb.ERROR_REASON_STREAM_IDLE),
    ResponsesUnread: (grpc.StatusCode.DEADLINE_EXCEEDED, pb.ERROR_REASON_RESPONSES_UNREAD),
    TakenOver: (grpc.StatusCode.ABORTED, pb.ERROR_REASON_TAKEN_OVER),
}
"""Status code and reason of every error that a call can end with. Anything else is INTERNAL."""

_Context = grpc.aio.ServicerContext[Any, Any]


class ErrorsAsStatuses:
    """Ends the call with the status of whatever error its block raises. An asynchronous context manager.

    An exception without an entry in `STATUSES` is a defect: it is logged once, with its traceback and an id,
    and the client gets the id alone.

    The error ends here, and the call returns: `context.abort` would raise one of gRPC's own, which stays in a
    cycle with the call and, through tracebacks, with the variables of every function on the way. A flood of
    refused calls then takes megabytes until the garbage collector comes round, which stops the event loop for
    a tenth of a second.
    """

    def __init__(self, context: _Context, rpc: str, defects: Defects) -> None:
        self._context = context
        self._rpc = rpc
        self._defects = defects

    async def __aenter__(self) -> None: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception) or isinstance(error, grpc.aio.BaseError):
            return False  # no error, a cancellation, or gRPC's own: the connection is gone
        known = next((each for each in type(error).__mro__ if each in STATUSES), None)
        if known is not None:
            assert isinstance(error, FacegaugeError)  # noqa: S101 - narrows: `STATUSES` has no others
            _set_status(self._context, *STATUSES[known], str(error), *_details(error))
        else:
            text = self._defects.note("rpc", error, rpc=self._rpc)
            _set_status(self._context, grpc.StatusCode.INTERNAL, pb.ERROR_REASON_INTERNAL, text)
        _forget_frames(error)
        return True


def _forget_frames(error: BaseException) -> None:
    """Clear the local variables of the frames that an error, and those it came from, passed through."""
    seen: BaseException | None = error
    while seen is not None:
        traceback.clear_frames(seen.__traceback__)
        seen.__traceback__ = None
        seen = seen.__cause__ or seen.__context__


def _details(error: FacegaugeError) -> list[Message]:
    if not isinstance(error, InvalidConfig):
        return []
    violations = [
        error_details_pb2.BadRequest.FieldViolation(field=name, description=why)
        for name, why in error.violations.items()
    ]
    return [error_details_pb2.BadRequest(field_violations=violations)]


def _set_status(
    context: _Context,
    code: grpc.StatusCode,
    reason: pb.ErrorReason.ValueType,
    text: str,
    *details: Message,
) -> None:
    """Set what the call ends with when its handler returns."""
    name = pb.ErrorReason.Name(reason).removeprefix("ERROR_REASON_")
    packed = []
    for detail in (error_details_pb2.ErrorInfo(reason=name, domain=DOMAIN), *details):
        packed.append(any_pb2.Any())
        packed[-1].Pack(detail)
    number: int = code.value[0]
    status = rpc_status.to_status(status_pb2.Status(code=number, message=text, details=packed))
    context.set_code(code)
    context.set_details(text)
    context.set_trailing_metadata(tuple(status.trailing_metadata))
