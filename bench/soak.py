"""Let streams come and go for half an hour, and watch what the server keeps of them.

    uv run --group dev python -m bench.soak --minutes 30 --opened 10000

A few calls stay for the whole time; short ones open, send some frames and close, or vanish in the middle of a
frame. Told every minute are the server's resident memory, threads, file descriptors and series. The last line
is the slope of the memory over the second half, by least squares, when caches have filled.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import grpc
import numpy as np

from bench.frames import call_frames
from bench.load import play_calls
from bench.server import Server, server_process
from facegauge.v1 import quality_pb2 as pb
from facegauge.v1 import quality_pb2_grpc

__all__ = ["main"]

FRAMES = 20
FRAMES_A_STREAM = 3
VANISHING_SHARE = 0.2
STAYING = 4
STAYING_FPS = 2.0


@dataclass(frozen=True, slots=True)
class Sample:
    """The server at one moment."""

    elapsed_s: float
    opened: int
    resident_mib: float
    threads: int
    descriptors: int
    stream_series: int


@click.command(context_settings={"show_default": True})
@click.option("--minutes", default=30.0)
@click.option("--opened", default=10_000, help="Streams opened and closed in that time.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write all samples here.")
@click.argument("server_flags", nargs=-1)
def main(minutes: float, opened: int, json_path: Path | None, server_flags: tuple[str, ...]) -> None:
    """Open and close streams for a long time, and watch what the server keeps of them."""
    frames = call_frames(FRAMES)
    with server_process(*server_flags) as server:
        samples = asyncio.run(_soak(server, frames, minutes * 60, opened))
    later = [sample for sample in samples if sample.elapsed_s >= minutes * 30]
    slope = np.polyfit([s.elapsed_s / 60 for s in later], [s.resident_mib for s in later], 1)[0]
    click.echo(f"memory over the second half: {slope:+.3f} MiB a minute, {samples[-1].opened} streams in all")
    if json_path is not None:
        json_path.write_text(json.dumps([asdict(sample) for sample in samples], indent=1) + "\n")


async def _soak(server: Server, frames: list[bytes], duration_s: float, opened: int) -> list[Sample]:
    staying = asyncio.create_task(play_calls(server.target, frames, STAYING, STAYING_FPS, duration_s))
    samples: list[Sample] = []
    start_s, done = time.monotonic(), 0
    under_way: set[asyncio.Task[None]] = set()
    async with grpc.aio.insecure_channel(server.target) as channel:
        while (elapsed_s := time.monotonic() - start_s) < duration_s:
            if elapsed_s >= len(samples) * 60:
                samples.append(_sample(server, elapsed_s, done))
            if done < opened * elapsed_s / duration_s:
                task = asyncio.create_task(_come_and_go(channel, frames, done))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
                done += 1
            await asyncio.sleep(0 if done < opened * elapsed_s / duration_s else 0.02)
        await asyncio.gather(*under_way)
    staying.cancel()
    await asyncio.gather(staying, return_exceptions=True)
    samples.append(_sample(server, time.monotonic() - start_s, done))
    return samples


async def _come_and_go(channel: grpc.aio.Channel, frames: list[bytes], number: int) -> None:
    """Open a stream, send some frames, read the answers, and close it or let it break."""
    call = quality_pb2_grpc.QualityServiceStub(channel).MonitorStream()
    vanishes = random.Random(number).random() < VANISHING_SHARE  # noqa: S311 - guards nothing
    try:
        config = pb.StreamConfig(stream_id=f"short-{number}", delivery=pb.DELIVERY_COMPLETE)
        await call.write(pb.MonitorStreamRequest(config=config))
        for sequence in range(FRAMES_A_STREAM):
            data = frames[(number + sequence) % len(frames)]
            frame = pb.Frame(sequence=sequence, capture_time_s=sequence / 2, data=data)
            await call.write(pb.MonitorStreamRequest(frame=frame))
        if vanishes:
            await call.read()
            call.cancel()
            return
        await call.done_writing()
        while await call.read() is not grpc.aio.EOF:
            pass
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED:
            raise


def _sample(server: Server, elapsed_s: float, opened: int) -> Sample:
    sample = Sample(
        elapsed_s=elapsed_s,
        opened=opened,
        resident_mib=server.process.memory_info().rss / 2**20,
        threads=server.process.num_threads(),
        descriptors=server.process.num_fds(),
        stream_series=sum(one.name == "facegauge_stream_quality_ratio" for one in server.samples()),
    )
    click.echo(
        f"{sample.elapsed_s / 60:5.1f} min  {sample.opened:6d} opened  {sample.resident_mib:7.1f} MiB  "
        f"{sample.threads} threads  {sample.descriptors} descriptors  {sample.stream_series} series"
    )
    return sample


if __name__ == "__main__":
    main()
