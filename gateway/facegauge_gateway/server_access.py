"""How to reach the server: what --server, --server-tls* and --token-file say."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from facegauge_client import Client, Token, TokenUnavailable, ssl_credentials
from facegauge_client.sdk.token import read_token
from facegauge_gateway.address import Address
from facegauge_gateway.errors import BadConfiguration

__all__ = ["TOKEN_VARIABLE", "ServerAccess"]

ChannelCredentials: TypeAlias = Any
"""What `ssl_credentials` returns: gRPC's own, which nothing here looks into."""

TOKEN_VARIABLE = "FACEGAUGE_TOKEN"  # noqa: S105 - the name of a variable
REQUEST_TIMEOUT_S = 5.0
"""Of health checks, the only requests that are no streams."""


@dataclass(frozen=True, kw_only=True)
class ServerAccess:
    """A server, and who the gateway is to it. Files are read when they are first needed, and then kept."""

    target: str
    """HOST:PORT."""
    tls: bool = False
    """Whether TLS is used, with the system's authorities where no others are given."""
    tls_ca: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    token_file: Path | None = None
    """Without one, the token is the variable's, if any."""
    insecure_token: bool = False

    def client(self) -> Client:
        """Make a client that shows the gateway's own token; raises BadConfiguration."""
        return self._make(self._token)

    def client_with_token(self, token: str) -> Client:
        """Make a client that shows another token to the same server; raises BadConfiguration."""
        return self._make(token)

    def _make(self, token: Token | None) -> Client:
        Address.parse(self.target, "--server")
        try:
            return Client(
                self.target,
                self._credentials,
                token=token,
                insecure_token=self.insecure_token,
                request_timeout_s=REQUEST_TIMEOUT_S,
            )
        except ValueError as error:
            raise BadConfiguration(
                f"--server {self.target}: {error} (--server-tls, or --insecure-token)"
            ) from error

    @functools.cached_property
    def _credentials(self) -> ChannelCredentials | None:
        """What TLS needs; None for a connection in clear."""
        if not (self.tls or self.tls_ca or self.tls_cert or self.tls_key):
            return None
        try:
            return ssl_credentials(self.tls_ca, self.tls_cert, self.tls_key)
        except ValueError as error:
            raise BadConfiguration(f"--server-tls-cert and --server-tls-key: {error}") from error
        except OSError as error:
            raise BadConfiguration(f"cannot read {error.filename}: {error.strerror}") from error

    @functools.cached_property
    def _token(self) -> Token | None:
        """The variable's token, or what reads the file's for every call."""
        if self.token_file is None:
            return os.environ.get(TOKEN_VARIABLE, "").strip() or None
        read = functools.partial(read_token, self.token_file)
        try:
            read()
        except TokenUnavailable as error:
            raise BadConfiguration(f"--token-file: {error}") from error
        return read
