"""HTTP answers to offers that are refused: each with a sentence that says who must do what."""

from __future__ import annotations

from aiohttp import web

from facegauge_client import (
    DeadlineExceeded,
    FacegaugeError,
    Forbidden,
    QuotaExceeded,
    RequestRejected,
    ServerFull,
    ServerUnavailable,
    StreamExists,
    Unauthenticated,
)

__all__ = ["full", "refused_by_server", "unauthorized"]

RETRY_AFTER_S = 5
STATUSES: tuple[tuple[type[FacegaugeError], type[web.HTTPException]], ...] = (
    (Unauthenticated, web.HTTPUnauthorized),
    (Forbidden, web.HTTPForbidden),
    (StreamExists, web.HTTPConflict),
    (ServerFull, web.HTTPServiceUnavailable),
    (QuotaExceeded, web.HTTPTooManyRequests),
    (RequestRejected, web.HTTPUnprocessableEntity),
    (ServerUnavailable, web.HTTPServiceUnavailable),
    (DeadlineExceeded, web.HTTPServiceUnavailable),
)
"""The first class that fits gives the status."""


def unauthorized(text: str) -> web.HTTPException:
    """Return 401 with what the client must show (RFC 6750, 3)."""
    return web.HTTPUnauthorized(text=text, headers={"WWW-Authenticate": "Bearer"})


def full(text: str) -> web.HTTPException:
    """Return 503 with when to try again."""
    return web.HTTPServiceUnavailable(text=f"{text}\n", headers={"Retry-After": str(RETRY_AFTER_S)})


def refused_by_server(error: FacegaugeError) -> web.HTTPException:
    """Return the answer to a publisher whose stream the server does not take."""
    kind = next((kind for known, kind in STATUSES if isinstance(error, known)), web.HTTPBadGateway)
    headers: dict[str, str] = {}
    if kind is web.HTTPUnauthorized:
        headers["WWW-Authenticate"] = "Bearer"
    if kind in (web.HTTPServiceUnavailable, web.HTTPTooManyRequests):
        headers["Retry-After"] = str(RETRY_AFTER_S)
    return kind(text=f"{error}\n", headers=headers)
