"""HTTP of the gateway: metrics, health, answers; the WHIP door adds its own routes."""

from facegauge_gateway.http.app import make_http_app

__all__ = ["make_http_app"]
