"""Options that the subcommands share: the server, what is measured, HTTP, answers and the log."""

from __future__ import annotations

import functools
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from facegauge_client import Client
from facegauge_gateway.address import Address
from facegauge_gateway.errors import BadConfiguration
from facegauge_gateway.forward import StreamSettings
from facegauge_gateway.http.cross_origin import ALLOW_ORIGIN_FLAG, parse_origin
from facegauge_gateway.log import configure_log
from facegauge_gateway.serve import ServeSettings
from facegauge_gateway.server_access import TOKEN_VARIABLE, ServerAccess

__all__ = ["FILE", "POSITIVE", "Shared", "shared_options"]

Command = TypeVar("Command", bound=Callable[..., Any])

FILE = click.Path(dir_okay=False, path_type=Path)
DEFAULT_HTTP = "127.0.0.1:9465"
POSITIVE = click.FloatRange(min=0, min_open=True)


@dataclass(frozen=True, slots=True)
class Shared:
    """What a subcommand gets from the shared options."""

    server: ServerAccess
    client: Client
    settings: ServeSettings
    stream: StreamSettings
    """With an empty id: the defaults of every stream."""


def shared_options(*, http_listen: str = DEFAULT_HTTP, max_fps: float = 2.0) -> Callable[[Command], Command]:
    """Return what adds the options, with these defaults; the command receives them as `shared`."""
    return functools.partial(_add_options, http_listen=http_listen, max_fps=max_fps)


def _add_options(command: Command, *, http_listen: str, max_fps: float) -> Command:
    @click.option(
        "--server",
        metavar="HOST:PORT",
        default="127.0.0.1:50051",
        show_default=True,
        envvar="FACEGAUGE_SERVER",
        show_envvar=True,
        help="Facegauge server to forward to.",
    )
    @click.option("--server-tls", is_flag=True, help="Use TLS to the server, with the system's authorities.")
    @click.option("--server-tls-ca", type=FILE, help="PEM file of authorities; implies --server-tls.")
    @click.option("--server-tls-cert", type=FILE, help="PEM file of the gateway's certificate to the server.")
    @click.option("--server-tls-key", type=FILE, help="PEM file of the key of --server-tls-cert.")
    @click.option(
        "--token-file",
        type=FILE,
        help=f"File with the token for the server, reread for every call.  [env var: {TOKEN_VARIABLE}, the"
        " token itself]",
    )
    @click.option("--insecure-token", is_flag=True, help="Send the token to another machine without TLS.")
    @click.option(
        "--max-fps",
        type=POSITIVE,
        default=max_fps,
        show_default=True,
        help="Pictures scored a second, at most.",
    )
    @click.option(
        "--min-fps",
        type=click.FloatRange(min=0),
        default=0.0,
        help="Pictures scored a second while a stream is steady, at least; 0 scores --max-fps always.",
    )
    @click.option(
        "--display-lines",
        type=click.IntRange(90, 4320),
        default=720,
        show_default=True,
        help="Lines that the viewers' display shows.",
    )
    @click.option(
        "--http-listen",
        metavar="HOST:PORT",
        default=http_listen,
        show_default=True,
        help="Address of /metrics, /livez, /readyz and /answers, and of what the subcommand adds.",
    )
    @click.option("--tls-cert", type=FILE, help="PEM file of the certificate for --http-listen.")
    @click.option("--tls-key", type=FILE, help="PEM file of the key of --tls-cert.")
    @click.option(
        "--read-tokens",
        type=FILE,
        help="Tokens that open whatever names streams, one a line; reread when it changes.",
    )
    @click.option(
        ALLOW_ORIGIN_FLAG,
        "allowed_origins",
        multiple=True,
        metavar="ORIGIN",
        help="Origin of pages that may read answers and publish, such as https://meet.example, or *."
        " Repeatable.",
    )
    @click.option(
        "--insecure", is_flag=True, help="Allow listening beyond loopback where something else guards it."
    )
    @click.option(
        "--answers",
        type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
        help="Write answers to this file as lines of JSON; - is standard output.",
    )
    @click.option(
        "--drain-grace",
        "drain_grace_s",
        metavar="SECONDS",
        type=click.FloatRange(min=0),
        default=10.0,
        show_default=True,
        help="Time that streams may take to finish after SIGTERM.",
    )
    @click.option(
        "--log-format", type=click.Choice(["console", "json"]), default="console", show_default=True
    )
    @functools.wraps(command)
    def wrapper(log_format: str, **options: Any) -> Any:
        configure_log(log_format)
        return command(shared=_shared(options), **options)

    return wrapper  # type: ignore[return-value]  # the same command, with other parameters


def _shared(options: dict[str, Any]) -> Shared:
    """Take the shared options out of all options; raises BadConfiguration."""
    take = options.pop
    server = ServerAccess(
        target=take("server"),
        tls=take("server_tls"),
        tls_ca=take("server_tls_ca"),
        tls_cert=take("server_tls_cert"),
        tls_key=take("server_tls_key"),
        token_file=take("token_file"),
        insecure_token=take("insecure_token"),
    )
    return Shared(
        server=server,
        client=server.client(),
        settings=ServeSettings(
            http_listen=Address.parse(take("http_listen"), "--http-listen"),
            read_tokens=take("read_tokens"),
            allowed_origins=frozenset(map(parse_origin, take("allowed_origins"))),
            insecure=take("insecure"),
            tls=_tls(take("tls_cert"), take("tls_key")),
            answers=take("answers"),
            drain_grace_s=take("drain_grace_s"),
        ),
        stream=StreamSettings(
            stream_id="",
            max_fps=take("max_fps"),
            min_fps=take("min_fps"),
            display_lines=take("display_lines"),
        ),
    )


def _tls(cert: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if cert is None and key is None:
        return None
    if cert is None or key is None:
        raise BadConfiguration("--tls-cert and --tls-key go together")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(cert, key)
    except OSError as error:
        raise BadConfiguration(f"--tls-cert {cert} and --tls-key {key}: {error}") from error
    return context
