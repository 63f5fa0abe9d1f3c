"""Hundreds of live streams for the wall, at little cost: a program of its own, and how a test runs it.

    with run_server(*SERVER_FLAGS) as server, running_load(server.listen) as load:
        load.end("camera-007")

Each stream sends a small portrait now and then, every time in another quality, so that the order on the wall
changes. The server keeps a score for as long as that takes (`SERVER_FLAGS`). Most streams belong to calls of
four; some to none, and some names are such as a page must bear.

300 streams, once they play, took 0.45 of a core of a busy machine in the server and 0.05 in this program
(CPU time over 40 s, a frame each 10 s a stream); at a frame each 4 s, 1.08 and 0.12.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import click
import cv2
from skimage import data

from facegauge_client import Client

__all__ = ["SERVER_FLAGS", "Load", "load_names", "running_load"]

STREAMS = 300
INTERVAL_S = 10.0
SERVER_FLAGS = (
    *("--max-streams", "400", "--max-worker-wait", "30"),
    *("--stale-after", "60", "--idle-timeout", "120"),
    *("--detect-interval", "600", "--steady-detect-interval", "600", "--checkpoint-interval", "0"),
)
"""What a server needs so that it takes all streams, keeps their scores between two frames, and searches each
face, which never moves, once."""
CAPTURE_INTERVAL_S = 0.2
"""On the media clock, where a face that is away for three seconds is another one."""
SIDE_PX = 240
JPEG_QUALITIES = (6, 10, 16, 25, 40, 60, 80, 95)
CALL_STREAMS = 4
NAMES = (
    "<b>bold</b>",
    "<script>alert(1)</script>",
    "a&b \"quoted\" 'name'",
    "x" * 128,
    "摄像头 1",
    "مكالمة",
)
"""Names among the others that are more than letters and digits."""


def load_names(streams: int) -> list[tuple[str, str]]:
    """Return stream and call id of each stream; every twelfth stream is in no call."""
    names = [*NAMES, *(f"camera-{number:03}" for number in range(len(NAMES), streams))][:streams]
    return [
        (name, "" if number % 12 == 11 else f"standup-{number // CALL_STREAMS:02}")
        for number, name in enumerate(names)
    ]


class Load:
    """The streams as a test sees them."""

    def __init__(self, process: subprocess.Popen[str], names: list[tuple[str, str]]) -> None:
        self.names = names
        """Stream and call id of those that were begun."""
        self._process = process

    def end(self, *stream_ids: str) -> None:
        """End streams, and return once the server has said that they have ended."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(stream_ids) + "\n")
        self._process.stdin.flush()
        assert set(self.read()) == set(stream_ids)

    def read(self) -> list[str]:
        """Read which streams the program says have begun, or ended."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the load has ended: see its message above"
        said: list[str] = json.loads(line)
        return said


@contextmanager
def running_load(target: str, streams: int = STREAMS, interval_s: float = INTERVAL_S) -> Iterator[Load]:
    """Keep streams live while the block runs, from when each of them has a score."""
    command = (
        *(sys.executable, "-m", "tests.gateway.ui.load", target),
        *("--streams", str(streams), "--interval", str(interval_s)),
    )
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        load = Load(process, load_names(streams))
        try:
            assert set(load.read()) == {stream_id for stream_id, _ in load.names}
            yield load
        finally:
            process.terminate()


def pictures() -> list[bytes]:
    """Return scikit-image's portrait in eight qualities, small JPEGs with a face of 44 px."""
    whole = cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2BGR)
    small = cv2.resize(whole, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
    return [
        cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
        for quality in JPEG_QUALITIES
    ]


async def play(
    client: Client,
    number: int,
    name: tuple[str, str],
    sent: list[bytes],
    interval_s: float,
    begun: asyncio.Event,
) -> None:
    """Follow one stream until it is cancelled, then end it well. The first score sets `begun`."""
    async with client.monitor(*name, median_window=1, time_constant_s=0) as stream:

        async def read() -> None:
            async for _ in stream:
                begun.set()

        reading = asyncio.create_task(read())
        try:
            await stream.send(sent[-1], capture_time_s=0.0)  # the best, in which a face is found
            await begun.wait()
            for step in itertools.count(1):
                picture = sent[(number * 3 + step) % len(sent)]
                await stream.send(picture, capture_time_s=step * CAPTURE_INTERVAL_S)
                await asyncio.sleep(interval_s)
        except asyncio.CancelledError:
            await stream.finish()
            await reading


async def lines() -> AsyncIterator[str]:
    """Yield the lines of standard input."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while line := await reader.readline():
        yield line.decode()


async def run(target: str, streams: int, interval_s: float) -> None:
    """Play all, evenly apart, and end those that standard input names."""
    sent, tasks, begun = pictures(), {}, []
    async with Client(target) as client:
        for number, name in enumerate(load_names(streams)):
            begun.append(asyncio.Event())
            playing = play(client, number, name, sent, interval_s, begun[-1])
            tasks[name[0]] = asyncio.create_task(playing)
            await asyncio.sleep(interval_s / streams)
            if number % 4 == 3:
                await begun[-1].wait()  # a slow machine begins them as fast as it can
        await asyncio.gather(*(one.wait() for one in begun))
        print(json.dumps(list(tasks)), flush=True)
        async for line in lines():
            stream_ids = json.loads(line)
            ending = [tasks.pop(stream_id) for stream_id in stream_ids]
            for task in ending:
                task.cancel()
            await asyncio.gather(*ending)
            print(json.dumps(stream_ids), flush=True)


@click.command()
@click.argument("target")
@click.option("--streams", default=STREAMS)
@click.option("--interval", "interval_s", default=INTERVAL_S)
def main(target: str, streams: int, interval_s: float) -> None:
    """Play streams on a server, until standard input ends."""
    asyncio.run(run(target, streams, interval_s))


if __name__ == "__main__":
    main()
