"""HTTP answers to requests that are refused: each with a sentence that says who must do what."""

from __future__ import annotations

import asyncio

from aiohttp import web

from facegauge_gateway.token_file import TokenFile

__all__ = ["CHALLENGE", "RETRY_LATER", "full", "require_token", "unauthorized"]

CHALLENGE = {"WWW-Authenticate": "Bearer"}
"""What comes with 401 (RFC 6750, 3)."""
RETRY_LATER = {"Retry-After": "5"}


def unauthorized(text: str) -> web.HTTPException:
    """Return 401 with what the client must show."""
    return web.HTTPUnauthorized(text=f"{text}\n", headers=CHALLENGE)


def full(text: str) -> web.HTTPException:
    """Return 503 with when to try again."""
    return web.HTTPServiceUnavailable(text=f"{text}\n", headers=RETRY_LATER)


def require_token(request: web.Request, tokens: TokenFile | None) -> None:
    """Raise 401 for a request without one of the file's tokens; where there is no file, none is asked for."""
    now_s = asyncio.get_running_loop().time()
    if tokens is not None and not tokens.opens(request.headers.get("Authorization", ""), now_s):
        raise unauthorized(f"send `Authorization: Bearer TOKEN` with a token of {tokens.flag}")
