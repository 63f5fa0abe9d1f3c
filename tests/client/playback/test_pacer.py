"""The pace of a playback, on a loop whose clock the test advances."""

from __future__ import annotations

import asyncio

import pytest

from facegauge_client.playback.pacer import LONGEST_PAUSE_S, Pacer


@pytest.mark.parametrize(
    ("speed", "expected_s"),
    [(1.0, [0.0, 1.0, 2.0, LONGEST_PAUSE_S]), (2.0, [0.0, 0.5, 1.0, LONGEST_PAUSE_S]), (None, [])],
)
async def test_frames_wait_for_their_times_at_a_multiple_of_real_time(
    speed: float | None, expected_s: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gap is divided by the speed and cut to the longest pause; without a speed nothing waits."""
    waited_s: list[float] = []
    loop = asyncio.get_running_loop()
    now_s = 100.0

    async def sleep(delay_s: float) -> None:
        nonlocal now_s
        waited_s.append(delay_s)
        now_s += delay_s

    monkeypatch.setattr(asyncio, "sleep", sleep)
    monkeypatch.setattr(loop, "time", lambda: now_s)
    pacer = Pacer(speed)
    for time_s in (7.0, 8.0, 10.0, 1000.0):
        await pacer.wait_for(time_s)
    monkeypatch.undo()
    assert waited_s == expected_s
