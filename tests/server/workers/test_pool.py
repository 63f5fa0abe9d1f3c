"""A worker that dies or hangs costs the frame in its hands, and nothing else."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from facegauge_server.errors import BadFrame, BadModel, WorkersFailed
from facegauge_server.workers import deadlines, health
from facegauge_server.workers.job import FrameTimeout, StageError, WorkerDied
from facegauge_server.workers.messages import Worked
from facegauge_server.workers.pool import FrameWorkers
from tests.server.workers.conftest import MakePool, command, is_running, open_files, until, until_gone

FRAMES = 50


async def assess_all(pool: FrameWorkers, texts: list[str]) -> list[Worked | BaseException]:
    return await asyncio.gather(
        *(pool.assess(command(text, number), b"", 720) for number, text in enumerate(texts)),
        return_exceptions=True,
    )


def worker_of(worked: Worked | BaseException) -> int:
    assert isinstance(worked, Worked)
    assert worked.score is not None
    return int(worked.score.error)


async def test_frames_of_all_streams_share_the_workers(make_pool: MakePool) -> None:
    """Every frame is answered once, by one of as many processes as asked for, none of them this one."""
    async with make_pool(size=2) as pool:
        results = await assess_all(pool, ["ok 0.005"] * FRAMES)
        workers = {worker_of(result) for result in results}
        assert workers == set(pool.pids)
        assert len(workers) == 2
        assert os.getpid() not in workers


async def test_the_tracker_goes_from_worker_to_worker(make_pool: MakePool) -> None:
    """What one worker returns of a stream the next one starts from."""
    async with make_pool(size=2) as pool:
        tracker = b""
        workers = set()
        for _ in range(5):
            worked = await pool.assess(command("ok"), tracker, 720)
            tracker = worked.tracker
            workers.add(worker_of(worked))
            pool._dispatcher._idle.reverse()  # the other one's turn
        assert tracker == b"5"
        assert len(workers) == 2


@pytest.mark.parametrize("death", ["abort", "segfault"])
async def test_a_crash_costs_its_frame_alone(make_pool: MakePool, death: str) -> None:
    """One frame of fifty kills native code: that one gets an error, the others are scored."""
    reasons: list[str] = []
    async with make_pool(size=2, on_restart=reasons.append) as pool:
        results = await assess_all(pool, ["ok 0.002"] * 20 + [death] + ["ok 0.002"] * (FRAMES - 21))
        assert [number for number, result in enumerate(results) if isinstance(result, WorkerDied)] == [20]
        assert sum(isinstance(result, Worked) for result in results) == FRAMES - 1
        await until(lambda: pool.health.serving == 2)
        assert reasons == ["crash"]
        assert pool.health.restarts_last_minute == 1
        assert pool.health.why_not_ready == ""


async def test_a_killed_worker_costs_its_frame_alone(make_pool: MakePool) -> None:
    """`kill -9` with fifty frames under way: the one in the worker's hands gets an error."""
    async with make_pool(size=2) as pool:
        victim = pool.pids[0]
        os.kill(victim, signal.SIGSTOP)  # so that it surely has a frame in hand when it is killed
        frames = asyncio.create_task(assess_all(pool, ["ok 0.002"] * FRAMES))
        await until(lambda: any(seat.worker.pid == victim and seat.job for seat in pool._seats))
        os.kill(victim, signal.SIGKILL)
        results = await frames
        assert sum(isinstance(result, WorkerDied) for result in results) == 1
        assert sum(isinstance(result, Worked) for result in results) == FRAMES - 1
        await until(lambda: pool.health.serving == 2)
        assert victim not in pool.pids


async def test_a_supervisor_that_signals_everyone_ends_no_frame(make_pool: MakePool) -> None:
    """SIGTERM, SIGINT and SIGHUP are for the server, which finishes what is in flight."""
    async with make_pool(size=2) as pool:
        before = pool.pids
        frames = asyncio.create_task(assess_all(pool, ["ok 0.002"] * FRAMES))
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            for pid in (*before, pool._launcher.zygote_pid or 0):
                os.kill(pid, number)
        assert all(isinstance(result, Worked) for result in await frames)
        assert pool.pids == before


async def test_a_worker_that_dies_idle_costs_nothing(make_pool: MakePool) -> None:
    """Frames that come before its end was noticed go to another."""
    async with make_pool(size=2) as pool:
        for pid in pool.pids:
            os.kill(pid, signal.SIGKILL)
        until_gone(pool.pids)  # without the event loop, which cannot have noticed
        results = await assess_all(pool, ["ok"] * FRAMES)
        assert sum(isinstance(result, Worked) for result in results) == FRAMES


