"""The server as a process: it says where it listens, drains on SIGTERM, refuses bad flags in one sentence."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest

from facegauge.v1 import quality_pb2 as pb
from facegauge.v1 import quality_pb2_grpc

from .conftest import config_request, frame_request, read_rest


@asynccontextmanager
async def server_process(*flags: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, str]]]:
    """Start the real command on free ports and wait until it says that it is ready."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "facegauge_server", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", *flags),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield process, json.loads(await process.stdout.readline())
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def test_sigterm_finishes_live_streams(portrait_jpeg: bytes) -> None:
    """SIGTERM during eight live streams: each is told and summed up; exit code 0 within the grace."""
    async with server_process("--drain-grace", "10") as (process, ready):
        async with grpc.aio.insecure_channel(ready["listen"]) as channel:
            stub = quality_pb2_grpc.QualityServiceStub(channel)
            calls = [stub.MonitorStream() for _ in range(8)]
            for number, call in enumerate(calls):
                await call.write(config_request(f"stream-{number}"))
                await call.write(frame_request(portrait_jpeg))
                for _ in range(2):
                    await call.read()  # accepted, assessed
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(10):
                for call in calls:
                    responses = await read_rest(call)
                    kinds = [response.WhichOneof("message") for response in responses]
                    assert kinds == ["notice", "summary"]
                    assert responses[0].notice.kind == pb.Notice.KIND_DRAINING
                    assert responses[1].summary.frames_scored == 1
                    assert await call.code() is grpc.StatusCode.OK
                assert await process.wait() == 0


async def test_a_second_signal_exits_at_once() -> None:
    """Whoever does not want to wait for the drain signals again."""
    async with server_process("--drain-grace", "60", "--precision", "f32") as (process, ready):
        async with grpc.aio.insecure_channel(ready["listen"]) as channel:
            # A call that no drain ends: the grace would be waited out.
            call = quality_pb2_grpc.QualityServiceStub(channel).WatchStreams(
                pb.WatchStreamsRequest(interval_s=60)
            )
            await call.read()
            assert process.stderr is not None
            process.send_signal(signal.SIGTERM)
            while b"draining" not in await process.stderr.readline():
                pass
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(10):
                assert await process.wait() == 1


@pytest.mark.parametrize(
    ("flags", "code", "text"),
    [
        (["--listen", "nowhere"], 2, "--listen wants HOST:PORT"),
        (["--listen", "0.0.0.0:50051"], 2, "--insecure"),
        (["--workers", "0"], 2, "--workers must be greater than 0"),
        (["--tls-cert", "cert.pem"], 2, "--tls-key"),
        (["--model", "no-such-student"], 1, "no-such-student"),
        (["--config", "no-such-file.toml"], 2, "no-such-file.toml"),
        (["--no-such-flag"], 2, "no-such-flag"),
    ],
)
async def test_bad_flags_get_one_sentence(flags: list[str], code: int, text: str) -> None:
    """Exit code 2 for bad usage, 1 for a failure; no traceback."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "facegauge_server", *flags, stderr=asyncio.subprocess.PIPE
    )
    _, stderr = await process.communicate()
    assert process.returncode == code
    assert text in stderr.decode()
    assert "Traceback" not in stderr.decode()


async def test_a_taken_port_is_said(tmp_path: Path) -> None:
    """Two servers cannot have one port; the second says which, and what to do."""
    quick = ("--precision", "f32")
    async with server_process(*quick) as (_, ready):
        for flag, address in (("--listen", ready["listen"]), ("--metrics-listen", ready["metrics"][7:-8])):
            other = "--metrics-listen" if flag == "--listen" else "--listen"
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "facegauge_server", flag, address, other, "127.0.0.1:0", *quick),
                stderr=asyncio.subprocess.PIPE,
                cwd=tmp_path,
            )
            _, stderr = await process.communicate()
            assert process.returncode == 2
            assert f"choose another {flag}" in stderr.decode().lower()


async def test_settings_come_from_a_file_and_the_environment(tmp_path: Path) -> None:
    """A TOML file sets what no flag or variable does; a setting that does not exist is refused by name."""
    config = tmp_path / "facegauge.toml"
    config.write_text('max_streams = 1\nlisten = "127.0.0.1:1"\n')
    os_environment = {**os.environ, "FACEGAUGE_LISTEN": "nonsense"}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "facegauge_server", "--config", str(config)),
        env=os_environment,
        stderr=asyncio.subprocess.PIPE,
    )
    _, stderr = await process.communicate()
    assert "--listen wants HOST:PORT" in stderr.decode(), "the variable beats the file"
    config.write_text("max_steams = 1\n")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "facegauge_server", "--config", str(config), stderr=asyncio.subprocess.PIPE
    )
    _, stderr = await process.communicate()
    assert process.returncode == 2
    assert "'max_steams' is no setting" in stderr.decode()
