"""Waiting between attempts."""

# ruff: noqa: S311 - seeds make the test repeatable
from __future__ import annotations

import random
from itertools import islice

from facegauge_client.sdk.backoff import backoff_delays_s


def test_delays_grow_exponentially_up_to_the_longest_with_jitter() -> None:
    """Each delay is from half to all of 0.1, 0.2, 0.4 ... 5 s, and no two clients wait alike."""
    ceilings = [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    delays = list(islice(backoff_delays_s(rng=random.Random(1)), 8))
    assert all(ceiling / 2 <= delay <= ceiling for delay, ceiling in zip(delays, ceilings, strict=True))
    assert delays != list(islice(backoff_delays_s(rng=random.Random(2)), 8))
