"""The server opens no connection of its own: no picture, no face and no telemetry leaves it."""

import os
import re
import signal
from pathlib import Path

import pytest

from facegauge_client import Delivery
from facegauge_client.sync import Client

from .conftest import StartServerProcess, find_program

CONNECT = re.compile(r"(connect|sendto|sendmsg|sendmmsg)\(.*?(sa_family=AF_INET6?.*?)\}")
LOOPBACK = re.compile(r'inet_addr\("127\.|inet_pton\(AF_INET6, "::1"|"::ffff:127\.')


def test_the_server_talks_to_loopback_only(
    start_server_process: StartServerProcess,
    portrait_jpeg: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From its start through a replay to its end, strace sees the server address nobody beyond loopback.

    Polling a table of sockets would miss a look-up of a host's name; a trace of the system calls does not.
    """
    trace = tmp_path / "trace"
    monkeypatch.delenv(
        "CI", raising=False
    )  # where it is set, some packages keep their telemetry to themselves
    calls = "trace=connect,sendto,sendmsg,sendmmsg"
    strace = (find_program("strace"), "-f", "-qq", "-e", calls, "-o", str(trace))
    server = start_server_process(under=strace)
    with Client(server.listen) as client, client.monitor("s", delivery=Delivery.COMPLETE) as stream:
        for number in range(20):
            stream.send(portrait_jpeg, capture_time_s=number / 5)
        stream.finish()
        assert sum(assessment.result == "scored" for assessment in stream) == 20
    os.kill(server.pid, signal.SIGTERM)
    server.process.wait(60)
    lines = trace.read_text().splitlines()
    strangers = [line for line in lines if (found := CONNECT.search(line)) and not LOOPBACK.search(found[2])]
    assert not strangers
    assert lines, "the trace saw nothing: is strace allowed here?"


@pytest.mark.parametrize(
    ("line", "stranger"),
    [
        (
            '7 connect(3, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("10.0.0.1")}, 16) = 0',
            True,
        ),
        (
            '7 connect(3, {sa_family=AF_INET, sin_port=htons(8), sin_addr=inet_addr("127.0.0.1")}, 16) = 0',
            False,
        ),
        ('7 connect(3, {sa_family=AF_UNIX, sun_path="/run/x"}, 110) = 0', False),
    ],
)
def test_the_reading_of_the_trace(line: str, stranger: bool) -> None:
    """The test above can fail: its pattern finds a name server and lets loopback pass."""
    found = CONNECT.search(line)
    assert bool(found and not LOOPBACK.search(found[2])) == stranger
