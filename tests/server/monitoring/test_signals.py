"""Signals count whatever the main thread is doing."""

from __future__ import annotations

import signal
import subprocess
import sys
from textwrap import dedent

import pytest

PROGRAM = dedent("""
    import sys, threading, time
    from facegauge_server.monitoring.signals import SignalThread

    def say(word):
        print(word, flush=True)

    SignalThread.block()
    SignalThread(lambda: say("stop"), lambda: say("reread"), grace_s=float(sys.argv[1])).start()
    say("started")
    while True:  # a blocked loop
        time.sleep(1)
""")


def start(grace_s: float) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(grace_s)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_drain_that_never_finishes_ends_all_the_same(number: signal.Signals) -> None:
    """SIGTERM ends the process within the grace, whatever hangs."""
    process = start(grace_s=0.5)
    process.send_signal(number)
    output, _ = process.communicate(timeout=100)
    assert output == "stop\n"
    assert process.returncode == 1


def test_a_second_signal_ends_it_at_once() -> None:
    """Whoever does not want to wait sends another."""
    process = start(grace_s=3600)
    assert process.stdout is not None
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == "stop\n"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=100)
    assert process.returncode == 1


def test_hangup_rereads_and_never_kills() -> None:
    """SIGHUP asks for files to be read again, any number of times."""
    process = start(grace_s=0.1)
    assert process.stdout is not None
    for _ in range(3):
        process.send_signal(signal.SIGHUP)
        assert process.stdout.readline() == "reread\n"
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=100)
