"""Calls that are no streams, where the server is not there or not one of ours."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import numpy as np
import pytest
import trustme

from facegauge.v1 import quality_pb2_grpc
from facegauge_client import Client, FacegaugeError, ServerFailed, ServerUnavailable, ssl_credentials
from tests.client.conftest import ScriptedService

PICTURE = np.zeros((8, 8, 3), np.uint8)


async def watch(client: Client) -> None:
    async for _ in client.watch_streams():
        pass


async def monitor(client: Client) -> None:
    async with client.monitor("a"):
        pass


CALLS: list[Callable[[Client], Awaitable[Any]]] = [
    lambda client: client.assess_image(PICTURE),
    lambda client: client.list_streams(),
    lambda client: client.health(),
    watch,
    monitor,
]


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Takes connections and says nothing."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.mark.parametrize("call", CALLS)
async def test_a_server_that_is_not_there_is_named_with_the_way_out(
    call: Callable[[Client], Awaitable[Any]], closed_port: int
) -> None:
    """One sentence: which target, why, and how to start a server there."""
    says = (
        f"answers at 127.0.0.1:{closed_port} .connection refused.; start one with .facegauge-server --listen"
    )
    async with Client(f"127.0.0.1:{closed_port}") as client:
        with pytest.raises(ServerUnavailable, match=says):
            await call(client)


@pytest.mark.parametrize("call", CALLS)
async def test_a_peer_that_stays_silent_is_given_up_within_the_connect_timeout(
    call: Callable[[Client], Awaitable[Any]], silent_port: int
) -> None:
    """A port that takes connections but speaks no gRPC hangs nobody."""
    async with Client(f"127.0.0.1:{silent_port}", connect_timeout_s=0.3) as client:
        with pytest.raises(ServerUnavailable, match=r"no answer within 0\.3 s"):
            await call(client)


async def test_a_host_that_cannot_be_resolved_says_so() -> None:
    """A wrong name is told apart from a server that is down."""
    async with Client("no-such-host.invalid:50051") as client:
        with pytest.raises(ServerUnavailable, match=r"no-such-host\.invalid:50051"):
            await client.list_streams()


async def test_another_grpc_server_is_told_apart() -> None:
    """A server without our service gives an error that doubts the address."""
    server = grpc.aio.server()
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with Client(f"127.0.0.1:{port}") as client:
            with pytest.raises(ServerFailed, match="does not serve Facegauge's interface"):
                await client.list_streams()
            with pytest.raises(FacegaugeError, match="does not serve Facegauge's interface"):
                await monitor(client)
    finally:
        await server.stop(0)


async def test_a_client_outside_its_block_says_how_it_is_used() -> None:
    """The channel belongs to the block."""
    with pytest.raises(RuntimeError, match=r"async with Client\(...\) as client"):
        await Client().list_streams()


def test_half_a_certificate_is_refused(tmp_path: Path) -> None:
    """A certificate without its key, or a key alone, is a mistake and not a weaker connection."""
    with pytest.raises(ValueError, match="give both"):
        ssl_credentials(cert=tmp_path / "cert.pem")
    with pytest.raises(FileNotFoundError):
        ssl_credentials(ca=tmp_path / "ca.pem")


@pytest.fixture
async def tls_target(service: ScriptedService, tmp_path: Path) -> AsyncIterator[tuple[str, dict[str, Path]]]:
    """HOST:PORT of a service that asks its clients for a certificate, and the files that a client needs."""
    authority = trustme.CA()
    server_pair, client_pair = authority.issue_cert("127.0.0.1"), authority.issue_cert("client@example.org")
    files = {name: tmp_path / f"{name}.pem" for name in ("ca", "cert", "key")}
    authority.cert_pem.write_to_path(files["ca"])
    client_pair.cert_chain_pems[0].write_to_path(files["cert"])
    client_pair.private_key_pem.write_to_path(files["key"])
    server = grpc.aio.server()
    quality_pb2_grpc.add_QualityServiceServicer_to_server(service, server)
    pair = (server_pair.private_key_pem.bytes(), server_pair.cert_chain_pems[0].bytes())
    credentials = grpc.ssl_server_credentials([pair], authority.cert_pem.bytes(), require_client_auth=True)
    port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    yield f"127.0.0.1:{port}", files
    await server.stop(0)


async def test_tls_with_a_client_certificate(
    service: ScriptedService, tls_target: tuple[str, dict[str, Path]]
) -> None:
    """With the authority and the client's pair, a stream runs over TLS."""
    target, files = tls_target
    async with Client(target, ssl_credentials(**files)) as client, client.monitor("a") as stream:
        await stream.send(PICTURE)
    assert stream.summary is not None
    assert len(service.frames) == 1


@pytest.mark.parametrize("given", [None, ("ca",), ()])
async def test_a_wrong_tls_configuration_says_that_no_server_answers(
    tls_target: tuple[str, dict[str, Path]], given: tuple[str, ...] | None
) -> None:
    """Clear text, no client certificate, or an unknown authority: an error within the timeout, no hang."""
    target, files = tls_target
    credentials = None if given is None else ssl_credentials(**{name: files[name] for name in given})
    async with Client(target, credentials, connect_timeout_s=2) as client:
        with pytest.raises(ServerUnavailable, match=target):
            await monitor(client)
