"""Bearer tokens in a file, one a line, read again when it changes."""

from __future__ import annotations

import hmac
from pathlib import Path

from facegauge_gateway.errors import BadConfiguration
from facegauge_gateway.log import Log

__all__ = ["TokenFile", "header_bytes"]

MIN_TOKEN_CHARS = 16
REREAD_INTERVAL_S = 1.0
"""Shortest time between two looks at the file."""

Stamp = tuple[int, int, int]


class TokenFile:
    """Any of the tokens opens the door: there are two while one is being replaced.

    A file that cannot be read as the gateway starts stops it; later, it is logged and the tokens stay as they
    were.
    """

    def __init__(self, flag: str, path: Path) -> None:
        """Read the file; raises BadConfiguration, which names the flag."""
        self.flag = flag
        self._path = path
        self._log = Log(flag=flag)
        self._checked_s: float | None = None
        self._stamp, self._tokens = self._read()

    def opens(self, authorization: str, now_s: float) -> bool:
        """Whether the value of an HTTP `Authorization` header holds a token; `now_s` is monotonic."""
        scheme, _, shown = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return False
        self._look(now_s)
        shown_bytes = header_bytes(shown.strip())
        matches = [hmac.compare_digest(token, shown_bytes) for token in self._tokens]
        return any(matches)

    def _look(self, now_s: float) -> None:
        if self._checked_s is not None and now_s - self._checked_s < REREAD_INTERVAL_S:
            return
        self._checked_s = now_s
        try:
            if self._stat() != self._stamp:
                self._stamp, self._tokens = self._read()
                self._log.info("tokens reread")
        except (OSError, BadConfiguration) as error:
            self._log.warning("tokens not reread", reason=str(error))

    def _read(self) -> tuple[Stamp, tuple[bytes, ...]]:
        try:
            stamp = self._stat()
            lines = self._path.read_bytes().splitlines()
        except OSError as error:
            raise BadConfiguration(f"{self.flag}: cannot read {self._path}: {error.strerror}") from error
        tokens = tuple(line.strip() for line in lines if line.strip())
        if not tokens or any(len(token) < MIN_TOKEN_CHARS for token in tokens):
            raise BadConfiguration(
                f"{self.flag} {self._path}: a token a line, of at least {MIN_TOKEN_CHARS} characters, such"
                " as `openssl rand -hex 32` makes"
            )
        return stamp, tokens

    def _stat(self) -> Stamp:
        status = self._path.stat()
        return status.st_mtime_ns, status.st_size, status.st_ino


def header_bytes(value: str) -> bytes:
    """Return the bytes that a header's value was sent as, UTF-8 or not: as aiohttp decodes them."""
    return value.encode(errors="surrogateescape")
