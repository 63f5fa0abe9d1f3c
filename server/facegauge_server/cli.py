"""The command `facegauge-server`: flags, FACEGAUGE_* variables and a TOML file become a Config.

A flag beats its variable, a variable beats the file, and the file beats the default.
"""

from __future__ import annotations

import asyncio
import sys
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
import structlog

from facegauge_server.app import serve
from facegauge_server.config import Address, Config, Limits, Tls
from facegauge_server.errors import BadConfiguration, OperatorError

__all__ = ["command"]

EPILOG = """
Examples:

\b
  facegauge-server
  facegauge-server --listen 0.0.0.0:50051 --tls-cert cert.pem --tls-key key.pem
  FACEGAUGE_MAX_STREAMS=500 facegauge-server --config facegauge.toml

The file has the flags' names with underscores: max_streams = 500
"""


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


DEFAULTS = Config()


@click.command(context_settings={"auto_envvar_prefix": "FACEGAUGE", "show_default": True}, epilog=EPILOG)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    callback=_read_file,
    is_eager=True,
    expose_value=False,
    help="TOML file with any of these settings.",
)
@click.option("--listen", default=str(DEFAULTS.listen), metavar="HOST:PORT", help="Where gRPC listens.")
@click.option(
    "--metrics-listen",
    default=str(DEFAULTS.metrics_listen),
    metavar="HOST:PORT",
    help="Where /metrics listens.",
)
@click.option("--tls-cert", type=click.Path(path_type=Path), help="Server certificate, PEM.")
@click.option("--tls-key", type=click.Path(path_type=Path), help="Its key, PEM.")
@click.option(
    "--tls-client-ca", type=click.Path(path_type=Path), help="CA that clients need a certificate of, PEM."
)
@click.option("--insecure", is_flag=True, help="Allow listening beyond loopback without TLS.")
@click.option("--engine", type=click.Choice(["auto", "openvino", "torch"]), default=DEFAULTS.engine)
@click.option("--model", default=DEFAULTS.model, metavar="NAME|PATH", help="Student that scores.")
@click.option(
    "--precision",
    type=click.Choice(["auto", "f32", "bf16", "f16"]),
    default=DEFAULTS.precision,
    help="Of the student; auto takes the fastest that moves no score by more than 0.01.",
)
@click.option("--workers", type=int, default=DEFAULTS.workers, help="Processes that work on frames.")
@click.option(
    "--max-batch", type=int, default=DEFAULTS.max_batch, help="Crops in one call of a GPU's engine."
)
@click.option(
    "--max-wait-ms", type=float, default=DEFAULTS.max_wait_ms, help="Longest wait to fill a batch on a GPU."
)
@click.option(
    "--detect-interval",
    "detect_interval_s",
    type=float,
    default=DEFAULTS.detect_interval_s,
    help="Seconds of capture time between detections while faces move or none is there; twice as long where "
    "they move little.",
)
@click.option(
    "--steady-detect-interval",
    "steady_detect_interval_s",
    type=float,
    default=DEFAULTS.steady_detect_interval_s,
    help="Seconds of capture time between them while every face stays where it is.",
)
@click.option(
    "--stale-after",
    "stale_after_s",
    type=float,
    default=DEFAULTS.stale_after_s,
    help="Seconds without a score until a stream is stale.",
)
@click.option(
    "--idle-timeout",
    "idle_timeout_s",
    type=float,
    default=DEFAULTS.idle_timeout_s,
    help="Seconds without a frame until a stream is ended.",
)
@click.option(
    "--send-timeout",
    "send_timeout_s",
    type=float,
    default=DEFAULTS.send_timeout_s,
    help="Seconds that responses may stay unread.",
)
@click.option(
    "--resume-window",
    "resume_window_s",
    type=float,
    default=DEFAULTS.resume_window_s,
    help="Seconds that a broken stream waits for its client.",
)
@click.option(
    "--frame-timeout",
    "frame_timeout_s",
    type=float,
    default=DEFAULTS.frame_timeout_s,
    help="Seconds of processor time that one frame may take.",
)
@click.option(
    "--drain-grace",
    "drain_grace_s",
    type=float,
    default=DEFAULTS.drain_grace_s,
    help="Seconds that streams get to finish after SIGTERM.",
)
@click.option("--max-streams", type=int, default=DEFAULTS.limits.max_streams, help="Live streams at once.")
@click.option(
    "--max-exported-streams",
    type=int,
    default=DEFAULTS.limits.max_exported_streams,
    help="Live streams with series of their own.",
)
@click.option(
    "--max-message-bytes", type=int, default=DEFAULTS.limits.max_message_bytes, help="Of one frame."
)
@click.option("--max-frame-pixels", type=int, default=DEFAULTS.limits.max_frame_pixels, help="Of one frame.")
@click.option(
    "--max-stream-fps", type=float, default=DEFAULTS.limits.max_stream_fps, help="Of one live stream."
)
@click.option("--max-faces", type=int, default=DEFAULTS.limits.max_faces, help="Scored in one frame.")
@click.option(
    "--max-worker-wait",
    "max_worker_wait_s",
    type=float,
    default=DEFAULTS.limits.max_worker_wait_s,
    help="Mean seconds that frames wait for a worker beyond which no new live stream is taken.",
)
@click.option("--max-images", type=int, default=DEFAULTS.limits.max_images, help="AssessImage calls at once.")
@click.option(
    "--log-format", type=click.Choice(["console", "json"]), default="console", help="Of the log on stderr."
)
@click.version_option(package_name="facegauge-server")
def command(log_format: str, **flags: Any) -> None:
    """Follow the picture quality of video calls: frames in over gRPC, scores out, series for Prometheus."""
    _configure_log(log_format)
    try:
        asyncio.run(serve(_config_from(flags)))
    except BadConfiguration as error:
        raise click.UsageError(str(error)) from error
    except OperatorError as error:
        raise click.ClickException(str(error)) from error


def _config_from(flags: dict[str, Any]) -> Config:
    """Build the Config; raises BadConfiguration."""
    certificate, key = flags.pop("tls_cert"), flags.pop("tls_key")
    client_ca = flags.pop("tls_client_ca")
    if (certificate is None) != (key is None):
        raise BadConfiguration("--tls-cert and --tls-key go together")
    if client_ca is not None and certificate is None:
        raise BadConfiguration("--tls-client-ca needs --tls-cert and --tls-key")
    limits = Limits(**{limit.name: flags.pop(limit.name) for limit in fields(Limits)})
    return Config(
        listen=Address.parse(flags.pop("listen"), "--listen"),
        metrics_listen=Address.parse(flags.pop("metrics_listen"), "--metrics-listen"),
        tls=None if certificate is None else Tls(certificate, key, client_ca),
        limits=limits,
        **flags,
    )


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
