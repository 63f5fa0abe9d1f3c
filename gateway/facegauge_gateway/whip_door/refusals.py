"""HTTP answers to publishers whose stream the server refuses."""

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
from facegauge_gateway.http.refusals import CHALLENGE, RETRY_LATER

__all__ = ["refused_by_server"]

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


def refused_by_server(error: FacegaugeError) -> web.HTTPException:
    """Return the answer to a publisher whose stream the server does not take."""
    kind = next((kind for known, kind in STATUSES if isinstance(error, known)), web.HTTPBadGateway)
    headers: dict[str, str] = {}
    if kind is web.HTTPUnauthorized:
        headers |= CHALLENGE
    if kind in (web.HTTPServiceUnavailable, web.HTTPTooManyRequests):
        headers |= RETRY_LATER
    return kind(text=f"{error}\n", headers=headers)