@pytest.mark.parametrize("behaviour", ["spin", "hang"])
async def test_a_frame_that_takes_too_long_is_ended(make_pool: MakePool, behaviour: str) -> None:
    """Neither a loop nor a lock that never comes free keeps a worker; the other frames are scored."""
    reasons: list[str] = []
    async with make_pool(size=2, frame_timeout_s=0.2, on_restart=reasons.append) as pool:
        results = await assess_all(pool, ["ok", behaviour] + ["ok 0.002"] * FRAMES)
        assert isinstance(results.pop(1), FrameTimeout)
        assert all(isinstance(result, Worked) for result in results)
        await until(lambda: pool.health.serving == 2)
        assert reasons == ["timeout"]


async def test_a_worker_that_waits_for_the_processor_is_not_to_blame(make_pool: MakePool) -> None:
    """The timeout counts the worker's own processor time: on a busy machine frames take longer."""
    async with make_pool(size=1, frame_timeout_s=0.5) as pool:
        assert isinstance(await pool.assess(command("ok 0.7"), b"", 720), Worked)


async def test_a_dead_worker_is_replaced_while_the_others_work(make_pool: MakePool) -> None:
    """The pool of one is back by itself, and takes the frames that waited."""
    async with make_pool(size=1) as pool:
        for _ in range(3):
            results = await assess_all(pool, ["abort", "ok"])
            assert isinstance(results[0], WorkerDied)
            assert isinstance(results[1], Worked)


async def test_what_a_stage_says_is_passed_on(make_pool: MakePool) -> None:
    """A frame that is refused, a bug with its traceback, and too much memory; the worker lives on."""
    async with make_pool(size=1) as pool:
        refused, failed, greedy, crowd, last = await assess_all(
            pool, ["refuse", "fail", f"memory {10**10}", "crowd", "ok"]
        )
        assert str(refused) == "not this one"
        assert isinstance(refused, BadFrame)
        assert isinstance(failed, StageError)
        assert "a bug" in str(failed)
        assert "scripted_work.py" in failed.trace
        assert isinstance(greedy, BadFrame)
        assert "memory" in str(greedy)
        assert isinstance(crowd, StageError)
        assert worker_of(last) == pool.pids[0]
        assert pool.health.restarts_last_minute == 0


async def test_a_worker_may_say_more_than_anyone_reads(make_pool: MakePool) -> None:
    """Ten megabytes of messages neither block the worker nor fill memory, and the last words are logged."""
    with capture_logs() as logs:
        async with make_pool(size=1) as pool:
            noisy, dead = await assess_all(pool, ["noise", "segfault"])
            assert isinstance(noisy, Worked)
            assert isinstance(dead, WorkerDied)
            await until(lambda: any(entry["event"] == "a worker died" for entry in logs))
    death = next(entry for entry in logs if entry["event"] == "a worker died")
    assert death["exit_code"] == -signal.SIGSEGV
    assert "scripted_work.py" in death["last_words"]


async def test_a_large_frame_goes_through_the_shared_memory(make_pool: MakePool) -> None:
    """Frames of any size arrive whole, and the next small one gives back the memory of a large one."""
    async with make_pool(size=1) as pool:
        for size in (1, 5000, 9_000_000, 3, 20_000_000, 100):
            worked = await pool.assess(command("x" * size), b"", 720)
            assert worked.score is not None
            assert worked.score.capture_time_s == size
        memory = next(iter(pool._seats)).worker._memory
        assert memory.size >= 20_000_000
        assert os.fstat(memory.fd).st_blocks * 512 <= 4 * 1024 * 1024


async def test_a_frame_whose_stream_is_gone_is_not_worked_on(make_pool: MakePool) -> None:
    """Cancelled in the queue it is left out; cancelled in a worker's hands its result is."""
    async with make_pool(size=1) as pool:
        in_hand = asyncio.create_task(pool.assess(command("ok 0.05"), b"", 720))
        waiting = asyncio.create_task(pool.assess(command("abort"), b"", 720))
        await until(lambda: len(pool._dispatcher.queue) == 1)
        in_hand.cancel()
        waiting.cancel()
        assert isinstance(await pool.assess(command("ok"), b"", 720), Worked)
        assert pool.health.restarts_last_minute == 0


async def test_the_zygote_may_die_too(make_pool: MakePool) -> None:
    """Its workers end with it; another one, and others, take its place."""
    async with make_pool(size=2) as pool:
        assert pool._launcher.zygote_pid is not None
        before = pool.pids
        os.kill(pool._launcher.zygote_pid, signal.SIGKILL)
        await until(lambda: pool.health.serving == 2 and not set(before) & set(pool.pids))
        assert isinstance(await pool.assess(command("ok"), b"", 720), Worked)
        until_gone(before)


