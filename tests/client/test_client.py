"""Calls that are no streams, where the server is not there or not one of ours."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import grpc.aio
import numpy as np
import pytest

from facegauge_client import Client, FacegaugeError, ServerFailed, ServerUnavailable, ssl_credentials

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
