"""Channels to a server: their options and their TLS credentials."""

from __future__ import annotations

from pathlib import Path

import grpc
import grpc.aio

__all__ = ["DEFAULT_TARGET", "open_channel", "ssl_credentials"]

DEFAULT_TARGET = "127.0.0.1:50051"

_LONGEST_RECONNECT_MS = 2000
_MESSAGE_OVERHEAD_BYTES = 64 * 1024  # room in a message beyond the bytes of its frame


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
