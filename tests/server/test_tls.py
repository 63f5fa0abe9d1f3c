"""Faces travel encrypted where the operator asks for it."""

from __future__ import annotations

from pathlib import Path

import grpc
import pytest
import trustme

from facegauge.v1 import quality_pb2 as pb
from facegauge.v1 import quality_pb2_grpc
from facegauge_server.app import App
from facegauge_server.config import Tls
from facegauge_server.errors import BadConfiguration

from .conftest import StartServer


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(authority: trustme.CA, tmp_path: Path) -> Tls:
    """A certificate for loopback, signed by the authority, as files."""
    certificate = authority.issue_cert("127.0.0.1")
    files = Tls(tmp_path / "cert.pem", tmp_path / "key.pem", tmp_path / "ca.pem")
    certificate.cert_chain_pems[0].write_to_path(files.certificate)
    certificate.private_key_pem.write_to_path(files.key)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return files


async def ask(app: App, credentials: grpc.ChannelCredentials | None) -> int:
    """List the streams over a channel; raises AioRpcError where the server does not take it."""
    address = str(app.listen)
    open_channel = grpc.aio.insecure_channel(address)
    if credentials is not None:
        open_channel = grpc.aio.secure_channel(address, credentials)
    async with open_channel as channel:
        stub = quality_pb2_grpc.QualityServiceStub(channel)
        return (await stub.ListStreams(pb.ListStreamsRequest(), timeout=60)).total


async def test_tls_is_spoken_and_clear_text_is_not(
    start_server: StartServer, tls: Tls, authority: trustme.CA
) -> None:
    """With a certificate the server answers clients that trust it, and nobody in clear."""
    app = await start_server(tls=Tls(tls.certificate, tls.key))
    assert await ask(app, grpc.ssl_channel_credentials(authority.cert_pem.bytes())) == 0
    with pytest.raises(grpc.aio.AioRpcError):
        await ask(app, None)


async def test_clients_show_a_certificate_where_one_is_asked_for(
    start_server: StartServer, tls: Tls, authority: trustme.CA
) -> None:
    """With --tls-client-ca only clients with a certificate of that authority get in."""
    app = await start_server(tls=tls)
    known = authority.issue_cert("client@example.org")
    pair = (known.private_key_pem.bytes(), known.cert_chain_pems[0].bytes())
    assert await ask(app, grpc.ssl_channel_credentials(authority.cert_pem.bytes(), *pair)) == 0
    with pytest.raises(grpc.aio.AioRpcError):
        await ask(app, grpc.ssl_channel_credentials(authority.cert_pem.bytes()))


async def test_a_missing_certificate_is_named(start_server: StartServer, tmp_path: Path) -> None:
    """A file that is not there stops the server with its name."""
    with pytest.raises(BadConfiguration, match=r"no-cert\.pem"):
        await start_server(tls=Tls(tmp_path / "no-cert.pem", tmp_path / "no-key.pem"))


async def test_a_damaged_certificate_is_an_error_not_a_silent_server(
    start_server: StartServer, tls: Tls
) -> None:
    """A file that holds no certificate stops the server too."""
    tls.certificate.write_text("not a certificate")
    with pytest.raises(BadConfiguration, match=r"cert\.pem"):
        await start_server(tls=tls)
