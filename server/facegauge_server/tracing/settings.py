"""Settings of the traces."""

from __future__ import annotations

from dataclasses import dataclass

from facegauge_server.errors import BadConfiguration
from facegauge_server.outgoing_url import OutgoingUrl
from facegauge_server.setting import check_bounds, setting

__all__ = ["Tracing"]

TRACING = "Tracing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracing:
    """Where traces go, and how many."""

    otlp_endpoint: str | None = setting(
        TRACING,
        "Collector that takes traces of frames (OTLP over gRPC). Without it, the server opens no connection. "
        "Its token and certificate come from OTEL_EXPORTER_OTLP_HEADERS and OTEL_EXPORTER_OTLP_CERTIFICATE.",
        metavar="URL",
    )
    otlp_insecure: bool = setting(TRACING, "Allow an --otlp-endpoint beyond loopback without TLS.", False)
    trace_ratio: float = setting(
        TRACING,
        "Share of the frames that are traced, from 0 to 1; a single picture follows its caller's decision.",
        0.01,
        at_least=0,
        metavar="RATIO",
    )
    trace_queue: int = setting(
        TRACING,
        "Spans that wait for the collector; beyond, new ones are dropped and counted.",
        4096,
        above=0,
        metavar="SPANS",
    )

    def __post_init__(self) -> None:
        check_bounds(self)
        if self.trace_ratio > 1:
            raise BadConfiguration("--trace-ratio must be at most 1")
        _ = self.endpoint  # raises for an address that traces may not go to

    @property
    def endpoint(self) -> OutgoingUrl | None:
        """Where traces go; None for nowhere."""
        if self.otlp_endpoint is None:
            return None
        return OutgoingUrl.parse(
            self.otlp_endpoint, "--otlp-endpoint", "--otlp-insecure", insecure=self.otlp_insecure
        )
