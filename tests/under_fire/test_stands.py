"""What ended the server once, or a call, or told a client nothing: each against the real server's process."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import grpc
import psutil
import pytest

from bench.frames import call_frames
from bench.server import Server, server_process
from facegauge.v1 import quality_pb2 as pb
from facegauge.v1 import quality_pb2_grpc
from tests.under_fire.pictures import jpeg_of, png_of

pytestmark = [pytest.mark.slow, pytest.mark.siege, pytest.mark.timeout(240)]

LIMIT_S = 60.0
SERVICE = "/facegauge.v1.QualityService/"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One server for all: what one test does to it, the next one finds."""
    with server_process("--max-streams", "4", "--workers", "2", "--frame-timeout", "1") as one:
        yield one


@pytest.fixture(scope="module")
def face() -> bytes:
    return call_frames(1)[0]


@contextmanager
def stub_of(server: Server) -> Iterator[quality_pb2_grpc.QualityServiceStub]:
    with grpc.insecure_channel(server.target, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
        yield quality_pb2_grpc.QualityServiceStub(channel)


def config(stream_id: str, **fields: object) -> pb.MonitorStreamRequest:
    fields.setdefault("delivery", pb.DELIVERY_COMPLETE)
    return pb.MonitorStreamRequest(config=pb.StreamConfig(stream_id=stream_id, **fields))  # type: ignore[arg-type]


def results(server: Server, stream_id: str, *frames: pb.Frame) -> list[pb.Assessment]:
    """Send frames; return the assessments of them."""
    requests = [config(stream_id)]
    for sequence, frame in enumerate(frames):
        frame.sequence, frame.capture_time_s = sequence, sequence / 5
        requests.append(pb.MonitorStreamRequest(frame=frame))
    with stub_of(server) as stub:
        responses = list(stub.MonitorStream(iter(requests), timeout=LIMIT_S))
    return [one.assessment for one in responses if one.HasField("assessment") and one.assessment.result]


def until(condition: Callable[[], bool]) -> float:
    """Wait for a condition; return how long it took, seconds."""
    start_s = time.monotonic()
    while not condition():
        assert time.monotonic() - start_s < LIMIT_S
        time.sleep(0.02)  # how often it is asked
    return time.monotonic() - start_s


def workers_of(server: Server) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return [worker for zygote in server.process.children() for worker in zygote.children()]
    return []


def status_of(server: Server, path: str) -> int:
    try:
        url = server.metrics_url.replace("/metrics", path)
        with urllib.request.urlopen(url, timeout=LIMIT_S) as response:  # noqa: S310 - our own server
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.parametrize(
    "frame",
    [
        pb.Frame(encoding=pb.FRAME_ENCODING_PNG, data=png_of(32767, 32)),
        pb.Frame(encoding=pb.FRAME_ENCODING_RGB24, width=65500, height=3, data=bytes(65500 * 9)),
        pb.Frame(encoding=pb.FRAME_ENCODING_RGB24, width=3, height=65500, data=bytes(65500 * 9)),
        pb.Frame(encoding=pb.FRAME_ENCODING_JPEG, data=jpeg_of(8000, 1)),
        pb.Frame(encoding=pb.FRAME_ENCODING_JPEG, data=jpeg_of(1, 65000)),
    ],
)
def test_a_picture_that_ended_the_process_is_refused(server: Server, face: bytes, frame: pb.Frame) -> None:
    """With a sentence, before native code sees it; the stream goes on, and no worker had to be replaced."""
    before = {worker.pid for worker in workers_of(server)}
    bad, good = results(server, "sides", frame, pb.Frame(data=face))
    assert (bad.result, good.result) == (pb.FRAME_RESULT_ERROR, pb.FRAME_RESULT_SCORED)
    assert " " in bad.error
    assert {worker.pid for worker in workers_of(server)} == before


@pytest.mark.parametrize("method", ["MonitorStream", "AssessImage", "ListStreams", "WatchStreams"])
@pytest.mark.parametrize("data", [b"\x0a\xff\xff\xff\xff\x7f", b"\xff" * 100])
def test_what_is_no_message_is_the_callers_error(server: Server, method: str, data: bytes) -> None:
    """INVALID_ARGUMENT and a sentence, not UNKNOWN and a parser's words."""
    with grpc.insecure_channel(server.target) as channel:
        call: grpc.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(SERVICE + method)
        with pytest.raises(grpc.RpcError) as caught:
            list(call(iter([data]), timeout=LIMIT_S))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "the request is no facegauge.v1." in (caught.value.details() or "")


@pytest.mark.parametrize("field", ["max_fps", "min_fps"])
@pytest.mark.parametrize("value", [1e-9, -1.0, 1e9, float("nan"), float("inf")])
def test_numbers_of_a_config_have_limits(server: Server, field: str, value: float) -> None:
    with stub_of(server) as stub, pytest.raises(grpc.RpcError) as caught:
        list(stub.MonitorStream(iter([config("numbers", **{field: value})]), timeout=LIMIT_S))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert field in (caught.value.details() or "")


def test_a_killed_worker_is_back(server: Server, face: bytes) -> None:
    """Soon, and a frame that comes as soon as it is dead is scored all the same."""
    before = {worker.pid for worker in workers_of(server)}
    killed = workers_of(server)[0]
    killed.kill()
    until(lambda: not killed.is_running())  # a zombie may have threads yet, which keep its connection open
    assert [one.result for one in results(server, "killed", pb.Frame(data=face))] == [pb.FRAME_RESULT_SCORED]
    until(lambda: len({worker.pid for worker in workers_of(server)} - before) == 1)
    until(lambda: status_of(server, "/readyz") == 200)


def test_workers_that_hang_are_replaced(server: Server, face: bytes) -> None:
    """The server lives and says so meanwhile; afterwards it is ready, and scores."""
    hanging = workers_of(server)
    for worker in hanging:
        worker.send_signal(signal.SIGSTOP)
    assert status_of(server, "/livez") == 200
    until(lambda: not any(worker.is_running() for worker in hanging))
    until(lambda: status_of(server, "/readyz") == 200)
    until(
        lambda: (
            [one.result for one in results(server, "hung", pb.Frame(data=face))] == [pb.FRAME_RESULT_SCORED]
        )
    )


def test_hangup_rereads_and_ends_nothing(server: Server, face: bytes) -> None:
    server.process.send_signal(signal.SIGHUP)
    assert [one.result for one in results(server, "hup", pb.Frame(data=face))] == [pb.FRAME_RESULT_SCORED]


def start(*flags: str, **options: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "facegauge_server", "--listen", "127.0.0.1:0", *flags]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)  # type: ignore[call-overload,no-any-return]


