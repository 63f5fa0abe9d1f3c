"""Every call is made by somebody: a token, a certificate, or anyone where the server does not ask."""

from __future__ import annotations

import pytest

from facegauge_server.access.gatekeeper import Gatekeeper
from facegauge_server.access.identity import ANYONE, Right
from facegauge_server.access.keys import KeyFile
from facegauge_server.errors import Unauthenticated

from .conftest import SignToken, WriteKeys


def test_without_keys_and_certificates_anyone_calls() -> None:
    """The default on loopback."""
    gatekeeper = Gatekeeper(None)
    assert not gatekeeper.asks
    assert gatekeeper.identify([("authorization", "Bearer whatever")], {}, 0) is ANYONE


def test_a_token_is_asked_for(write_keys: WriteKeys, sign_token: SignToken) -> None:
    """With keys, a bearer token makes the identity, and a certificate does not replace it."""
    gatekeeper = Gatekeeper(KeyFile(write_keys()), by_certificate=True)
    metadata = [("user-agent", "x"), ("authorization", f"Bearer {sign_token()}")]
    assert gatekeeper.identify(metadata, {}, 0).tenant == "acme"
    for wrong in ([], [("authorization", "Basic abc")], [("authorization", b"Bearer x")]):
        with pytest.raises(Unauthenticated, match="authorization"):
            gatekeeper.identify(wrong, {"x509_common_name": [b"acme"]}, 0)


def test_a_client_certificate_names_the_tenant() -> None:
    """Its common name is the tenant, with every right."""
    gatekeeper = Gatekeeper(None, by_certificate=True)
    identity = gatekeeper.identify([], {"x509_common_name": [b"acme"]}, 0)
    assert (identity.tenant, identity.rights) == ("acme", frozenset(Right))
    by_mail = gatekeeper.identify([], {"x509_subject_alternative_name": [b"sfu@example.org"]}, 0)
    assert by_mail.tenant == "sfu@example.org"
    with pytest.raises(Unauthenticated, match="names nobody"):
        gatekeeper.identify([], {}, 0)
