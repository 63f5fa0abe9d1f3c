"""Whom a webhook's receiver must be certified by: the system's authorities, or the operator's own."""

from __future__ import annotations

import ssl
from pathlib import Path

from facegauge_server.errors import BadConfiguration
from facegauge_server.watched_file import WatchedFiles

__all__ = ["WebhookTrust"]

FLAG = "--webhook-ca"


class WebhookTrust:
    """The certificates that are trusted, in place of the system's."""

    def __init__(self, path: Path) -> None:
        """Read the file; raises BadConfiguration with what is wrong with it."""
        self._context = WatchedFiles(FLAG, (path,), lambda: _read(path))

    def reread(self) -> None:
        """Read the file again if it has changed."""
        self._context.reread()

    def context(self, now_s: float) -> ssl.SSLContext:
        """Return what a receiver is verified by; `now_s` is monotonic time, seconds."""
        return self._context.current(now_s)


def _read(path: Path) -> ssl.SSLContext:
    pem = path.read_text(encoding="ascii", errors="ignore")  # what stands between certificates is comment
    # create_default_context would trust the system where there is nothing in the file.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError) as error:
        raise BadConfiguration(f"{FLAG} {path} holds no certificates as PEM") from error
    return context
