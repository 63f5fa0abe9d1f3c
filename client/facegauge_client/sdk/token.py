"""Bearer tokens: where they come from, and the metadata that carries them.

Tokens go out as plain metadata with each call rather than as gRPC call credentials, which gRPC refuses on a
connection without TLS: so there is one way for both kinds of connection.
"""

from __future__ import annotations

import asyncio
import inspect
import ipaddress
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeAlias, TypeVar

from facegauge_client.sdk.errors import FacegaugeError, TokenUnavailable, Unauthenticated

__all__ = ["Metadata", "Token", "TokenSource", "check_token", "is_local", "read_token"]

T = TypeVar("T")
Token: TypeAlias = "str | Callable[[], str] | Callable[[], Awaitable[str]]"  # noqa: S105 - a type
"""A bearer token, or a function that returns a valid one whenever it is called."""
Metadata: TypeAlias = tuple[tuple[str, str], ...]
"""Metadata of a gRPC call."""

MAX_TOKEN_FILE_BYTES = 64 * 1024
_LOCAL_SCHEMES = ("unix:", "unix-abstract:")


class TokenSource:
    """Tokens for a client's calls; without a token, calls go out without one."""

    def __init__(self, token: Token | None, *, timeout_s: float) -> None:
        """Keep a token or the function that returns one.

        Args:
            token: see `Token`; raises ValueError for a string that cannot be a token.
            timeout_s: longest wait for the function's answer, seconds.
        """
        self._token = check_token(token) if isinstance(token, str) else token
        self._timeout_s = timeout_s

    async def authorised(self, call: Callable[[Metadata], Awaitable[T]]) -> T:
        """Make a call with a token; once more if the server refuses it and there is another one by then.

        Raises TokenUnavailable where the function gives no token, and whatever `call` raises.
        """
        token = await self._fetch()
        try:
            return await call(_metadata(token))
        except Unauthenticated:
            fresh = await self._fetch()
            if fresh == token:
                raise
        return await call(_metadata(fresh))

    async def _fetch(self) -> str | None:
        if self._token is None or isinstance(self._token, str):
            return self._token
        try:
            async with asyncio.timeout(self._timeout_s):
                return check_token(await _ask(self._token))
        except FacegaugeError:
            raise
        except TimeoutError as error:
            raise TokenUnavailable(
                f"the token function gave no token within {self._timeout_s:g} s"
            ) from error
        except Exception as error:
            raise TokenUnavailable(
                f"the token function failed: {type(error).__name__}: {error}; it must return a token"
            ) from error


def check_token(token: object) -> str:
    """Return a token unchanged; raises ValueError, which does not quote it, for what cannot be one."""
    if not isinstance(token, str):
        raise ValueError(f"a token is a string, not {type(token).__name__}")
    if not token:
        raise ValueError("the token is empty")
    if not all("!" <= character <= "~" for character in token):
        raise ValueError("a token is printable ASCII without blanks or line breaks: strip what is around it")
    return token


def read_token(path: Path) -> str:
    """Read the token that is the only line of a file; raises TokenUnavailable with what is wrong with it."""
    try:
        with path.open("rb") as file:
            text = file.read(MAX_TOKEN_FILE_BYTES).decode("ascii").strip()
    except OSError as error:
        raise TokenUnavailable(f"cannot read the token file {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise TokenUnavailable(f"the token file {path} holds no token: it is not ASCII text") from error
    if not text:
        raise TokenUnavailable(f"the token file {path} is empty: it must hold one token")
    if (lines := len(text.splitlines())) > 1:
        raise TokenUnavailable(f"the token file {path} has {lines} lines: it must hold one token and no more")
    try:
        return check_token(text)
    except ValueError as error:
        raise TokenUnavailable(f"the token file {path} holds no token: {error}") from error


def is_local(target: str) -> bool:
    """Return whether a target of gRPC's surely stays on this machine."""
    if target.startswith(_LOCAL_SCHEMES):
        return True
    host = target.removeprefix("dns:///").rpartition(":")[0].removeprefix("[").removesuffix("]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _ask(function: Callable[[], str] | Callable[[], Awaitable[str]]) -> object:
    """Call the function; one that is not asynchronous may block, so it gets a thread."""
    if inspect.iscoroutinefunction(function):
        return await function()
    answer = await asyncio.to_thread(function)
    return await answer if inspect.isawaitable(answer) else answer


def _metadata(token: str | None) -> Metadata:
    return () if token is None else (("authorization", f"Bearer {token}"),)
