"""Pages of other origins: which may read the gateway's answers (CORS: the Fetch standard, 3.3).

Access-Control-Allow-Credentials is never sent, since the gateway knows no cookies: a page that needs a token
has been given one, and shows it in Authorization.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from facegauge_gateway.errors import BadConfiguration

__all__ = ["ALLOW_ORIGIN_FLAG", "ANY_ORIGIN", "admit_origins", "answer_preflight", "parse_origin"]

ALLOW_ORIGIN_FLAG = "--allow-origin"
ANY_ORIGIN = "*"
ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s?#@*]+")
EXPOSED_HEADERS = "Location, Retry-After, WWW-Authenticate"
PREFLIGHT_MAX_AGE_S = 600


def parse_origin(text: str) -> str:
    """Read an origin the way that browsers send it, or `*`; raises BadConfiguration."""
    origin = text.lower()
    if origin != ANY_ORIGIN and not ORIGIN.fullmatch(origin):
        raise BadConfiguration(
            f"{ALLOW_ORIGIN_FLAG} wants SCHEME://HOST or SCHEME://HOST:PORT without a path, such as"
            f" https://meet.example, or *: not {text!r}"
        )
    return origin


def admit_origins(app: web.Application, allowed: frozenset[str]) -> None:
    """Let pages of these origins read every answer of an application, its refusals included."""

    async def admit(request: web.Request, response: web.StreamResponse) -> None:
        if ANY_ORIGIN in allowed:
            response.headers["Access-Control-Allow-Origin"] = ANY_ORIGIN
        elif allowed:
            response.headers["Vary"] = "Origin"  # what a cache keeps for one origin is not for another
            origin = request.headers.get("Origin")
            if origin not in allowed:
                return
            response.headers["Access-Control-Allow-Origin"] = origin
        else:
            return
        response.headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS

    app.on_response_prepare.append(admit)


def answer_preflight(
    methods: str, *, headers: str, says: Mapping[str, str] | None = None
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return a handler of OPTIONS, which a browser asks before it sends a request with other headers.

    `says` are headers of the answer that have nothing to do with other origins.
    """

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(
            status=204,
            headers={
                "Access-Control-Allow-Methods": methods,
                "Access-Control-Allow-Headers": headers,
                "Access-Control-Max-Age": str(PREFLIGHT_MAX_AGE_S),
                **(says or {}),
            },
        )

    return answer
