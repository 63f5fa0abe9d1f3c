"""A stream that fails at once is not hammered; one that has run for long is back at once."""

from __future__ import annotations

from facegauge_gateway.forward.retry_delays import FIRST_DELAY_S, LONGEST_DELAY_S, RetryDelays


def test_waits_grow_while_attempts_fail() -> None:
    """Up to the longest, each cut by up to a half so that streams do not come back together."""
    delays = RetryDelays()
    waits_s = [delays.after(0.01) for _ in range(20)]
    for number, wait_s in enumerate(waits_s):
        whole_s = min(FIRST_DELAY_S * 2**number, LONGEST_DELAY_S)
        assert whole_s / 2 <= wait_s <= whole_s


def test_a_stream_that_has_lasted_begins_anew() -> None:
    """What failed hours ago says nothing: its pictures would be dropped meanwhile."""
    delays = RetryDelays()
    for _ in range(20):
        delays.after(0.01)
    assert delays.after(LONGEST_DELAY_S) <= FIRST_DELAY_S
    assert delays.after(0.01) >= FIRST_DELAY_S
