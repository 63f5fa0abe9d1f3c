"""A server in trouble loses frames that are under way, and nothing else."""

from __future__ import annotations

import asyncio

import pytest
from rich.console import Console

from tests.under_fire.chaos import chaos
from tests.under_fire.cutting_proxy import cutting_proxy
from tests.under_fire.faults import FAULTS


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.siege
@pytest.mark.timeout(400)
async def test_one_of_each_fault() -> None:
    """Nothing hangs, no call ends unasked, no code blames nobody, no frame is lost without a fault."""
    report = await chaos(duration_s=0, seed=1, log=Console(stderr=True))
    assert {struck.name for struck in report.struck} == set(FAULTS)
    assert report.workers_killed
    assert report.faults == []


async def test_a_proxy_passes_on_holds_and_cuts() -> None:
    """What the chaos run relies on."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, cutting_proxy(f"127.0.0.1:{port}") as proxy, asyncio.timeout(30):
        host, _, proxy_port = proxy.address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(proxy_port))
        writer.write(b"through")
        assert await reader.readexactly(7) == b"through"
        proxy.hold()
        writer.write(b"later")
        reading = asyncio.create_task(reader.readexactly(5))
        await asyncio.sleep(0)
        assert not reading.done()
        proxy.release()
        assert await reading == b"later"
        assert proxy.cut() == 1
        with pytest.raises(ConnectionResetError):
            await reader.read(1)
        writer.transport.abort()
