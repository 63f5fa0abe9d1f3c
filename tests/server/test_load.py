"""The wait for a worker says when the server is full; it is forgotten when nobody waits any more."""

from __future__ import annotations

import pytest

from facegauge_server.config import Config, StreamSettings
from facegauge_server.errors import ServerFull
from facegauge_server.load import WorkerWait
from facegauge_server.sessions import SessionTable
from facegauge_server.types import Delivery


def waiting(wait_s: float, *, until_s: float) -> WorkerWait:
    """A server on which every frame, a hundred a second, has waited so long."""
    wait = WorkerWait()
    for number in range(round(until_s * 100)):
        wait.observe(wait_s, number / 100)
    return wait


def test_the_mean_follows_the_waits() -> None:
    """One slow frame among many is little; ten seconds of slow ones are all there is."""
    wait = waiting(0.0, until_s=5)
    wait.observe(1.0, 5.0)
    assert wait.mean_s(5.0) < 0.01
    assert waiting(0.4, until_s=10).mean_s(10.0) == pytest.approx(0.4, rel=0.01)


def test_it_is_forgotten_without_frames() -> None:
    """A server whose streams have all gone is free again within seconds."""
    wait = waiting(0.4, until_s=10)
    assert wait.mean_s(20.0) < 0.01


def test_the_first_frame_counts_in_full() -> None:
    """Before it there was nothing to weigh it against."""
    wait = WorkerWait()
    assert wait.mean_s(3.0) == 0
    wait.observe(0.2, 3.0)
    assert wait.mean_s(3.0) == pytest.approx(0.2)


def test_a_busy_server_takes_no_new_live_stream() -> None:
    """It says how long frames wait and which flag moves the bound; recorded ones may come, and all later."""
    table = SessionTable(Config(), wait=waiting(0.4, until_s=10))
    with pytest.raises(ServerFull, match=r"39\d ms for a worker \(--max-worker-wait\)"):
        table.open(StreamSettings(stream_id="live"), now_s=10.0)
    table.open(StreamSettings(stream_id="recorded", delivery=Delivery.COMPLETE), now_s=10.0)
    table.open(StreamSettings(stream_id="live"), now_s=20.0)


def test_a_stream_that_is_there_may_come_back() -> None:
    """A broken connection is taken up whatever the load: its share was counted already."""
    wait = WorkerWait()
    table = SessionTable(Config(), wait=wait)
    opened = table.open(StreamSettings(stream_id="live"), now_s=0.0)
    for number in range(1000):
        wait.observe(0.4, number / 100)
    token = opened.session.token
    assert table.open(StreamSettings(stream_id="live", resume_token=token), now_s=10.0).resumed