async def test_workers_that_cannot_start(
    make_pool: MakePool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pool says that it is not ready, tries again, gives up after a while, and is back when it can."""
    monkeypatch.setattr(deadlines, "GIVE_UP_AFTER_S", 0.3)
    obstacle = tmp_path / "obstacle"
    reasons: list[str] = []
    async with make_pool(size=1, precision=str(obstacle), on_restart=reasons.append) as pool:
        obstacle.touch()
        os.kill(pool.pids[0], signal.SIGKILL)
        async with asyncio.timeout(60):
            await pool.gave_up.wait()
        assert pool.health.why_not_ready == "no worker process is running"
        assert reasons[0] == "crash"
        await until(lambda: "start" in reasons)
        obstacle.unlink()
        await until(lambda: pool.health.why_not_ready == "")
        assert isinstance(await pool.assess(command("ok"), b"", 720), Worked)


async def test_many_restarts_are_no_good_sign(make_pool: MakePool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server says that it is not ready, and goes on: frames can do this, and ending would help them."""
    monkeypatch.setattr(health, "MAX_RESTARTS_A_MINUTE", 2)
    async with make_pool(size=1) as pool:
        await assess_all(pool, ["abort"] * 3)
        await until(lambda: pool.health.serving == 1)
        assert "3 worker processes had to be replaced" in pool.health.why_not_ready
        assert not pool.gave_up.is_set()


@pytest.mark.parametrize(
    ("precision", "error", "text"),
    [("bad model", BadModel, "the student is missing"), ("abort", WorkersFailed, "exit code -6")],
)
async def test_what_cannot_be_prepared(
    make_pool: MakePool, precision: str, error: type[Exception], text: str
) -> None:
    """The operator's error comes out of the start as it would without processes, even from a crash."""
    before = open_files()
    with pytest.raises(error, match=text):
        async with make_pool(precision=precision):
            pass
    assert open_files() == before


async def test_workers_that_die_at_the_start(make_pool: MakePool, tmp_path: Path) -> None:
    """The start fails with the worker's last words and leaves nothing behind."""
    (tmp_path / "obstacle").touch()
    before = open_files()
    with pytest.raises(WorkersFailed, match="this worker does not start"):
        async with make_pool(precision=str(tmp_path / "obstacle")):
            pass
    assert open_files() == before


@pytest.mark.parametrize("busy_with", ["", "ok 0.05", "hang", "spin"])
async def test_nothing_is_left(make_pool: MakePool, busy_with: str) -> None:
    """No process and no file descriptor, so no shared memory, whatever the workers were doing."""
    before = open_files()
    async with make_pool(
        size=2, frame_timeout_s=60, close_grace_s=0.5 if busy_with in ("hang", "spin") else 30
    ) as pool:
        pids = [*pool.pids, pool._launcher.zygote_pid or 0]
        assert all(is_running(pid) for pid in pids)
        task = asyncio.create_task(assess_all(pool, [busy_with] * 3 if busy_with else []))
        await until(lambda: not busy_with or len(pool._dispatcher.queue) == 1)
    results = await task
    finished = Worked if busy_with.startswith("ok") else WorkerDied
    assert all(isinstance(result, finished) for result in results)
    until_gone(pids)
    assert open_files() == before
    with pytest.raises(WorkerDied, match="going down"):
        await pool.assess(command("ok"), b"", 720)


def test_workers_end_with_the_server() -> None:
    """A server that is killed leaves no worker behind, not even one that hangs."""
    program = """
import asyncio
from tests.server.workers.conftest import SCRIPTED_WORK, command
from facegauge_server.config import Limits
from facegauge_server.engines.student import load_student
from facegauge_server.workers.pool import FrameWorkers
from facegauge_server.workers.settings import WorkSettings

async def main():
    settings = WorkSettings(load_student("default"), Limits(), scores=True)
    async with FrameWorkers(2, settings, 600.0, work_module=SCRIPTED_WORK) as pool:
        hanging = asyncio.create_task(pool.assess(command("spin"), b"", 720))
        await asyncio.sleep(0)
        print(*pool.pids, pool._launcher.zygote_pid, flush=True)
        await hanging

asyncio.run(main())
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path or "." for path in sys.path)}
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, env=environment) as server:
        assert server.stdout is not None
        pids = [int(pid) for pid in server.stdout.readline().split()]
        assert len(pids) == 3
        assert all(is_running(pid) for pid in pids)
        server.kill()
    until_gone(pids)
