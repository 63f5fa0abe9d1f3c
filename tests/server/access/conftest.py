"""Key sets in files, and tokens signed with them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import HMACAlgorithm, OKPAlgorithm

SignToken = Callable[..., str]
WriteKeys = Callable[..., Path]

SECRETS = {"one": b"1" * 32, "two": b"2" * 32}
PRIVATE_KEY = Ed25519PrivateKey.from_private_bytes(b"3" * 32)


def secret_entry(key_id: str, secret: bytes | None = None) -> dict[str, Any]:
    """An HS256 key as a key set holds it."""
    entry = HMACAlgorithm.to_jwk(secret or SECRETS[key_id], as_dict=True)
    return {"kid": key_id, "alg": "HS256", **entry}


def public_entry(key_id: str = "ed") -> dict[str, Any]:
    """An Ed25519 public key as a key set holds it."""
    return {"kid": key_id, "alg": "EdDSA", **OKPAlgorithm.to_jwk(PRIVATE_KEY.public_key(), as_dict=True)}


@pytest.fixture
def write_keys(tmp_path: Path) -> WriteKeys:
    """Writes a key set; by default with the keys `one` and `ed`."""

    def write(*entries: dict[str, Any], name: str = "keys.json") -> Path:
        path = tmp_path / name
        path.write_text(json.dumps({"keys": list(entries) or [secret_entry("one"), public_entry()]}))
        return path

    return write


@pytest.fixture
def sign_token() -> SignToken:
    """Signs claims, valid ones unless they are changed; None leaves a claim out."""

    def sign(
        key_id: str = "one", key: Any = None, algorithm: str = "HS256", headers: Any = None, **claims: Any
    ) -> str:
        whole = {
            "aud": "facegauge",
            "exp": datetime.now(tz=UTC) + timedelta(minutes=5),
            "tenant": "acme",
            "rights": ["publish"],
            **claims,
        }
        present = {name: value for name, value in whole.items() if value is not None}
        signing_key: Any = None if algorithm == "none" else key or SECRETS[key_id]
        return jwt.encode(present, signing_key, algorithm, headers={"kid": key_id} | (headers or {}))

    return sign
