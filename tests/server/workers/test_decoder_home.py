"""A stream's units go where its decoder lives, and a worker's end takes only its own decoders along."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter

import pytest

from facegauge_server.coded_types import Pick, Unit, UnitOutcome, UnitRun
from facegauge_server.workers.decoder_home import DecoderHome
from facegauge_server.workers.job import DecoderLost, WorkerDied
from facegauge_server.workers.messages import Worked
from facegauge_server.workers.pool import FrameWorkers
from tests.server.workers.conftest import MakePool, command, until


def run_of(*texts: str, starts: bool = False) -> UnitRun:
    units = (Unit(command(text), is_key=starts, starts=starts and not n) for n, text in enumerate(texts))
    return UnitRun(tuple(units), Pick.NEWEST)


async def decode(pool: FrameWorkers, home: DecoderHome, run: UnitRun) -> Worked:
    return await pool.assess_run(run, home, b"", 720)


def pid_of(worked: Worked) -> int:
    assert worked.score is not None
    return int(worked.score.error)


def units_seen(worked: Worked) -> float:
    assert worked.score is not None
    return worked.score.capture_time_s


def decoders_there(worked: Worked) -> int:
    assert worked.score is not None
    return worked.score.sequence


async def test_units_go_where_their_decoder_lives(make_pool: MakePool) -> None:
    """Twenty streams at once, many runs each: every decoder has had every unit of its stream."""
    async with make_pool(size=2) as pool:
        homes = [DecoderHome() for _ in range(20)]
        first = [pid_of(await decode(pool, home, run_of("ok", starts=True))) for home in homes]
        assert sorted(Counter(first).values()) == [10, 10]

        async def follow(home: DecoderHome) -> set[int]:
            workers = set()
            for number in range(10):
                worked = await decode(pool, home, run_of("ok", "ok"))
                assert units_seen(worked) == 3 + 2 * number
                workers.add(pid_of(worked))
            return workers

        workers = await asyncio.gather(*map(follow, homes))
        assert workers == [{pid} for pid in first]


async def test_others_pass_while_a_run_waits_for_its_worker(make_pool: MakePool) -> None:
    """A long run holds up only what must go to the same worker."""
    async with make_pool(size=2) as pool:
        home = DecoderHome()
        first = pid_of(await decode(pool, home, run_of("ok", starts=True)))
        busy = asyncio.create_task(decode(pool, DecoderHome(), run_of("ok 0.5", starts=True)))
        held = asyncio.create_task(decode(pool, home, run_of("ok 0.5")))
        waits = asyncio.create_task(decode(pool, home, run_of("ok")))
        done, _ = await asyncio.wait({busy, held, waits}, return_when=asyncio.ALL_COMPLETED)
        assert pid_of(busy.result()) != first
        assert pid_of(held.result()) == pid_of(waits.result()) == first
        assert len(done) == 3


async def test_a_decoder_ends_with_its_worker(make_pool: MakePool) -> None:
    """Its stream is told; it starts again at a keyframe. A neighbour on the other worker notices nothing."""
    async with make_pool(size=2) as pool:
        lost, kept = DecoderHome(), DecoderHome()
        victim = pid_of(await decode(pool, lost, run_of("ok", starts=True)))
        other = pid_of(await decode(pool, kept, run_of("ok", starts=True)))
        assert victim != other
        os.kill(victim, signal.SIGKILL)
        await until(lambda: victim not in pool.pids)
        with pytest.raises(DecoderLost, match="send a keyframe"):
            await decode(pool, lost, run_of("ok"))
        assert units_seen(await decode(pool, kept, run_of("ok"))) == 2
        assert units_seen(await decode(pool, lost, run_of("ok", "ok", starts=True))) == 2


@pytest.mark.parametrize("death", ["abort", "segfault"])
async def test_a_unit_that_kills_costs_its_run(make_pool: MakePool, death: str) -> None:
    """The stream whose unit it was hears of it as such, its neighbour on the same worker as a loss."""
    async with make_pool(size=1) as pool:
        killer, neighbour = DecoderHome(), DecoderHome()
        await decode(pool, killer, run_of("ok", starts=True))
        await decode(pool, neighbour, run_of("ok", starts=True))
        with pytest.raises(WorkerDied):
            await decode(pool, killer, run_of("ok", death, "ok"))
        with pytest.raises(DecoderLost):
            await decode(pool, neighbour, run_of("ok"))
        assert units_seen(await decode(pool, neighbour, run_of("ok", starts=True))) == 1


async def test_streams_that_start_again_fill_the_emptiest_worker(make_pool: MakePool) -> None:
    """A new worker has no decoder: keyframes bring some, and the worker that they left forgets them."""
    async with make_pool(size=2) as pool:
        homes = [DecoderHome() for _ in range(8)]
        for home in homes:
            await decode(pool, home, run_of("ok", starts=True))
        victim = next(iter(pool._seats)).worker.pid
        os.kill(victim, signal.SIGKILL)
        await until(lambda: victim not in pool.pids and pool.health.serving == 2)
        for home in homes:
            last = await decode(pool, home, run_of("ok", starts=True))
        assert sorted(len(seat.decoders) for seat in pool._seats) == [4, 4]
        assert decoders_there(last) == 4


async def test_a_stream_that_ends_leaves_nothing_behind(make_pool: MakePool) -> None:
    """Its worker forgets the decoder; more units of it are for nobody."""
    async with make_pool(size=1) as pool:
        homes = [DecoderHome() for _ in range(3)]
        for home in homes:
            await decode(pool, home, run_of("ok", starts=True))
        homes[0].leave()
        worked = await decode(pool, homes[1], run_of("ok"))
        assert decoders_there(worked) == 2
        (seat,) = pool._seats
        assert seat.decoders == set(homes[1:])
        with pytest.raises(DecoderLost):
            await decode(pool, homes[0], run_of("ok"))
        assert worked.decoded is not None
        assert worked.decoded.outcomes == (UnitOutcome.DECODED,)
