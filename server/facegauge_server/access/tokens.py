"""Bearer tokens: JSON Web Tokens (RFC 7519) with claims for tenant, rights and calls.

    {"aud": "facegauge", "exp": 1764115200, "tenant": "acme", "rights": ["publish", "list"],
     "calls": ["standup"]}

`aud`, `exp`, `tenant` and `rights` are required. Without `calls` a token covers every call of its tenant.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import jwt

from facegauge_server.access.identity import Identity, Right
from facegauge_server.access.keys import KeyFile
from facegauge_server.errors import Unauthenticated

__all__ = ["AUDIENCE", "MAX_TOKEN_CHARS", "issue_token", "verify_token"]

AUDIENCE = "facegauge"
MAX_TOKEN_CHARS = 8192
"""Longer tokens are refused unread."""
LEEWAY_S = 30
"""Difference between the clocks of issuer and server that does not matter."""
MAX_CALLS = 256
MAX_LABEL_CHARS = 128
"""Characters of a tenant or a call id."""


def verify_token(token: str, keys: KeyFile, now_s: float) -> Identity:
    """Return who a token speaks for.

    Args:
        token: as it stands behind `Bearer `.
        keys: to verify it with.
        now_s: monotonic time, seconds; expiry is judged by the wall clock.

    Raises:
        Unauthenticated: the token is malformed, unsigned, expired, for another audience, or signed with a key
            that the server does not have.
    """
    if len(token) > MAX_TOKEN_CHARS:
        raise Unauthenticated(f"the token has more than {MAX_TOKEN_CHARS} characters")
    try:
        key_id = jwt.get_unverified_header(token).get("kid")
    except jwt.PyJWTError as error:
        raise Unauthenticated(f"the token is no JSON Web Token: {error}") from error
    key = keys.find(key_id, now_s) if isinstance(key_id, str) else None
    if key is None:
        raise Unauthenticated("the token's `kid` names no key of this server (--auth-keys)")
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=[key.algorithm_name],
            audience=AUDIENCE,
            leeway=LEEWAY_S,
            options={"require": ["exp", "aud"]},
        )
    except jwt.ExpiredSignatureError as error:
        raise Unauthenticated("the token has expired: ask for a new one") from error
    except jwt.PyJWTError as error:
        raise Unauthenticated(f"the token is refused: {error}") from error
    return _identity(claims)


def issue_token(key: jwt.PyJWK, identity: Identity, expires: datetime) -> str:
    """Sign a token for an identity with a secret or private key; for tests and small installations."""
    claims: dict[str, Any] = {
        "aud": AUDIENCE,
        "iat": datetime.now(tz=UTC),
        "exp": expires,
        "tenant": identity.tenant,
        "rights": sorted(identity.rights),
    }
    if identity.calls is not None:
        claims["calls"] = sorted(identity.calls)
    return jwt.encode(claims, key.key, algorithm=key.algorithm_name, headers={"kid": key.key_id})


def _identity(claims: dict[str, Any]) -> Identity:
    tenant, rights, calls = claims.get("tenant"), claims.get("rights"), claims.get("calls")
    if not _is_label(tenant):
        raise Unauthenticated(
            f"the token's claim `tenant` must be 1 to {MAX_LABEL_CHARS} printable characters"
        )
    known = {right.value for right in Right}
    if not isinstance(rights, list) or not all(isinstance(right, str) and right in known for right in rights):
        raise Unauthenticated(f"the token's claim `rights` must list some of: {', '.join(sorted(known))}")
    if calls is not None and (
        not isinstance(calls, list) or len(calls) > MAX_CALLS or not all(isinstance(c, str) for c in calls)
    ):
        raise Unauthenticated(f"the token's claim `calls` must list at most {MAX_CALLS} call ids")
    return Identity(
        tenant=str(tenant),
        rights=frozenset(Right(right) for right in rights),
        calls=None if calls is None else frozenset(calls),
    )


def _is_label(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_LABEL_CHARS and value.isprintable()