def test_metrics_beyond_loopback_want_a_flag() -> None:
    """The ids of streams and calls are not for everyone: it does not start, and says what is missing."""
    with start("--metrics-listen", "0.0.0.0:0", stderr=subprocess.PIPE) as process:
        _, words = process.communicate(timeout=LIMIT_S)
    assert process.returncode
    assert "--metrics-insecure" in words


@pytest.mark.parametrize("log", ["a full disk", "a closed pipe"])
def test_a_log_that_fails_locks_nobody_out(log: str) -> None:
    """Streams come and go, more than there are places; SIGTERM ends the server within its grace."""
    ours, theirs = socket.socketpair()
    ours.close()
    with theirs, open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        flags = ("--metrics-listen", "127.0.0.1:0", "--max-streams", "2", "--drain-grace", "2")
        with start(*flags, stderr=full if log == "a full disk" else theirs) as process:
            assert process.stdout is not None
            target = process.stdout.readline().split('"listen": "')[1].split('"')[0]
            server = Server(target, "", psutil.Process(process.pid))
            for number in range(6):
                answers = results(server, f"unlogged-{number}", pb.Frame(data=b"no picture"))
                assert [one.result for one in answers] == [pb.FRAME_RESULT_ERROR]
            process.terminate()
            assert process.wait(LIMIT_S) == 0


def test_sigterm_ends_the_server_whatever_hangs(face: bytes) -> None:
    """Workers that stand still, a client that never reads and one that never ends: no process is left."""
    with server_process("--drain-grace", "2") as server, stub_of(server) as stub:
        family = [server.process, *server.process.children(recursive=True)]
        silent = stub.MonitorStream(iter(()), timeout=LIMIT_S)
        unread = stub.MonitorStream(
            iter([config("unread"), *[pb.MonitorStreamRequest(frame=pb.Frame(data=face))] * 20]),
            timeout=LIMIT_S,
        )
        until(lambda: stub.ListStreams(pb.ListStreamsRequest(), timeout=LIMIT_S).total == 1)
        for worker in workers_of(server):
            worker.send_signal(signal.SIGSTOP)
        server.process.terminate()
        _, alive = psutil.wait_procs(family, timeout=30)
        silent.cancel()
        unread.cancel()
    assert alive == []
