"""The command `facegauge-server`: flags, FACEGAUGE_* variables and a TOML file become a Config.

A flag beats its variable, a variable beats the file, and the file beats the default. The flags are made from
the fields of `Config` and `Limits`.
"""

from __future__ import annotations

import asyncio
import sys
import tomllib
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

import click
import structlog
from click.core import ParameterSource

from facegauge_server.config import NETWORK, Address, Config, Limits, Tls
from facegauge_server.errors import BadConfiguration, OperatorError
from facegauge_server.grouped_command import GENERAL, GIVEN, GroupedCommand, Option
from facegauge_server.replica_name import replica_number
from facegauge_server.replicas.serve import serve_replicas
from facegauge_server.serve import serve
from facegauge_server.setting import KEY, flag_name, setting_of
from facegauge_server.tracing.settings import Tracing

__all__ = ["command"]

EPILOG = """
Each flag can also be set by a variable or in the file, under its name with underscores, and _s where the
value is seconds: FACEGAUGE_IDLE_TIMEOUT_S=20, or idle_timeout_s = 20. A flag beats its variable, a variable
beats the file.

Examples:

\b
  facegauge-server
  facegauge-server --listen 0.0.0.0:50051 --tls-cert cert.pem --tls-key key.pem
  FACEGAUGE_MAX_STREAMS=500 facegauge-server --config facegauge.toml
"""
REPLICAS = "Replicas"
TYPES: dict[str, Any] = {
    "int": int,
    "float": float,
    "str": str,
    "str | None": str,
    "Address": str,
    "Path | None": click.Path(path_type=Path),
}


def _read_file(context: click.Context, _: click.Parameter, path: Path | None) -> None:
    """Make the file's values the defaults of the flags."""
    if path is None:
        return
    try:
        values = tomllib.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise click.UsageError(f"cannot read {path}: {error}") from error
    known = {parameter.name for parameter in context.command.params}
    for name in values:
        if name not in known:
            raise click.UsageError(f"{path}: {name!r} is no setting; see facegauge-server --help")
    context.default_map = values


def _option(one: Field[Any]) -> Option:
    """Make the flag of a field."""
    described = setting_of(one)
    default: Any = one.default
    if one.default_factory is not MISSING:
        default = one.default_factory()
    shown: dict[str, Any] = {"show_default": one.default_factory is MISSING}
    if one.type == "bool":
        shown = {"is_flag": True}
    elif described.choices:
        shown["type"] = click.Choice(described.choices)
    else:
        shown["type"] = TYPES[str(one.type)]
    return Option(
        [flag_name(one.name), one.name],
        default=str(default) if one.type == "Address" else default,
        metavar=described.metavar,
        help=described.help,
        group=described.group,
        **shown,
    )


def _path_option(flag: str, help_text: str, group: str, **settings: Any) -> Option:
    path = click.Path(path_type=Path)
    return Option([flag], type=path, help=help_text, metavar="FILE", group=group, **settings)


def _options() -> list[click.Parameter]:
    kinds = (Config, Limits, Tracing)
    settings = [_option(one) for kind in kinds for one in fields(kind) if KEY in one.metadata]
    tls = [
        _path_option("--tls-cert", "Server certificate, PEM.", NETWORK),
        _path_option("--tls-key", "Private key of the server certificate, PEM.", NETWORK),
        _path_option("--tls-client-ca", "Require client certificates issued by this CA, PEM.", NETWORK),
    ]
    config = _path_option(
        "--config",
        "TOML file with any of these settings.",
        GENERAL,
        callback=_read_file,
        is_eager=True,
        expose_value=False,
    )
    replicas = [
        Option(
            ["--replicas"],
            type=click.IntRange(min=0),
            default=0,
            help="Servers to run on this machine, each on cores and ports of its own: the first on those of "
            "--listen and --metrics-listen, the others on those that follow. 0: this process serves itself.",
            metavar="N",
            group=REPLICAS,
        ),
        _path_option("--envoy-replicas", "File to keep for Envoy, with the replicas that serve.", REPLICAS),
    ]
    log_format = Option(
        ["--log-format"],
        type=click.Choice(["console", "json"]),
        default="console",
        help="Format of the log on stderr.",
        group=GENERAL,
    )
    return [*settings[:2], *tls, *settings[2:], *replicas, config, log_format]


def _run(log_format: str, replicas: int, envoy_replicas: Path | None, **flags: Any) -> None:
    """Monitor the picture quality of video calls: frames in over gRPC, scores out, series for Prometheus."""
    _configure_log(log_format)
    number = replica_number()
    try:
        if number is not None:
            structlog.contextvars.bind_contextvars(replica=number)
        elif replicas:
            _serve_replicas(replicas, _config_from(flags), envoy_replicas)
            return
        elif envoy_replicas is not None:
            raise BadConfiguration("--envoy-replicas needs --replicas")
        asyncio.run(serve(_config_from(flags)))
    except BadConfiguration as error:
        raise click.UsageError(str(error)) from error
    except OperatorError as error:
        raise click.ClickException(str(error)) from error


command: click.Command = click.version_option(package_name="facegauge-server")(
    GroupedCommand(
        "facegauge-server",
        callback=_run,
        params=_options(),
        help=_run.__doc__,
        epilog=EPILOG,
        context_settings={"auto_envvar_prefix": "FACEGAUGE", "show_default": True},
    )
)


def _serve_replicas(count: int, config: Config, envoy_file: Path | None) -> None:
    given = click.get_current_context().meta[GIVEN]
    if not asyncio.run(serve_replicas(count, config, given, envoy_file)):
        raise click.ClickException("a replica did not drain in time: see the log above")


def _config_from(flags: dict[str, Any]) -> Config:
    """Build the Config; raises BadConfiguration."""
    certificate, key = flags.pop("tls_cert"), flags.pop("tls_key")
    client_ca = flags.pop("tls_client_ca")
    if (certificate is None) != (key is None):
        raise BadConfiguration("--tls-cert and --tls-key go together")
    if client_ca is not None and certificate is None:
        raise BadConfiguration("--tls-client-ca needs --tls-cert and --tls-key")
    limits = Limits(**{limit.name: flags.pop(limit.name) for limit in fields(Limits)})
    tracing = Tracing(**{one.name: flags.pop(one.name) for one in fields(Tracing)})
    source = click.get_current_context().get_parameter_source("max_exported_streams")
    if source is not ParameterSource.DEFAULT and limits.max_exported_streams > limits.max_streams:
        raise BadConfiguration(
            f"--max-exported-streams {limits.max_exported_streams} would limit nothing: "
            f"there are at most {limits.max_streams} streams (--max-streams)"
        )
    for name in ("listen", "metrics_listen"):
        flags[name] = Address.parse(flags[name], flag_name(name))
    tls = None if certificate is None else Tls(certificate, key, client_ca)
    return Config(tls=tls, limits=limits, tracing=tracing, **flags)


def _configure_log(log_format: str) -> None:
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
    )
