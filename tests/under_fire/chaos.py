"""Keep a server in trouble for a time, and see what its callers lose.

    python -m tests.under_fire.chaos --minutes 60 [--seed 1] [--json FILE]

Ten calls go on through it all, half of them through a proxy; a worker is killed every five seconds; faults
(`faults.py`) follow one another in random order. After each, a new caller must be served within seconds.
Prints a table of faults and what they cost, and fails where anything hung, a caller got a code that blames
nobody, a call ended against its will, or a frame was lost that was not under way when a fault struck.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
from rich.console import Console

from bench.frames import call_frames
from facegauge_client import Client, Delivery, FacegaugeError, FrameResult
from tests.under_fire.chaos_report import Report, Struck, tables_of
from tests.under_fire.chaos_server import ChaosServer, log_disk
from tests.under_fire.cutting_proxy import cutting_proxy
from tests.under_fire.faults import FAULTS, Field, Hang
from tests.under_fire.slowdown import slowdown
from tests.under_fire.steady_calls import SteadyCall

__all__ = ["chaos"]

LIVE_CALLS, COMPLETE_CALLS = 8, 2
WORKER_KILL_INTERVAL_S = 5.0
LONGEST_SLOWDOWN = 6.0
"""On a machine where workers take long to start, they are killed so many times less often at most."""
QUIET_S = 3.0
"""Between the end of one fault and the next."""
RECOVERY_LIMIT_S = 20.0
"""How long a new caller may wait for its first score after a fault, on a machine without other work."""
SETTLED_S = 20.0
"""Age at which a life's memory is first taken."""
ROUNDS_WITH_RESTART = 3
"""The server is terminated in the first rounds only, so that its last life is long enough to show a leak."""


async def chaos(duration_s: float, seed: int, log: Console) -> Report:
    """Run all faults at least once, and go on until the time is over."""
    chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
    report = Report(seed=seed)
    frames = [_smaller(frame) for frame in call_frames(8)]
    with log_disk() as disk:
        report.log_disk = disk.kind
        server = ChaosServer(disk)
        await server.start()
        try:
            async with cutting_proxy(server.target) as proxy:
                field = Field(server, proxy, disk, chance, frames[0])
                async with _background(field, frames, report):
                    await _rounds(field, duration_s, report, log)
                report.codes = dict(field.codes)
        finally:
            await server.close()
    return report


@asynccontextmanager
async def _background(field: Field, frames: list[bytes], report: Report) -> AsyncIterator[None]:
    """Play the calls and kill workers while the block runs; the report has what became of the frames."""
    stop = asyncio.Event()
    calls = [
        SteadyCall(
            f"steady-{n}",
            field.proxy.address if n % 2 else field.server.target,
            Delivery.LIVE if n < LIVE_CALLS else Delivery.COMPLETE,
        )
        for n in range(LIVE_CALLS + COMPLETE_CALLS)
    ]
    playing = [asyncio.create_task(call.play(frames, stop)) for call in calls]
    killing = asyncio.create_task(_kill_workers(field, report))
    measuring = asyncio.create_task(_measure_memory(field.server, report))
    field.before_restart.append(lambda: _note_counts(field.server, report))
    try:
        yield
    finally:
        for task in (killing, measuring):
            task.cancel()
        stop.set()
        done, late = await asyncio.wait(playing, timeout=90 * slowdown())
        for task in late:
            task.cancel()
        report.hangs += ["a call did not end"] * len(late)
        for task in done:
            task.result()
        report.calls = calls
        with suppress(OSError):
            await _note_counts(field.server, report)
        report.end_life(field.server.memory_bytes())


async def _rounds(field: Field, duration_s: float, report: Report, log: Console) -> None:
    start_s = time.monotonic()
    for number in range(10**6):
        names = field.chance.sample(list(FAULTS), len(FAULTS))
        if number >= ROUNDS_WITH_RESTART:
            names.remove("server is terminated")
        for name in names:
            if number and time.monotonic() - start_s > duration_s:
                report.duration_s = time.monotonic() - start_s
                return
            await _strike(name, field, report)
        minutes = (time.monotonic() - start_s) / 60
        log.print(f"{minutes:.1f} min: {len(report.struck)} faults, hangs: {report.hangs or 'none'}")
        report.duration_s = time.monotonic() - start_s


