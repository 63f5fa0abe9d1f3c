"""Two minutes of every stream that is there, second by second."""

from __future__ import annotations

import json
from dataclasses import replace

from facegauge_client import StreamStatus
from facegauge_gateway.ui.histories import LENGTH, Histories

ALICE = StreamStatus(stream_id="alice", call_id="standup", quality=0.5, age_s=100.0)


def history(histories: Histories, stream: StreamStatus = ALICE) -> list[float | None]:
    return json.loads(Histories.text(histories.copy([stream])[0]))  # type: ignore[no-any-return]  # JSON


def grown(age_s: float, quality: float | None = 0.5) -> StreamStatus:
    return replace(ALICE, age_s=age_s, quality=quality)


def test_the_oldest_goes_and_a_missing_quality_is_no_zero() -> None:
    histories = Histories()
    for second in range(LENGTH + 5):
        quality = None if second == LENGTH else second / 1000
        histories.add([grown(100.0 + second, quality)], now_s=float(second))
    assert len(history(histories)) == LENGTH
    assert history(histories)[0] == 0.005
    assert history(histories)[-5:] == [None, 0.121, 0.122, 0.123, 0.124]


def test_seconds_without_a_list_are_told_as_such() -> None:
    """As when the server was away; a list that is a little late leaves none out."""
    histories = Histories()
    for age_s, now_s in ((100.0, 0.0), (102.0, 2.0), (107.0, 7.0)):
        histories.add([grown(age_s)], now_s)
    assert history(histories) == [0.5, 0.5, None, None, None, None, 0.5]


def test_a_stream_that_ended_takes_its_history_along() -> None:
    """Whether it is missing from a list, or another one under its name is younger than it was."""
    histories = Histories()
    histories.add([ALICE], 0.0)
    histories.add([grown(0.3)], 1.0)
    assert history(histories) == [0.5]
    histories.add([], 2.0)
    histories.add([grown(1.5)], 3.0)
    assert history(histories) == [0.5]


def test_streams_of_the_same_name_in_two_tenants_are_two() -> None:
    other = replace(ALICE, tenant="acme", quality=0.25)
    histories = Histories()
    histories.add([ALICE, other], 0.0)
    assert (history(histories), history(histories, other)) == ([0.5], [0.25])
