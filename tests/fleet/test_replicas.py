"""`facegauge-server --replicas`: the real command, Envoy by the file that it keeps, and the SDK."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bench.envoy import envoy_process
from facegauge_client import Client
from tests.fleet.played_streams import PlayedStreams

STREAMS = 6


@contextmanager
def replicas_process(
    count: int, envoy_file: Path
) -> Iterator[tuple[subprocess.Popen[str], list[dict[str, Any]]]]:
    """Run replicas on free ports."""
    command = (
        *(
            sys.executable,
            "-m",
            "facegauge_server",
            "--replicas",
            str(count),
            "--envoy-replicas",
            str(envoy_file),
        ),
        *("--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"),
        *("--precision", "f32", "--workers", "1", "--max-worker-wait", "60"),
    )
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            assert ready["pid"] == process.pid
            yield process, ready["replicas"]
        finally:
            process.terminate()


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_killed_replica_comes_back_and_all_drain(small_portrait: bytes) -> None:
    """Each replica has cores of its own. One is killed: streams go on, and Envoy hears of the new one.

    At the end every stream has its summary, and nothing is left running.
    """
    with (
        envoy_process([]) as envoy,
        replicas_process(2, envoy.folder / "replicas.yaml") as (process, replicas),
    ):
        first, second = (one["listen"] for one in replicas)
        await asyncio.to_thread(envoy.wait_for, [first, second])
        cores = [os.sched_getaffinity(one["pid"]) for one in replicas]
        assert cores[0] | cores[1] == os.sched_getaffinity(0)
        assert not cores[0] & cores[1] or len(cores[0] | cores[1]) == 1
        async with Client(envoy.target) as client:
            async with PlayedStreams(client, small_portrait, STREAMS) as streams:
                await streams.answered()
                os.kill(replicas[0]["pid"], signal.SIGKILL)
                await streams.answered(times=2)
                assert not streams.errors

                def is_back() -> bool:
                    healthy = envoy.healthy_replicas()
                    return len(healthy) == 2 and second in healthy and first not in healthy

                async with asyncio.timeout(60):
                    while not await asyncio.to_thread(is_back):
                        await asyncio.sleep(0.1)
            assert not streams.errors

            async with client.monitor("the last one", reconnect_timeout_s=0) as stream:
                await stream.send(small_portrait)
                await anext(stream)
                process.terminate()
                async with asyncio.timeout(60):
                    assert [assessment async for assessment in stream] == []
                assert stream.summary is not None
                assert stream.summary.frames_scored == 1
        assert await asyncio.to_thread(process.wait, 60) == 0
        with pytest.raises(ProcessLookupError):
            os.kill(replicas[1]["pid"], 0)
