"""Events over https: only to a receiver whose certificate an authority of the operator's has issued."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme

from facegauge_server.errors import BadConfiguration
from facegauge_server.webhook.trust import WebhookTrust

from .receiver import receiving, write_secret
from .test_sender import sending

HERE = "127.0.0.1"


def certified(authority: trustme.CA, name: str = HERE) -> ssl.SSLContext:
    """What a receiver shows."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    return context


def write_ca(folder: Path, authority: trustme.CA) -> Path:
    """The file of --webhook-ca."""
    path = folder / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


async def test_a_receiver_of_the_operators_own_authority_is_trusted(tmp_path: Path) -> None:
    """With its certificate in the file, events arrive."""
    authority = trustme.CA()
    trust = WebhookTrust(write_ca(tmp_path, authority))
    async with receiving(200, tls=certified(authority)) as receiver:
        assert receiver.url.startswith("https://")
        async with sending(receiver, write_secret(tmp_path), trust=trust) as run:
            await run.send(2)
    assert receiver.paths == {"/hook": 2}
    assert run.counts == {"delivered": 2}


@pytest.mark.parametrize("wrong", ["another authority's", "another host's", "not in the system"])
async def test_a_certificate_that_is_not_trusted_is_a_failed_delivery(wrong: str, tmp_path: Path) -> None:
    """It is tried again, since it may be renewed, then counted as failed; nothing is sent to its holder."""
    known, other = trustme.CA(), trustme.CA()
    shown = {
        "another authority's": certified(other),
        "another host's": certified(known, "elsewhere.example"),
        "not in the system": certified(known),
    }[wrong]
    trust = None if wrong == "not in the system" else WebhookTrust(write_ca(tmp_path, known))
    async with receiving(200, tls=shown) as receiver:
        async with sending(
            receiver, write_secret(tmp_path), delays_s=lambda: iter((0.0, 0.0)), trust=trust
        ) as run:
            await run.send(1)
    assert not receiver.requests
    assert run.counts == {"retry": 2, "failed": 1}


async def test_a_renewed_authority_counts_without_a_restart(tmp_path: Path) -> None:
    """What is damaged meanwhile changes nothing."""
    old, new = trustme.CA(), trustme.CA()
    trust = WebhookTrust(write_ca(tmp_path, old))
    (tmp_path / "ca.pem").write_text("no certificate")
    trust.reread()
    async with receiving(200, tls=certified(old)) as receiver:
        async with sending(receiver, write_secret(tmp_path), trust=trust) as run:
            await run.send(1)
    assert run.counts == {"delivered": 1}
    write_ca(tmp_path, new)
    trust.reread()
    async with receiving(200, tls=certified(new)) as receiver:
        async with sending(receiver, write_secret(tmp_path), trust=trust) as run:
            await run.send(1)
    assert run.counts == {"delivered": 1}


@pytest.mark.parametrize("content", ["", "no certificate", "-----BEGIN CERTIFICATE-----\n\x00"])
def test_a_file_without_certificates_stops_the_start(content: str, tmp_path: Path) -> None:
    """The message names the flag and the file."""
    path = tmp_path / "ca.pem"
    path.write_text(content)
    with pytest.raises(BadConfiguration, match=r"--webhook-ca .*ca\.pem"):
        WebhookTrust(path)
    with pytest.raises(BadConfiguration, match="--webhook-ca: cannot read"):
        WebhookTrust(tmp_path / "absent.pem")
