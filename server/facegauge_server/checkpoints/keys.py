"""Keys that checkpoints are sealed with: a JSON Web Key Set that all replicas share, reread when it changes.

    {"keys": [{"kid": "2026-11", "kty": "oct", "alg": "A256GCM", "iat": 1764115200, "k": "..."}]}

All of them open. The newest seals, but only `SPREAD_S` after it was made (`iat`): by then every replica has
read it, so a key is rotated by adding one (`facegauge-token new-key`) and removing the old one an hour later.
Without a file a server has a key of its own, which ends with it.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass
from pathlib import Path

import jwt.utils

from facegauge_server.errors import BadConfiguration
from facegauge_server.watched_file import WatchedFiles

__all__ = ["ALGORITHM", "KEY_ID_BYTES", "SPREAD_S", "CheckpointKeys"]

FLAG = "--checkpoint-keys"
ALGORITHM = "A256GCM"
SECRET_BYTES = 32
KEY_ID_BYTES = 4
SPREAD_S = 300.0
"""Time that replicas may take to read a new key; a Secret of Kubernetes takes a minute or two."""


@dataclass(frozen=True, slots=True)
class _Key:
    id: bytes
    secret: bytes
    made_s: float
    """Unix time; 0 where it is not known."""

    @classmethod
    def of(cls, secret: bytes, made_s: float = 0.0) -> _Key:
        return cls(hashlib.sha256(b"facegauge key id" + secret).digest()[:KEY_ID_BYTES], secret, made_s)


class CheckpointKeys:
    """The keys of this server."""

    def __init__(self, path: Path | None) -> None:
        """Read the file; raises BadConfiguration with what is wrong with it."""
        self._own = [_Key.of(secrets.token_bytes(SECRET_BYTES))]
        self._file = None if path is None else WatchedFiles(FLAG, (path,), lambda: _read(path))

    def sealing(self, now_s: float) -> tuple[bytes, bytes]:
        """Return id and secret of the key to seal with; `now_s` is Unix time."""
        spread = [key for key in self._keys if key.made_s + SPREAD_S <= now_s]
        key = max(spread or self._keys[:1], key=lambda one: one.made_s)
        return key.id, key.secret

    def find(self, key_id: bytes) -> bytes | None:
        """Return the secret of a key, None where there is none."""
        return next((key.secret for key in self._keys if key.id == key_id), None)

    def refresh(self, now_s: float) -> None:
        """Take note of a changed file; `now_s` is monotonic time."""
        if self._file is not None:
            self._file.current(now_s)

    def reread(self) -> None:
        """Read the file again if it has changed."""
        if self._file is not None:
            self._file.reread()

    @property
    def _keys(self) -> list[_Key]:
        return self._own if self._file is None else self._file.value


def _read(path: Path) -> list[_Key]:
    try:
        entries = json.loads(path.read_text())["keys"]
        algorithms = {str(entry["alg"]) for entry in entries}
        keys = [
            _Key.of(jwt.utils.base64url_decode(entry["k"]), float(entry.get("iat", 0))) for entry in entries
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadConfiguration(f"{FLAG} {path} is no JSON Web Key Set: {error!r}") from error
    if not keys:
        raise BadConfiguration(f"{FLAG} {path} holds no key: make one with facegauge-token new-key")
    if algorithms != {ALGORITHM}:
        raise BadConfiguration(f"{FLAG} {path}: every key must be for {ALGORITHM}, not {sorted(algorithms)}")
    for key in keys:
        if len(key.secret) != SECRET_BYTES:
            raise BadConfiguration(
                f"{FLAG} {path}: a key has {len(key.secret)} bytes, {ALGORITHM} takes {SECRET_BYTES}"
            )
    return keys
