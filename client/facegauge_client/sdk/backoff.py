"""Delays between attempts to reconnect."""

from __future__ import annotations

import random
from collections.abc import Iterator

__all__ = ["backoff_delays_s"]


def backoff_delays_s(
    *, first_s: float = 0.1, longest_s: float = 5.0, factor: float = 2.0, rng: random.Random | None = None
) -> Iterator[float]:
    """Yield delays in seconds without end: growing exponentially up to `longest_s`, each cut by up to a half.

    The cut is random, so that the clients of a server that failed do not all come back at once.
    """
    rng = rng or random.Random()  # noqa: S311 - spreads load, guards nothing
    delay_s = first_s
    while True:
        yield delay_s * rng.uniform(0.5, 1.0)
        delay_s = min(delay_s * factor, longest_s)
