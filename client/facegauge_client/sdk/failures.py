"""The meaning of a failed call: by the reason that the server names, else by the status code.

Every error of a Facegauge server carries a google.rpc.ErrorInfo whose reason is an ErrorReason of the
interface. Older servers, proxies and gRPC itself send a status code alone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from facegauge_client.sdk.channel import DEFAULT_TARGET
from facegauge_client.sdk.errors import (
    CheckpointRefused,
    DeadlineExceeded,
    FacegaugeError,
    Forbidden,
    PictureRejected,
    QuotaExceeded,
    RequestRejected,
    ResponsesUnread,
    ResumeRefused,
    ServerFailed,
    ServerFull,
    ServerUnavailable,
    StreamExists,
    StreamIdle,
    StreamRejected,
    StreamTakenOver,
    Unauthenticated,
)

__all__ = ["ERRORS_BY_REASON", "explain", "explain_call", "explained", "unavailable"]

DOMAIN = "facegauge"

ERRORS_BY_REASON: dict[str, type[FacegaugeError]] = {
    "INVALID_CONFIG": StreamRejected,
    "BAD_FRAME": PictureRejected,
    "PROTOCOL_VIOLATION": StreamRejected,
    "STREAM_EXISTS": StreamExists,
    "RESUME_REFUSED": ResumeRefused,
    "SERVER_FULL": ServerFull,
    "DRAINING": ServerUnavailable,
    "STREAM_IDLE": StreamIdle,
    "RESPONSES_UNREAD": ResponsesUnread,
    "TAKEN_OVER": StreamTakenOver,
    "INTERNAL": ServerFailed,
    "UNAUTHENTICATED": Unauthenticated,
    "FORBIDDEN": Forbidden,
    "QUOTA_EXCEEDED": QuotaExceeded,
    "CHECKPOINT_EXPIRED": CheckpointRefused,
    "CHECKPOINT_REPLAYED": CheckpointRefused,
    "CHECKPOINT_DAMAGED": CheckpointRefused,
    "CHECKPOINT_KEY_UNKNOWN": CheckpointRefused,
    "CHECKPOINT_FOREIGN": CheckpointRefused,
    "CHECKPOINT_VERSION": CheckpointRefused,
}
"""Each ErrorReason, without its prefix, and the exception that the caller gets."""

_ERRORS_BY_CODE: dict[grpc.StatusCode, type[FacegaugeError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: StreamRejected,
    grpc.StatusCode.FAILED_PRECONDITION: StreamRejected,
    grpc.StatusCode.ALREADY_EXISTS: StreamExists,
    grpc.StatusCode.ABORTED: StreamTakenOver,
    grpc.StatusCode.RESOURCE_EXHAUSTED: ServerFull,
    grpc.StatusCode.PERMISSION_DENIED: RequestRejected,
    grpc.StatusCode.UNAUTHENTICATED: Unauthenticated,
}

_NOT_CONNECTED = ("failed to connect to", "errors resolving ", "DNS resolution failed")
"""How gRPC's message begins where no connection was made at all."""
_CAUSES = (
    ("connection refused", "connection refused"),
    ("handshake failed", "the TLS handshake failed: {details}"),
    ("errors resolving ", "the host name cannot be resolved"),
    ("dns resolution failed", "the host name cannot be resolved"),
)
"""Parts of such a message, lowercase, and the cause in words; any other message is quoted as it is."""
_RESET = "RST_STREAM"
"""Part of gRPC's message where a call was cut off below it: a proxy does so whose server has died."""


@asynccontextmanager
async def explained(target: str) -> AsyncIterator[None]:
    """Turn a failed call inside the block into the error that says who must act."""
    try:
        yield
    except grpc.aio.AioRpcError as error:
        raise explain(error, target) from error


async def explain_call(call: Any, target: str) -> FacegaugeError:
    """Say what the failure of a call that is over means; see `explain`."""
    metadata = await call.trailing_metadata() or grpc.aio.Metadata()
    error = grpc.aio.AioRpcError(
        await call.code(), grpc.aio.Metadata(), metadata, details=await call.details()
    )
    return explain(error, target)


def explain(error: grpc.aio.AioRpcError, target: str) -> FacegaugeError:
    """Say what a call's failure means to its caller."""
    details = (error.details() or "no reason given").strip()
    packed = _packed_details(error)
    reason = _reason(packed)
    kind = ERRORS_BY_REASON.get(reason)
    if kind is ServerUnavailable:
        return ServerUnavailable(f"the server at {target} is not available: {details}")
    if kind is ServerFailed:
        return ServerFailed(f"the server at {target} failed: {details}; see its log")
    if kind is StreamExists:
        return StreamExists(details, retry_after_s=_retry_after_s(packed))
    if kind is CheckpointRefused:
        return CheckpointRefused(details, reason=reason.removeprefix("CHECKPOINT_"))
    if kind is not None:
        return kind(details)
    return _explain_code(error.code(), details, target)


def unavailable(target: str, cause: str) -> ServerUnavailable:
    """Make the error for a server that is not there."""
    listen = f" --listen {target}" if target != DEFAULT_TARGET else ""
    return ServerUnavailable(
        f"no Facegauge server answers at {target} ({cause}); start one with"
        f" `facegauge-server{listen}`, or name the right HOST:PORT"
    )


def _packed_details(error: grpc.aio.AioRpcError) -> list[Any]:
    """Return the google.protobuf.Any messages of an error; none where it has none, or contradicts itself."""
    try:
        status = rpc_status.from_call(error)
    except (ValueError, DecodeError):
        return []
    return [] if status is None else list(status.details)


def _reason(packed: list[Any]) -> str:
    """Return the ErrorReason among an error's details; empty where there is none."""
    info = error_details_pb2.ErrorInfo()
    for detail in packed:
        if detail.Is(info.DESCRIPTOR) and detail.Unpack(info) and info.domain == DOMAIN:
            return str(info.reason)
    return ""


def _retry_after_s(packed: list[Any]) -> float | None:
    """Return the delay of the google.rpc.RetryInfo among an error's details, seconds."""
    info = error_details_pb2.RetryInfo()
    for detail in packed:
        if detail.Is(info.DESCRIPTOR) and detail.Unpack(info):
            return float(info.retry_delay.ToMilliseconds()) / 1000
    return None


def _explain_code(code: grpc.StatusCode, details: str, target: str) -> FacegaugeError:
    if code is grpc.StatusCode.UNAVAILABLE:
        return _explain_unavailable(details, target)
    if code is grpc.StatusCode.INTERNAL and _RESET in details:
        return ServerUnavailable(f"the proxy at {target} has lost its server: {details}")
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return DeadlineExceeded(f"{target} did not answer in time ({details}); see the server's load")
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return ServerFailed(f"{target} does not serve Facegauge's interface ({details}); check HOST:PORT")
    if code in _ERRORS_BY_CODE:
        return _ERRORS_BY_CODE[code](details)
    return ServerFailed(f"the server at {target} failed with {code.name}: {details}; see its log")


def _explain_unavailable(details: str, target: str) -> ServerUnavailable:
    """Name the cause of a failed connection: gRPC's message decides the words, never the class."""
    if not details.startswith(_NOT_CONNECTED):
        return ServerUnavailable(f"the server at {target} is not available: {details}")
    lowered = details.lower()
    cause = next((words for part, words in _CAUSES if part in lowered), "{details}")
    return unavailable(target, cause.format(details=details))
