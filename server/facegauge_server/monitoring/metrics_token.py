"""The token that scrapers show, where /metrics can be reached from other machines."""

from __future__ import annotations

import hmac
from pathlib import Path

from facegauge_server.errors import BadConfiguration
from facegauge_server.watched_file import WatchedFiles

__all__ = ["MetricsToken"]

FLAG = "--metrics-token-file"
MIN_TOKEN_CHARS = 16


class MetricsToken:
    """Tokens in a file, one a line, any of which opens /metrics: two while one is being replaced."""

    def __init__(self, path: Path) -> None:
        """Read the file; raises BadConfiguration with what is wrong with it."""
        self._tokens = WatchedFiles(FLAG, (path,), lambda: _read(path))

    def opens(self, authorization: str, now_s: float) -> bool:
        """Return whether the value of an HTTP `Authorization` header holds one of the tokens."""
        scheme, _, shown = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return False
        matches = [hmac.compare_digest(token, shown.encode()) for token in self._tokens.current(now_s)]
        return any(matches)

    def reread(self) -> None:
        """Read the file again if it has changed."""
        self._tokens.reread()


def _read(path: Path) -> tuple[bytes, ...]:
    tokens = tuple(line.strip() for line in path.read_bytes().splitlines() if line.strip())
    if not tokens or any(len(token) < MIN_TOKEN_CHARS for token in tokens):
        raise BadConfiguration(
            f"{FLAG} {path}: a token a line, of at least {MIN_TOKEN_CHARS} characters, such as `openssl rand "
            "-hex 32` makes"
        )
    return tokens
