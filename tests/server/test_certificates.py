"""A renewed certificate counts without a restart, and a damaged one changes nothing."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme

from facegauge_server.config import Tls
from facegauge_server.errors import BadConfiguration
from facegauge_server.tls import Certificates


def write(certificate: trustme.LeafCert, folder: Path) -> Tls:
    tls = Tls(folder / "cert.pem", folder / "key.pem")
    certificate.private_key_pem.write_to_path(tls.key)
    certificate.cert_chain_pems[0].write_to_path(tls.certificate)
    return tls


def serial_shown(server: ssl.SSLContext, ca: trustme.CA) -> str:
    """Shake hands in memory; return the serial number of the certificate that the server shows."""
    client_context = ssl.create_default_context()
    ca.configure_trust(client_context)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname="localhost")
    peer = server.wrap_bio(to_server, to_client, server_side=True)
    done: set[int] = set()
    while len(done) < 2:
        for number, side in enumerate((client, peer)):
            try:
                side.do_handshake()
                done.add(number)
            except ssl.SSLWantReadError:
                pass
    certificate = client.getpeercert()
    assert certificate is not None
    return str(certificate["serialNumber"])


def test_http_shows_the_renewed_certificate(tmp_path: Path) -> None:
    """New connections get what is on disk, once it is whole."""
    ca = trustme.CA()
    certificates = Certificates(write(ca.issue_cert("localhost"), tmp_path))
    context = certificates.for_http()
    first = serial_shown(context, ca)
    renewed = ca.issue_cert("localhost")
    renewed.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")  # the key is still the old one
    certificates.reread()
    certificates.refresh(now_s=1e9)
    assert serial_shown(context, ca) == first
    write(renewed, tmp_path)
    certificates.reread()
    certificates.refresh(now_s=2e9)
    assert serial_shown(context, ca) != first


@pytest.mark.parametrize("broken", ["cert.pem", "key.pem"])
def test_files_that_do_not_fit_stop_the_start(broken: str, tmp_path: Path) -> None:
    """The message names them."""
    tls = write(trustme.CA().issue_cert("localhost"), tmp_path)
    (tmp_path / broken).write_text("no PEM")
    with pytest.raises(BadConfiguration, match=r"cert\.pem"):
        Certificates(tls)
    (tmp_path / broken).unlink()
    with pytest.raises(BadConfiguration, match="--tls-cert"):
        Certificates(tls)
