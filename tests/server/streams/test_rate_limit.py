"""A stream keeps to its maximum rate over time, with a little room for uneven arrival."""

from __future__ import annotations

import math

import pytest

from facegauge_server.streams.rate_limit import BURST_S, RateLimit


@pytest.mark.parametrize("max_fps", [0.5, 1.0, 10.0, 60.0])
def test_the_rate_holds_for_whoever_takes_every_chance(max_fps: float) -> None:
    """Frames that pass as soon as they may come at `max_fps`, but for the burst at the start."""
    limit = RateLimit(max_fps)
    now_s = 100.0
    for _ in range(1000):
        now_s = max(now_s, limit.ready_s)
        limit.take(now_s)
    assert now_s - 100.0 == pytest.approx(999 / max_fps - BURST_S)


def test_a_pause_earns_nothing() -> None:
    """After an hour of silence a stream may not catch up: only the burst passes."""
    limit = RateLimit(25.0)
    limit.take(0.0)
    passed = 0
    while limit.ready_s <= 3600.0:
        limit.take(3600.0)
        passed += 1
    assert passed == 3, "a tenth of a second's worth: two frames and a half"


def test_without_a_limit_every_frame_passes() -> None:
    """0 frames per second stands for any rate."""
    limit = RateLimit(0)
    for _ in range(1000):
        assert limit.ready_s == -math.inf
        limit.take(5.0)
