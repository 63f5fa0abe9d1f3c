"""Keys that tokens are verified with: a JSON Web Key Set (RFC 7517) in a file that is reread when it changes.

    {"keys": [{"kid": "2026-11", "kty": "oct", "alg": "HS256", "k": "..."},
              {"kid": "issuer-1", "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": "..."}]}

A key is rotated by adding the new one, issuing tokens with its `kid`, and removing the old one once its last
token has expired.
"""

from __future__ import annotations

import json
from pathlib import Path

import jwt

from facegauge_server.errors import BadConfiguration
from facegauge_server.watched_file import WatchedFiles

__all__ = ["ALGORITHMS", "KeyFile"]

FLAG = "--auth-keys"
ALGORITHMS = ("HS256", "EdDSA")
MIN_SECRET_BYTES = 32
"""Shortest secret for HS256 (RFC 7518, section 3.2)."""


class KeyFile:
    """Verification keys by their key id."""

    def __init__(self, path: Path) -> None:
        """Read the file; raises BadConfiguration with what is wrong with it."""
        self._keys = WatchedFiles(FLAG, (path,), lambda: _read(path))

    def find(self, key_id: str, now_s: float) -> jwt.PyJWK | None:
        """Return the key with an id, None where there is none; `now_s` is monotonic time."""
        return self._keys.current(now_s).get(key_id)

    def reread(self) -> None:
        """Read the file again if it has changed."""
        self._keys.reread()


def _read(path: Path) -> dict[str, jwt.PyJWK]:
    try:
        entries = json.loads(path.read_text())["keys"]
        keys = {str(entry["kid"]): jwt.PyJWK.from_dict(entry) for entry in entries}
    except (ValueError, KeyError, TypeError, AttributeError, jwt.PyJWTError) as error:
        raise BadConfiguration(
            f"{FLAG} {path} is no JSON Web Key Set whose keys all have a `kid`: {error!r}"
        ) from error
    if not keys:
        raise BadConfiguration(f"{FLAG} {path} holds no key")
    for key_id, key in keys.items():
        if key.algorithm_name not in ALGORITHMS:
            raise BadConfiguration(
                f"{FLAG} {path}: key {key_id!r} is for {key.algorithm_name}, the server verifies "
                f"{' and '.join(ALGORITHMS)}"
            )
        if key.algorithm_name == "HS256" and len(key.key) < MIN_SECRET_BYTES:
            raise BadConfiguration(
                f"{FLAG} {path}: the secret of key {key_id!r} has {len(key.key)} bytes, HS256 needs at "
                f"least {MIN_SECRET_BYTES}"
            )
    return keys
