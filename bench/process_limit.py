"""Where one server process ends: frames a second by cores, and the processor time of each part of it.

    python -m bench.process_limit                     # the server on 1 core, then on 2; few calls, then many
    python -m bench.process_limit --cores 1,2,4 --streams 20,200 --rounds 3 --json limit.json

The server runs on the first cores that this program may use, one worker process a core, under calls of
720p JPEG. Its event loop, one thread, takes every frame in and every answer out; workers do the rest. So one
process bears as many frames a second as its loop does, which has one core at most. The last two columns are
what that comes to where the loop is busy for 70% of the time: they are computed, and only where hardly a
frame was left out, since one that is left out costs the loop less.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from bench.frames import call_frames
from bench.load import play_calls
from bench.server import Server, server_process

__all__ = ["main"]

FRAMES, WARM_UP_S = 40, 3.0
LOOP_SHARE = 0.7
"""Share of a core that an event loop may be busy for before frames wait for it."""
COMPLETE = 0.97
IDLE_S = 5.0
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Times:
    """Processor time so far, seconds."""

    loop_s: float
    """Of the server's event loop: the first thread of its process."""
    threads_s: float
    """Of the other threads of that process: gRPC's, mostly, which need no interpreter."""
    workers_s: float


@dataclass(frozen=True, slots=True)
class Row:
    """One load on some cores."""

    cores: int
    calls: int
    sent_a_second: float
    answered_a_second: float
    p95_ms: float
    loop_ms_a_frame: float
    threads_ms_a_frame: float
    workers_ms_a_frame: float
    loop_share: float
    """Share of one core that the event loop was busy for."""
    idle_share: float
    """The same without calls; what a frame costs is beyond it."""

    @property
    def is_complete(self) -> bool:
        """Whether hardly a frame was left out."""
        return self.answered_a_second > COMPLETE * self.sent_a_second

    @property
    def limit_a_second(self) -> float:
        """Frames a second at which the loop would be busy for `LOOP_SHARE`."""
        return (LOOP_SHARE - self.idle_share) * 1000 / self.loop_ms_a_frame

    @property
    def workers_at_limit(self) -> float:
        """Cores that workers and other threads keep busy then."""
        return self.limit_a_second * (self.workers_ms_a_frame + self.threads_ms_a_frame) / 1000


@click.command(context_settings={"show_default": True})
@click.option("--cores", default="1,2", metavar="N[,N...]", help="Cores of the server, a run each.")
@click.option("--streams", default="10,100", metavar="N[,N...]", help="Calls at once, a load each.")
@click.option("--fps", default=2.0, help="Frames per second of each call.")
@click.option("--seconds", default=15.0, help="Of one run.")
@click.option("--rounds", default=1, help="Runs of each kind.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write all figures here.")
def main(cores: str, streams: str, fps: float, seconds: float, rounds: int, json_path: Path | None) -> None:
    """Measure where one server process ends."""
    console = Console(width=120)
    counts, loads = ([int(text) for text in texts.split(",")] for texts in (cores, streams))
    available = sorted(os.sched_getaffinity(0))
    if max(counts) > len(available):
        raise click.BadParameter(f"there are {len(available)} cores", param_hint="--cores")
    frames = call_frames(FRAMES)
    rows: list[Row] = []
    for number in range(rounds):
        for count in counts:
            with _server_on(set(available[:count])) as server:
                asyncio.run(play_calls(server.target, frames, 4, fps, WARM_UP_S))
                idle_share = _idle_share(server)
                for calls in loads:
                    with console.status(f"round {number + 1}: {calls} calls on {count} cores"):
                        rows.append(_measure(server, idle_share, count, frames, calls, fps, seconds))
    _print(console, rows)
    if json_path is not None:
        json_path.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")


@contextmanager
def _server_on(cores: set[int]) -> Iterator[Server]:
    """Start a server on some cores; a process has those of the thread that starts it."""
    own = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        with server_process("--precision", "f32", "--max-worker-wait", "60") as server:
            os.sched_setaffinity(0, own)
            yield server
    finally:
        os.sched_setaffinity(0, own)


def _idle_share(server: Server) -> float:
    """Return the share of a core that the event loop takes without calls."""
    before = _times(server)
    time.sleep(IDLE_S)
    return (_times(server).loop_s - before.loop_s) / IDLE_S


def _measure(
    server: Server, idle_share: float, cores: int, frames: list[bytes], calls: int, fps: float, seconds: float
) -> Row:
    before, start_s = _times(server), time.monotonic()
    result = asyncio.run(play_calls(server.target, frames, calls, fps, seconds))
    after, took_s = _times(server), time.monotonic() - start_s
    answered = max(1, len(result.latencies_s))
    loop_s = after.loop_s - before.loop_s
    return Row(
        cores,
        calls,
        result.sent / seconds,
        answered / seconds,
        result.percentile_ms(95),
        (loop_s - idle_share * took_s) * 1000 / answered,
        (after.threads_s - before.threads_s) * 1000 / answered,
        (after.workers_s - before.workers_s) * 1000 / answered,
        loop_s / took_s,
        idle_share,
    )


def _times(server: Server) -> Times:
    threads = {
        int(path.name): _cpu_s(path / "stat") for path in Path(f"/proc/{server.process.pid}/task").iterdir()
    }
    loop_s = threads.pop(server.process.pid)
    own = server.process.cpu_times()
    return Times(loop_s, own.user + own.system - loop_s, server.cpu_s() - own.user - own.system)


def _cpu_s(stat: Path) -> float:
    user, system = stat.read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / TICKS


def _print(console: Console, rows: list[Row]) -> None:
    table = Table(title="One server process, processor time in ms a frame")
    for name in (
        "cores",
        "calls",
        "sent/s",
        "answered/s",
        "p95 ms",
        "event loop",
        "other threads",
        "workers",
        "loop's share",
        "frames/s at 70%",
        "workers' cores then",
    ):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(
            str(row.cores),
            str(row.calls),
            f"{row.sent_a_second:.0f}",
            f"{row.answered_a_second:.0f}",
            f"{row.p95_ms:.0f}",
            f"{row.loop_ms_a_frame:.2f}",
            f"{row.threads_ms_a_frame:.2f}",
            f"{row.workers_ms_a_frame:.2f}",
            f"{row.loop_share:.0%}",
            f"{row.limit_a_second:.0f}" if row.is_complete else "",
            f"{row.workers_at_limit:.1f}" if row.is_complete else "",
        )
    console.print(table)


if __name__ == "__main__":
    main(prog_name="python -m bench.process_limit")
