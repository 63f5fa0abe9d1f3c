"""Options that the commands share: server, TLS and token."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import click

from facegauge_client.sdk.channel import DEFAULT_TARGET, ChannelCredentials, ssl_credentials
from facegauge_client.sdk.client import Client
from facegauge_client.sdk.errors import TokenUnavailable
from facegauge_client.sdk.token import Token, check_token, is_local, read_token

__all__ = ["DISPLAY_LINES", "TOKEN_VARIABLE", "ServerOptions", "reconnect_timeout_option", "server_options"]

Command = TypeVar("Command", bound=Callable[..., Any])

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
TOKEN_VARIABLE = "FACEGAUGE_TOKEN"  # noqa: S105 - the name of a variable
"""A token on the command line would show in the list of processes."""
DISPLAY_LINES = click.IntRange(90, 4320)


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Address of the server, TLS files, and where the token comes from."""

    target: str
    tls: bool
    tls_ca: Path | None
    tls_cert: Path | None
    tls_key: Path | None
    token_file: Path | None = None
    token: str = field(default="", repr=False)
    """Used without a token file."""
    insecure_token: bool = False

    def client(self) -> Client:
        """Make the client; raises UsageError for files that cannot be read or do not go together."""
        token = self._token()
        credentials = self._credentials()
        if token is not None and credentials is None and not (self.insecure_token or is_local(self.target)):
            raise click.UsageError(
                f"the token would travel to {self.target} in clear, and whoever reads it can use it: add "
                "--tls, or --insecure-token where something else encrypts"
            )
        return Client(self.target, credentials, token=token, insecure_token=self.insecure_token)

    def _token(self) -> Token | None:
        if self.token_file is not None:
            return functools.partial(read_token, self.token_file)
        if not self.token:
            return None
        try:
            return check_token(self.token)
        except ValueError as error:
            raise click.UsageError(f"{TOKEN_VARIABLE}: {error}") from error

    def _credentials(self) -> ChannelCredentials | None:
        if not (self.tls or self.tls_ca or self.tls_cert or self.tls_key):
            return None
        try:
            return ssl_credentials(self.tls_ca, self.tls_cert, self.tls_key)
        except ValueError as error:
            raise click.UsageError(f"--tls-cert and --tls-key: {error}") from error
        except OSError as error:
            raise click.UsageError(f"cannot read {error.filename}: {error.strerror}") from error


def server_options(command: Command) -> Command:
    """Add the options; the command receives them as `server`, a ServerOptions."""

    @click.option(
        "--server",
        "target",
        metavar="HOST:PORT",
        default=DEFAULT_TARGET,
        show_default=True,
        envvar="FACEGAUGE_SERVER",
        show_envvar=True,
        callback=_check_target,
        help="Server to connect to.",
    )
    @click.option("--tls", is_flag=True, help="Use TLS with the system's certificate authorities.")
    @click.option("--tls-ca", type=_FILE, help="PEM file of certificate authorities; implies --tls.")
    @click.option("--tls-cert", type=_FILE, help="PEM file of the client's certificate; implies --tls.")
    @click.option("--tls-key", type=_FILE, help="PEM file of the key of --tls-cert.")
    @click.option(
        "--token-file",
        type=click.Path(path_type=Path),
        callback=_check_token_file,
        help=f"File with the token for the server, reread for every call.  [env var: {TOKEN_VARIABLE}, the"
        " token itself]",
    )
    @click.option("--insecure-token", is_flag=True, help="Send the token to another machine without TLS.")
    @functools.wraps(command)
    def wrapper(
        target: str,
        tls: bool,
        tls_ca: Path | None,
        tls_cert: Path | None,
        tls_key: Path | None,
        token_file: Path | None,
        insecure_token: bool,
        **options: Any,
    ) -> Any:
        token = os.environ.get(TOKEN_VARIABLE, "").strip()
        server = ServerOptions(target, tls, tls_ca, tls_cert, tls_key, token_file, token, insecure_token)
        return command(server=server, **options)

    return wrapper  # type: ignore[return-value]  # the same command, with other parameters


def _check_token_file(_context: click.Context, _parameter: click.Parameter, path: Path | None) -> Path | None:
    if path is not None:
        try:
            read_token(path)
        except TokenUnavailable as error:
            raise click.BadParameter(str(error)) from error
    return path


def _check_target(_context: click.Context, _parameter: click.Parameter, target: str) -> str:
    host, separator, port = target.rpartition(":")
    if not separator or not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise click.BadParameter(f"wants HOST:PORT, such as {DEFAULT_TARGET}, not {target!r}")
    return target


def reconnect_timeout_option(explanation: str) -> Callable[[Command], Command]:
    """Give a command --reconnect-timeout, `reconnect_timeout_s`, with what it means there as its help."""
    return click.option(
        "--reconnect-timeout",
        "reconnect_timeout_s",
        type=click.FloatRange(min=0),
        default=60.0,
        show_default=True,
        metavar="SECONDS",
        help=explanation,
    )
