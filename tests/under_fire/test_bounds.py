"""Bounds on what clients may open, against the real server's process."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import grpc
import psutil
import pytest

from bench.server import server_process
from facegauge.v1 import quality_pb2 as pb
from facegauge.v1 import quality_pb2_grpc

MAX_CONNECTIONS = 8


async def _closed(reader: asyncio.StreamReader) -> bool:
    """Whether the server closes a connection that says nothing, rather than send its settings."""
    try:
        async with asyncio.timeout(30):
            return not await reader.read(1)
    except ConnectionResetError:
        return True


@pytest.mark.slow
async def test_connections_beyond_the_limit_are_closed() -> None:
    """Those within it go on, and room that is given back can be had again (--max-connections)."""
    with server_process("--max-connections", str(MAX_CONNECTIONS)) as server:
        host, _, port = server.target.rpartition(":")

        async def connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            return await asyncio.open_connection(host, int(port))

        async with grpc.aio.insecure_channel(server.target) as channel:
            stub = quality_pb2_grpc.QualityServiceStub(channel)
            await stub.ListStreams(pb.ListStreamsRequest())
            async with AsyncExitStack() as stack:
                crowd = [await connect() for _ in range(4 * MAX_CONNECTIONS)]
                for _, writer in crowd:
                    stack.callback(writer.transport.abort)
                closed = await asyncio.gather(*(_closed(reader) for reader, _ in crowd))
                assert sum(not one for one in closed) == MAX_CONNECTIONS - 1
                assert len(server.process.net_connections()) < 2 * MAX_CONNECTIONS
                await stub.ListStreams(pb.ListStreamsRequest())
        async with asyncio.timeout(30), grpc.aio.insecure_channel(server.target) as channel:
            await quality_pb2_grpc.QualityServiceStub(channel).ListStreams(
                pb.ListStreamsRequest(), wait_for_ready=True
            )
        assert server.process.status() != psutil.STATUS_ZOMBIE
