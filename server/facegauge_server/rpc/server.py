"""The gRPC server: its limits, and how it binds its port."""

from __future__ import annotations

import grpc

from facegauge_server.config import Config
from facegauge_server.errors import BadConfiguration
from facegauge_server.tls import Certificates

__all__ = ["bind", "create_grpc_server"]

MESSAGE_OVERHEAD_BYTES = 64 * 1024
"""Allowance for what a message holds besides its frame's bytes."""
CLIENT_PING_INTERVAL_MS = 200
"""The shortest interval between keepalive pings that clients are allowed.

Envoy sends one a second to find a server that is gone (deploy/envoy), also where a call says nothing for
hours; one that comes late is close to the next.
"""
MAX_PING_STRIKES = 10
"""Pings that may come too early before the connection is closed."""
SERVER_PING_INTERVAL_MS = 10_000
STREAMS_PER_CONNECTION_MARGIN = 64
"""Calls that a connection may have beside as many streams as the server follows."""
UNREAD_BYTES = 64 * 1024
"""Bytes of a call that gRPC receives before the server asks for its next message."""


def create_grpc_server(config: Config) -> grpc.aio.Server:
    """Make a server without a port."""
    limits = config.limits
    options = (
        ("grpc.max_receive_message_length", limits.max_message_bytes + MESSAGE_OVERHEAD_BYTES),
        ("grpc.max_concurrent_streams", limits.max_streams + STREAMS_PER_CONNECTION_MARGIN),
        ("grpc.http2.lookahead_bytes", UNREAD_BYTES),
        ("grpc.http2.bdp_probe", 0),  # it would raise what is received unread to megabytes
        ("grpc.max_allowed_incoming_connections", limits.max_connections),
        ("grpc.so_reuseport", 0),
        ("grpc.keepalive_time_ms", SERVER_PING_INTERVAL_MS),
        ("grpc.keepalive_timeout_ms", SERVER_PING_INTERVAL_MS),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", CLIENT_PING_INTERVAL_MS),
        ("grpc.http2.max_ping_strikes", MAX_PING_STRIKES),
    )
    return grpc.aio.server(options=options)


def bind(server: grpc.aio.Server, config: Config, certificates: Certificates | None) -> int:
    """Bind the port, with TLS where there is a certificate; returns the port that was bound.

    Raises BadConfiguration where the address cannot be had.
    """
    try:
        if certificates is None:
            return server.add_insecure_port(str(config.listen))
        return server.add_secure_port(str(config.listen), certificates.for_grpc())
    except RuntimeError as error:
        raise BadConfiguration(
            f"cannot listen on {config.listen}: is it taken? Choose another --listen"
        ) from error
