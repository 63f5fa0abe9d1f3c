"""`facegauge events` with a real server: JSON lines that scripts read."""

from __future__ import annotations

import json
import signal
import subprocess

import numpy as np

from facegauge_client import Delivery
from facegauge_client.sync import Client

from .conftest import ServerProcess


def test_the_events_of_a_call_are_json_lines(facegauge: str, server: ServerProcess) -> None:
    """Beginning and end of its stream, under the interface's field names; Ctrl-C ends it with exit code 0."""
    with Client(server.listen) as client:
        for call_id in ("standup", "another"):
            with client.monitor("alice", call_id, delivery=Delivery.COMPLETE) as stream:
                stream.send(np.zeros((90, 160, 3), np.uint8), capture_time_s=0.0)
                stream.finish()
                list(stream)
    command = [facegauge, "events", "--server", server.listen, "--call-id", "standup", "--oldest"]
    command += ["--kind", "stream_began", "--kind", "stream_ended"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        began, ended = (json.loads(program.stdout.readline()) for _ in range(2))
        program.send_signal(signal.SIGINT)
        assert program.wait(60) == 0
        assert program.stdout.read() == ""
    assert (began["kind"], ended["kind"]) == ("stream_began", "stream_ended")
    assert {began["call_id"], ended["call_id"]} == {"standup"}
    assert ended["summary"]["frames_no_face"] == 1
    assert ended["sequence"] > began["sequence"]


def test_a_server_that_is_not_there_is_one_sentence(facegauge: str) -> None:
    """Exit code 1 after the time that the caller gives it."""
    command = [facegauge, "events", "--server", "127.0.0.1:1", "--reconnect-timeout", "0"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stdout) == (1, "")
    assert "127.0.0.1:1" in result.stderr
    assert "Traceback" not in result.stderr
