"""Who may ask: not a page that came from elsewhere, whatever name it found this machine under.

- A page of another site may make a browser send requests here (CSRF). Those under /ui/ are refused by what
  browsers say of a request's origin: Sec-Fetch-Site, and Origin. WHIP is guarded by its preflight.
- It may give its own host name this machine's address (DNS rebinding), and be of the same origin then. Where
  no token is asked for, the Host header must name loopback.
- Nothing that came in by name is ever HTML here, and the headers keep a browser from running it if it were.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web

from facegauge_gateway.ui.ui_metrics import UiMetrics

__all__ = ["Guard"]

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " img-src 'self' blob: data:; media-src 'self' blob:; frame-src 'self'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self)",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
GUARDED = "/ui/"
CHANGING = ("POST", "PUT", "PATCH", "DELETE")
OWN_SITE = ("same-origin", "none")
"""`none` is a person who typed the address."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Guard:
    """Refuses requests, each with a sentence, and gives every response its headers."""

    loopback_names_only: bool
    """Whether the Host header must name loopback."""
    allowed_origins: frozenset[str]
    """Origins of other pages that may read, by the flag of the other doors."""
    metrics: UiMetrics

    def protect(self, app: web.Application) -> None:
        """Stand before all handlers of an application that has not started."""

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            self._check(request)
            return await handler(request)

        async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
            for name, value in HEADERS.items():
                response.headers.setdefault(name, value)

        app.middlewares.append(guard)
        app.on_response_prepare.append(add_headers)

    def _check(self, request: web.Request) -> None:
        if self.loopback_names_only and not _names_loopback(request.headers.get("Host", "")):
            self.metrics.refused.labels("host").inc()
            raise web.HTTPMisdirectedRequest(
                text="this gateway asks for no token, so it answers to localhost, 127.0.0.1 and [::1] alone:"
                " open it under one of these names, or start it with --read-tokens and --publish-tokens\n"
            )
        if request.path.startswith(GUARDED) and not self._is_own(request):
            self.metrics.refused.labels("origin").inc()
            raise web.HTTPForbidden(
                text="this request came from another page, or does not say where it came from: use the"
                " gateway's own page, or send its address as Origin\n"
            )

    def _is_own(self, request: web.Request) -> bool:
        """Whether a request is of the gateway's own page, or changes nothing and may be answered anyway."""
        site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
        if request.method in CHANGING:
            if site is not None:
                return site == "same-origin"
            return origin is not None and _is_of(origin, request)
        is_link = request.path.endswith("/report") and request.headers.get("Sec-Fetch-Mode") == "navigate"
        if site is None or site in OWN_SITE or is_link:
            return True
        return origin is not None and (origin in self.allowed_origins or "*" in self.allowed_origins)


def _names_loopback(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name.rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _is_of(origin: str, request: web.Request) -> bool:
    """Whether an origin is the gateway's own, by the name that it was asked under.

    Schemes are not compared: what ends TLS in front of a gateway changes them.
    """
    try:
        name = urlsplit(origin).netloc.lower()
    except ValueError:
        return False
    return bool(name) and name == request.headers.get("Host", "").lower()
