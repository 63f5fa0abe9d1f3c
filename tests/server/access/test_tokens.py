"""A token is worth what its signature, its times and its claims say, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from facegauge_server.access.identity import Identity, Right
from facegauge_server.access.keys import KeyFile
from facegauge_server.access.tokens import MAX_TOKEN_CHARS, verify_token
from facegauge_server.errors import Forbidden, Unauthenticated

from .conftest import PRIVATE_KEY, SignToken, WriteKeys, public_entry, secret_entry


def test_a_good_token_says_who_calls(write_keys: WriteKeys, sign_token: SignToken) -> None:
    """Tenant, rights and calls come from the claims."""
    token = sign_token(rights=["publish", "watch"], calls=["standup"])
    identity = verify_token(token, KeyFile(write_keys()), 0)
    assert identity == Identity("acme", frozenset({Right.PUBLISH, Right.WATCH}), frozenset({"standup"}))


def test_the_public_key_verifies_ed25519_tokens(write_keys: WriteKeys, sign_token: SignToken) -> None:
    """The server need not hold anything that signs."""
    token = sign_token("ed", PRIVATE_KEY, "EdDSA")
    assert verify_token(token, KeyFile(write_keys(public_entry())), 0).tenant == "acme"


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"exp": datetime.now(tz=UTC) - timedelta(minutes=5)}, "expired"),
        ({"nbf": datetime.now(tz=UTC) + timedelta(days=1)}, "refused"),  # much longer than a suite takes
        ({"exp": None}, "exp"),
        ({"aud": "another"}, "refused"),
        ({"aud": None}, "aud"),
        ({"tenant": None}, "tenant"),
        ({"tenant": ""}, "tenant"),
        ({"tenant": "a\nb"}, "tenant"),
        ({"tenant": "x" * 129}, "tenant"),
        ({"rights": None}, "rights"),
        ({"rights": "publish"}, "rights"),
        ({"rights": ["publish", "own"]}, "rights"),
        ({"rights": [{}]}, "rights"),
        ({"calls": "standup"}, "calls"),
        ({"calls": [1]}, "calls"),
        ({"calls": ["x"] * 257}, "calls"),
    ],
)
def test_wrong_claims_are_refused(
    claims: dict[str, Any], why: str, write_keys: WriteKeys, sign_token: SignToken
) -> None:
    """The message names the claim."""
    with pytest.raises(Unauthenticated, match=why):
        verify_token(sign_token(**claims), KeyFile(write_keys()), 0)


@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c", "e30.e30.", "\x00", "é" * 10])
def test_what_is_no_token_is_refused(token: str, write_keys: WriteKeys) -> None:
    """Garbage is the caller's error, never ours."""
    with pytest.raises(Unauthenticated, match=r"no JSON Web Token|kid"):
        verify_token(token, KeyFile(write_keys()), 0)


def test_long_tokens_are_refused_unread(write_keys: WriteKeys) -> None:
    """A caller without a token must not make the server parse megabytes."""
    with pytest.raises(Unauthenticated, match="characters"):
        verify_token("x" * (MAX_TOKEN_CHARS + 1), KeyFile(write_keys()), 0)


def test_a_signature_must_be_of_the_named_key_and_its_algorithm(
    write_keys: WriteKeys, sign_token: SignToken
) -> None:
    """Neither another key, nor `none`, nor the public key used as a secret gets in."""
    keys = KeyFile(write_keys())
    forged = [
        sign_token("one", b"9" * 32),
        sign_token("two"),
        sign_token("ed", b"3" * 32),
        sign_token("one", algorithm="none"),
        sign_token("one", headers={"kid": "none"}),
    ]
    for token in forged:
        with pytest.raises(Unauthenticated):
            verify_token(token, keys, 0)


def test_a_key_is_rotated_without_a_restart(write_keys: WriteKeys, sign_token: SignToken) -> None:
    """A changed key file counts within a second: the new key is taken, the old one is not any more."""
    keys = KeyFile(write_keys(secret_entry("one")))
    verify_token(sign_token("one"), keys, 0.0)
    write_keys(secret_entry("two"), secret_entry("one", b"x" * 40))
    verify_token(sign_token("two"), keys, 1.0)
    with pytest.raises(Unauthenticated):
        verify_token(sign_token("one"), keys, 1.0)


def test_rights_and_calls_are_required() -> None:
    """A caller does what its token lists only."""
    identity = Identity("acme", frozenset({Right.LIST}), frozenset({"standup"}))
    identity.require(Right.LIST)
    identity.require_call("standup")
    with pytest.raises(Forbidden, match="'publish'"):
        identity.require(Right.PUBLISH)
    with pytest.raises(Forbidden, match="'other'"):
        identity.require_call("other")
