"""The client of the server that --server, --server-tls* and --token-file name."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Any, TypeAlias

from facegauge_client import Client, Token, TokenUnavailable, ssl_credentials
from facegauge_client.sdk.token import read_token
from facegauge_gateway.address import Address
from facegauge_gateway.errors import BadConfiguration

__all__ = ["TOKEN_VARIABLE", "channel_credentials", "make_client", "server_token"]

ChannelCredentials: TypeAlias = Any
"""What `ssl_credentials` returns: gRPC's own, which nothing here looks into."""

TOKEN_VARIABLE = "FACEGAUGE_TOKEN"  # noqa: S105 - the name of a variable
REQUEST_TIMEOUT_S = 5.0
"""Of health checks, the only requests that are no streams."""


def make_client(
    target: str, credentials: ChannelCredentials | None, token: Token | None, *, insecure_token: bool
) -> Client:
    """Make a client of --server, which connects as it is used; raises BadConfiguration."""
    Address.parse(target, "--server")
    try:
        return Client(
            target,
            credentials,
            token=token,
            insecure_token=insecure_token,
            request_timeout_s=REQUEST_TIMEOUT_S,
        )
    except ValueError as error:
        raise BadConfiguration(f"--server {target}: {error} (--server-tls, or --insecure-token)") from error


def channel_credentials(
    tls: bool, ca: Path | None, cert: Path | None, key: Path | None
) -> ChannelCredentials | None:
    """Read the files of --server-tls*; None for a connection in clear. Raises BadConfiguration."""
    if not (tls or ca or cert or key):
        return None
    try:
        return ssl_credentials(ca, cert, key)
    except ValueError as error:
        raise BadConfiguration(f"--server-tls-cert and --server-tls-key: {error}") from error
    except OSError as error:
        raise BadConfiguration(f"cannot read {error.filename}: {error.strerror}") from error


def server_token(path: Path | None) -> Token | None:
    """Return what reads the token of --token-file, or the variable's; raises BadConfiguration."""
    if path is None:
        return os.environ.get(TOKEN_VARIABLE, "").strip() or None
    read = functools.partial(read_token, path)
    try:
        read()
    except TokenUnavailable as error:
        raise BadConfiguration(f"--token-file: {error}") from error
    return read
