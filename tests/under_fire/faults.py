"""Faults that the chaos run injects, one at a time, each over within some seconds."""

from __future__ import annotations

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

import grpc

from facegauge.v1 import quality_pb2 as pb
from facegauge.v1 import quality_pb2_grpc
from tests.under_fire.chaos_server import ChaosServer, LogDisk
from tests.under_fire.cutting_proxy import CuttingProxy
from tests.under_fire.slowdown import slowdown

__all__ = ["FAULTS", "Field", "Hang"]

CLIENTS = 10
HOLD_S = 4.0
DELAY_S = 0.2
DRAIN_LIMIT_S = 20.0
"""How long a server may take to end after SIGTERM: its grace, its margin, and more for a busy machine."""
OPTIONS = [("grpc.use_local_subchannel_pool", 1)]


class Hang(Exception):
    """Something did not end or answer in its time."""


@dataclass(slots=True)
class Field:
    """What faults act upon, and what they note."""

    server: ChaosServer
    proxy: CuttingProxy
    disk: LogDisk
    chance: random.Random
    picture: bytes
    """A JPEG with a face."""
    codes: Counter[str] = field(default_factory=Counter)
    """How the calls of ill-behaved clients ended."""
    number: int = 0
    before_restart: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

    def stream_id(self, name: str) -> str:
        """Return an id that no stream had."""
        self.number += 1
        return f"{name}-{self.number}"

    def note_end(self, fault: str, error: grpc.aio.AioRpcError | None) -> None:
        """Count how a call of an ill-behaved client ended."""
        self.codes[f"{fault}: {error.code().name if error else 'OK'}"] += 1


Fault = Callable[[Field], Awaitable[None]]