async def _strike(name: str, field: Field, report: Report) -> None:
    """Let a fault happen, see that a new caller is served after it, and let things settle."""
    start_s = time.monotonic()
    if name == "server is terminated":
        report.end_life(field.server.memory_bytes())
    try:
        async with asyncio.timeout(90 * slowdown()):
            await FAULTS[name](field)
    except (Hang, TimeoutError) as hang:
        report.hangs.append(f"{name}: {hang or 'it did not end'}")
    over_s = time.monotonic()
    if not field.server.is_running:
        report.crashes += 1
        await field.server.start()
    if name == "server is terminated":
        report.begin_life()
    limit_s = RECOVERY_LIMIT_S * slowdown()
    if not await field.server.is_ready(limit_s):
        report.hangs.append(f"{name}: not ready {limit_s:.0f} s afterwards")
    await _newcomer(name, field, report, limit_s)
    report.struck.append(Struck(name, start_s, over_s, time.monotonic()))
    await asyncio.sleep(QUIET_S)  # so that the next fault finds the calls well


async def _newcomer(name: str, field: Field, report: Report, limit_s: float) -> None:
    """Open a stream as a new caller does, and have a frame scored."""
    why = ""
    try:
        async with asyncio.timeout(limit_s):
            while True:
                try:
                    async with Client(field.server.target, connect_timeout_s=limit_s / 2) as client:
                        async with client.monitor(field.stream_id("newcomer")) as stream:
                            await stream.send(field.picture)
                            await stream.finish()
                            async for assessment in stream:
                                if assessment.result is FrameResult.SCORED:
                                    return
                                why = f"{assessment.result} {assessment.error}"
                except FacegaugeError as error:
                    why = f"{type(error).__name__}: {error}"
                await asyncio.sleep(0.2)
    except TimeoutError:
        report.hangs.append(f"{name}: a new caller got no score within {limit_s:.0f} s; {why}")


def _smaller(jpeg: bytes) -> bytes:
    """Return a picture of half the size: what is lost is counted here, not how fast it goes."""
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_REDUCED_COLOR_2)
    assert picture is not None
    return cv2.imencode(".jpg", picture)[1].tobytes()


async def _kill_workers(field: Field, report: Report) -> None:
    while True:
        await asyncio.sleep(WORKER_KILL_INTERVAL_S * min(slowdown(), LONGEST_SLOWDOWN))
        if field.server.is_serving:
            report.workers_killed += field.server.kill_a_worker(field.chance)


async def _measure_memory(server: ChaosServer, report: Report) -> None:
    while True:
        await asyncio.sleep(1.0)
        if server.is_serving:
            with suppress(OSError):
                report.note_memory(server.memory_bytes(), SETTLED_S)


async def _note_counts(server: ChaosServer, report: Report) -> None:
    report.server_counts.update(await server.counts())


def _with_text_keys(value: Any) -> Any:
    """Return a value whose dictionaries JSON takes: a key of several parts becomes "one: two"."""
    if isinstance(value, dict):
        keys = {k: ": ".join(map(str, k)) if isinstance(k, tuple) else k for k in value}
        return {keys[k]: _with_text_keys(v) for k, v in value.items()}
    return [_with_text_keys(part) for part in value] if isinstance(value, list | tuple) else value


@click.command()
@click.option("--minutes", type=float, default=2.0, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the report to this file.")
def main(minutes: float, seed: int, json_path: Path | None) -> None:
    """Keep a server of this machine, started for the purpose, in trouble."""
    report = asyncio.run(chaos(minutes * 60, seed, Console(stderr=True)))
    for table in tables_of(report):
        Console(width=110).print(table)
    for fault in report.faults:
        Console().print(fault, markup=False)
    if json_path is not None:
        json_path.write_text(json.dumps(_with_text_keys(asdict(report)), indent=1, default=list))
    raise SystemExit(bool(report.faults))


if __name__ == "__main__":
    main()
