"""Options that the commands share: server and TLS."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from facegauge_client.sdk.channel import DEFAULT_TARGET, ssl_credentials
from facegauge_client.sdk.client import Client

__all__ = ["DISPLAY_LINES", "ServerOptions", "server_options"]

Command = TypeVar("Command", bound=Callable[..., Any])

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
DISPLAY_LINES = click.IntRange(90, 4320)


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Address of the server, and TLS files."""

    target: str
    tls: bool
    tls_ca: Path | None
    tls_cert: Path | None
    tls_key: Path | None

    def client(self) -> Client:
        """Make the client; raises UsageError for files that cannot be read or do not go together."""
        if not (self.tls or self.tls_ca or self.tls_cert or self.tls_key):
            return Client(self.target)
        try:
            return Client(self.target, ssl_credentials(self.tls_ca, self.tls_cert, self.tls_key))
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
    @functools.wraps(command)
    def wrapper(
        target: str,
        tls: bool,
        tls_ca: Path | None,
        tls_cert: Path | None,
        tls_key: Path | None,
        **options: Any,
    ) -> Any:
        return command(server=ServerOptions(target, tls, tls_ca, tls_cert, tls_key), **options)

    return wrapper  # type: ignore[return-value]  # the same command, with other parameters


def _check_target(_context: click.Context, _parameter: click.Parameter, target: str) -> str:
    host, separator, port = target.rpartition(":")
    if not separator or not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise click.BadParameter(f"wants HOST:PORT, such as {DEFAULT_TARGET}, not {target!r}")
    return target
