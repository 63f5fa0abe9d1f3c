"""Signatures as Standard Webhooks 1.0 has them: HMAC-SHA256 over id, time and body.

The time is that of the attempt, so that a receiver can refuse what is old, and the id stays the same, so that
it can refuse what it has had. Secrets are `whsec_` and base64, one a line of a file that is reread when it
changes; with several, each signs, so that a receiver can change from one to the next.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from pathlib import Path

from facegauge_server.errors import BadConfiguration
from facegauge_server.watched_file import WatchedFiles

__all__ = ["WebhookSecrets"]

FLAG = "--webhook-secret-file"
PREFIX = "whsec_"
MIN_BYTES, MAX_BYTES = 24, 64
"""Bounds of a secret's size by the specification."""
MAX_SECRETS = 4


class WebhookSecrets:
    """The secrets in force."""

    def __init__(self, path: Path) -> None:
        """Read the file; raises BadConfiguration with what is wrong with it."""
        self._secrets = WatchedFiles(FLAG, (path,), lambda: _read(path))

    def reread(self) -> None:
        """Read the file again if it has changed."""
        self._secrets.reread()

    def headers(self, event_id: str, body: bytes, unix_s: int, now_s: float) -> dict[str, str]:
        """Return the headers that prove a message; `now_s` is monotonic time, seconds."""
        signed = b".".join((event_id.encode(), str(unix_s).encode(), body))
        signatures = (
            hmac.new(secret, signed, hashlib.sha256).digest() for secret in self._secrets.current(now_s)
        )
        return {
            "webhook-id": event_id,
            "webhook-timestamp": str(unix_s),
            "webhook-signature": " ".join(f"v1,{base64.b64encode(one).decode()}" for one in signatures),
        }


def _read(path: Path) -> list[bytes]:
    secrets = [_parse(path, line.strip()) for line in path.read_text().splitlines() if line.strip()]
    if not 1 <= len(secrets) <= MAX_SECRETS:
        raise BadConfiguration(f"{FLAG} {path} must hold 1 to {MAX_SECRETS} secrets, one a line")
    return secrets


def _parse(path: Path, line: str) -> bytes:
    try:
        if not line.startswith(PREFIX):
            raise ValueError
        secret = base64.b64decode(line.removeprefix(PREFIX), validate=True)
    except (ValueError, binascii.Error):
        raise BadConfiguration(f"{FLAG} {path}: a secret is {PREFIX} and base64") from None
    if not MIN_BYTES <= len(secret) <= MAX_BYTES:
        raise BadConfiguration(
            f"{FLAG} {path}: a secret has {MIN_BYTES} to {MAX_BYTES} bytes, not {len(secret)}"
        )
    return secret