async def clients_vanish(field: Field) -> None:
    """Ten clients send a frame each and break their connections without a word."""
    proxied = [field.proxy.address] * (CLIENTS // 2)
    direct = [field.server.target] * (CLIENTS - len(proxied))
    channels = [grpc.aio.insecure_channel(target, options=OPTIONS) for target in (*proxied, *direct)]
    calls = [await _opened(channel, field, "vanishing") for channel in channels]
    await asyncio.gather(*(_send_frame(call, field, sequence=0) for call in calls if call is not None))
    field.proxy.cut()
    for channel in channels:
        await channel.close(grace=None)


async def clients_stall(field: Field) -> None:
    """Ten clients stop in the middle: of HTTP/2's preface, before a configuration, in a stream."""
    host, _, port = field.server.target.rpartition(":")
    openings = (b"", b"PRI * HT", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET / HTTP/1.1\r\n")
    raw = [await asyncio.open_connection(host, int(port)) for _ in openings]
    for (_, writer), opening in zip(raw, openings, strict=True):
        writer.write(opening)
    async with grpc.aio.insecure_channel(field.server.target, options=OPTIONS) as channel:
        stub = quality_pb2_grpc.QualityServiceStub(channel)
        silent = [stub.MonitorStream() for _ in range(3)]
        opened = [await _opened(channel, field, "stalling") for _ in range(3)]
        await asyncio.sleep(HOLD_S)  # the fault's time
        for call in (*silent, *opened):
            if call is not None:
                call.cancel()
    for _, writer in raw:
        writer.transport.abort()


async def clients_never_read(field: Field) -> None:
    """Five clients send frames as fast as they go out, and read no answer."""

    async def flood(channel: grpc.aio.Channel) -> None:
        call = await _opened(channel, field, "unread", pb.DELIVERY_COMPLETE)
        if call is None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(HOLD_S):
                for sequence in range(10_000):
                    await _send_frame(call, field, sequence)
        call.cancel()

    channels = [grpc.aio.insecure_channel(field.server.target, options=OPTIONS) for _ in range(5)]
    await asyncio.gather(*(flood(channel) for channel in channels))
    for channel in channels:
        await channel.close(grace=None)


async def server_is_stopped(field: Field) -> None:
    """The server's process stands still for some seconds (SIGSTOP), then goes on."""
    field.server.send_signal(signal.SIGSTOP)
    await asyncio.sleep(3.0)  # the fault's time
    field.server.send_signal(signal.SIGCONT)


async def connections_are_cut(field: Field) -> None:
    """The proxy resets its connections, three times."""
    for _ in range(3):
        field.proxy.cut()
        await asyncio.sleep(1.5)  # time for the calls to come back, and be cut again


async def network_is_slow(field: Field) -> None:
    """The proxy passes everything on late."""
    field.proxy.delay_s = DELAY_S
    await asyncio.sleep(HOLD_S)  # the fault's time
    field.proxy.delay_s = 0.0


async def network_is_silent(field: Field) -> None:
    """The proxy lets nothing through for some seconds, then everything."""
    field.proxy.hold()
    await asyncio.sleep(HOLD_S)  # the fault's time
    field.proxy.release()


async def log_disk_is_full(field: Field) -> None:
    """The disk of the server's log is full while streams come and go and bad frames arrive."""
    field.disk.fill()
    async with grpc.aio.insecure_channel(field.server.target, options=OPTIONS) as channel:
        for _ in range(CLIENTS):
            call = await _opened(channel, field, "unlogged")
            if call is None:
                continue
            with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
                await call.write(pb.MonitorStreamRequest(frame=pb.Frame(data=b"no picture")))
                await call.done_writing()
                while await asyncio.wait_for(call.read(), DRAIN_LIMIT_S * slowdown()) is not grpc.aio.EOF:
                    pass
            field.codes[f"log disk full: {(await call.code()).name}"] += 1
    field.disk.clear()


async def server_is_terminated(field: Field) -> None:
    """The server gets SIGTERM while calls go on, ends by itself, and is started again."""
    for step in field.before_restart:
        await step()
    field.server.send_signal(signal.SIGTERM)
    limit_s = DRAIN_LIMIT_S * slowdown()
    try:
        exit_code = await field.server.ended(limit_s)
    except TimeoutError:
        raise Hang(f"the server did not end within {limit_s:.0f} s of SIGTERM") from None
    field.codes[f"SIGTERM: exit code {exit_code}"] += 1
    await field.server.start()


FAULTS: dict[str, Fault] = {
    fault.__name__.replace("_", " "): fault
    for fault in (
        clients_vanish,
        clients_stall,
        clients_never_read,
        server_is_stopped,
        connections_are_cut,
        network_is_slow,
        network_is_silent,
        log_disk_is_full,
        server_is_terminated,
    )
}


async def _opened(
    channel: grpc.aio.Channel,
    field: Field,
    name: str,
    delivery: pb.Delivery.ValueType = pb.DELIVERY_LIVE,
) -> grpc.aio.StreamStreamCall[pb.MonitorStreamRequest, pb.MonitorStreamResponse] | None:
    """Open a stream; None, and its code noted, where the server does not take it."""
    call = quality_pb2_grpc.QualityServiceStub(channel).MonitorStream()
    config = pb.StreamConfig(stream_id=field.stream_id(name), delivery=delivery)
    limit_s = DRAIN_LIMIT_S * slowdown()
    try:
        await call.write(pb.MonitorStreamRequest(config=config))
        await asyncio.wait_for(call.read(), limit_s)
    except TimeoutError:
        call.cancel()
        raise Hang(f"a stream was not answered within {limit_s:.0f} s") from None
    except grpc.aio.AioRpcError as error:
        field.note_end(name, error)
        return None
    except asyncio.InvalidStateError:
        field.codes[f"{name}: {(await call.code()).name}"] += 1
        return None
    field.codes[f"{name}: accepted"] += 1
    return call


async def _send_frame(
    call: grpc.aio.StreamStreamCall[pb.MonitorStreamRequest, pb.MonitorStreamResponse],
    field: Field,
    sequence: int,
) -> None:
    frame = pb.Frame(sequence=sequence, capture_time_s=sequence / 10, data=field.picture)
    with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
        await call.write(pb.MonitorStreamRequest(frame=frame))
