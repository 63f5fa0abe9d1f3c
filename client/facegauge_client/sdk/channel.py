"""The connection: how a channel is opened, and what its failures mean to the caller."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import grpc.aio

from facegauge_client.sdk.errors import (
    DeadlineExceeded,
    FacegaugeError,
    RequestRejected,
    ServerFailed,
    ServerFull,
    ServerUnavailable,
    StreamExists,
    StreamRejected,
    StreamTakenOver,
)

__all__ = ["DEFAULT_TARGET", "explain", "explained", "open_channel", "ssl_credentials", "unavailable"]

DEFAULT_TARGET = "127.0.0.1:50051"

_LONGEST_RECONNECT_MS = 2000
_MESSAGE_OVERHEAD_BYTES = 64 * 1024  # what a message may have beside the bytes of its frame


def ssl_credentials(
    ca: Path | None = None, cert: Path | None = None, key: Path | None = None
) -> grpc.ChannelCredentials:
    """Read TLS credentials from PEM files.

    `ca` holds the authorities that the server's certificate is checked against (None: the system's); `cert`
    and `key` are the client's own, for a server that asks for one, and come together. Raises ValueError where
    one of the two is missing, OSError where a file cannot be read.
    """
    if (cert is None) != (key is None):
        raise ValueError("a client certificate needs its key and the key its certificate: give both")
    return grpc.ssl_channel_credentials(
        root_certificates=ca.read_bytes() if ca else None,
        private_key=key.read_bytes() if key else None,
        certificate_chain=cert.read_bytes() if cert else None,
    )


def open_channel(
    target: str, credentials: grpc.ChannelCredentials | None, *, keepalive_s: float, max_message_bytes: int
) -> grpc.aio.Channel:
    """Open a channel; it connects at its first call."""
    options: list[tuple[str, int]] = [
        ("grpc.max_send_message_length", max_message_bytes + _MESSAGE_OVERHEAD_BYTES),
        ("grpc.max_receive_message_length", max_message_bytes + _MESSAGE_OVERHEAD_BYTES),
        ("grpc.keepalive_time_ms", round(keepalive_s * 1000)),
        ("grpc.keepalive_timeout_ms", round(keepalive_s * 500)),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", _LONGEST_RECONNECT_MS),
        # Channels of a process share a connection by default, and with it one connection's flow control.
        ("grpc.use_local_subchannel_pool", 1),
    ]
    if credentials is None:
        return grpc.aio.insecure_channel(target, options)
    return grpc.aio.secure_channel(target, credentials, options)


def unavailable(target: str, reason: str) -> ServerUnavailable:
    """Make the error for a server that is not there."""
    listen = f" --listen {target}" if target != DEFAULT_TARGET else ""
    return ServerUnavailable(
        f"no Facegauge server answers at {target} ({reason}); start one with"
        f" `facegauge-server{listen}`, or name the right HOST:PORT"
    )


@asynccontextmanager
async def explained(target: str) -> AsyncIterator[None]:
    """Turn a failed call inside the block into the error that says who must act."""
    try:
        yield
    except grpc.aio.AioRpcError as error:
        raise explain(error.code(), error.details(), target) from error


def explain(code: grpc.StatusCode, details: str | None, target: str) -> FacegaugeError:
    """Say what a call's failure means to its caller."""
    reason = (details or "no reason given").strip()
    match code:
        case grpc.StatusCode.UNAVAILABLE:
            return _explain_unavailable(reason, target)
        case grpc.StatusCode.INVALID_ARGUMENT | grpc.StatusCode.FAILED_PRECONDITION:
            return StreamRejected(reason)
        case grpc.StatusCode.ALREADY_EXISTS:
            return StreamExists(reason)
        case grpc.StatusCode.ABORTED:
            return StreamTakenOver(reason)
        case grpc.StatusCode.RESOURCE_EXHAUSTED:
            return ServerFull(reason)
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return DeadlineExceeded(f"{target} did not answer in time ({reason}); see the server's load")
        case grpc.StatusCode.PERMISSION_DENIED | grpc.StatusCode.UNAUTHENTICATED:
            return RequestRejected(reason)
        case grpc.StatusCode.UNIMPLEMENTED:
            return ServerFailed(f"{target} does not serve Facegauge's interface ({reason}); check HOST:PORT")
        case _:
            return ServerFailed(f"the server at {target} failed with {code.name}: {reason}; see its log")


def _explain_unavailable(reason: str, target: str) -> ServerUnavailable:
    lowered = reason.lower()
    if "connection refused" in lowered:
        return unavailable(target, "connection refused")
    if "handshake" in lowered or "ssl" in lowered or "certificate" in lowered:
        return unavailable(target, f"the TLS handshake failed: {reason}")
    if "name resolution" in lowered or "dns" in lowered:
        return unavailable(target, "the host name cannot be resolved")
    if "failed to connect" in lowered:
        return unavailable(target, reason)
    return ServerUnavailable(f"the server at {target} is not available: {reason}")
