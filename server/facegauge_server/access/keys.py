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
import structlog

from facegauge_server.errors import BadConfiguration

__all__ = ["ALGORITHMS", "KeyFile"]

ALGORITHMS = ("HS256", "EdDSA")
MIN_SECRET_BYTES = 32
"""Shortest secret for HS256 (RFC 7518, section 3.2)."""
REREAD_INTERVAL_S = 1.0
"""Shortest time between two looks at the file's modification time."""

Stamp = tuple[int, int, int]


class KeyFile:
    """Verification keys by their key id."""

    def __init__(self, path: Path) -> None:
        """Read the file; raises BadConfiguration with what is wrong with it."""
        self._path = path
        self._stamp = _stamp(path)
        self._keys = _read(path)
        self._checked_s: float | None = None

    def find(self, key_id: str, now_s: float) -> jwt.PyJWK | None:
        """Return the key with an id, None where there is none; `now_s` is monotonic time."""
        if self._checked_s is None or now_s - self._checked_s >= REREAD_INTERVAL_S:
            self._checked_s = now_s
            self.reread()
        return self._keys.get(key_id)

    def reread(self) -> None:
        """Read the file again if it has changed; a damaged one is logged, and the keys stay as they were."""
        try:
            stamp = _stamp(self._path)
            if stamp == self._stamp:
                return
            self._keys, self._stamp = _read(self._path), stamp
        except BadConfiguration as error:
            structlog.get_logger().error("keys not reread: the earlier ones stay", reason=str(error))


def _stamp(path: Path) -> Stamp:
    try:
        status = path.stat()
    except OSError as error:
        raise BadConfiguration(f"cannot read --auth-keys {path}: {error.strerror}") from error
    return status.st_mtime_ns, status.st_size, status.st_ino


def _read(path: Path) -> dict[str, jwt.PyJWK]:
    try:
        entries = json.loads(path.read_text())["keys"]
        keys = {str(entry["kid"]): jwt.PyJWK.from_dict(entry) for entry in entries}
    except OSError as error:
        raise BadConfiguration(f"cannot read --auth-keys {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError, jwt.PyJWTError) as error:
        raise BadConfiguration(
            f"--auth-keys {path} is no JSON Web Key Set whose keys all have a `kid`: {error!r}"
        ) from error
    if not keys:
        raise BadConfiguration(f"--auth-keys {path} holds no key")
    for key_id, key in keys.items():
        if key.algorithm_name not in ALGORITHMS:
            raise BadConfiguration(
                f"--auth-keys {path}: key {key_id!r} is for {key.algorithm_name}, the server verifies "
                f"{' and '.join(ALGORITHMS)}"
            )
        if key.algorithm_name == "HS256" and len(key.key) < MIN_SECRET_BYTES:
            raise BadConfiguration(
                f"--auth-keys {path}: the secret of key {key_id!r} has {len(key.key)} bytes, HS256 needs at "
                f"least {MIN_SECRET_BYTES}"
            )
    return keys
