"""How a ring hash deals streams to replicas that can be full."""

from __future__ import annotations

import pytest

from facegauge_plan.ring import deal, hashes


def test_one_replica_gets_all_that_it_bears() -> None:
    """And there is no other for the rest."""
    dealt = deal(1, 1000, 900)
    assert (dealt.fullest_share, dealt.moved, dealt.refused) == (1, 0, 100)


def test_streams_are_dealt_alike_each_time() -> None:
    """A plan can be compared with yesterday's."""
    assert deal(10, 5000, 600) == deal(10, 5000, 600)


@pytest.mark.parametrize("replicas", [10, 200])
def test_a_larger_ring_deals_more_evenly(replicas: int) -> None:
    """So fewer streams find their replica full, and with room enough none does."""
    streams, full = 200 * replicas, 220
    small, large = (deal(replicas, streams, full, size) for size in (20 * replicas, 2000 * replicas))
    assert 1 < large.fullest_share < small.fullest_share
    assert large.moved < small.moved
    assert deal(replicas, streams, streams).moved == 0


def test_a_full_replica_leads_to_the_next() -> None:
    """No stream is refused while its neighbours have room; where all are full, they are."""
    assert deal(10, 1000, 120).refused == 0
    assert deal(10, 1000, 90).refused == 100


def test_hashes_fill_their_range() -> None:
    """Their mean is its middle, within chance."""
    assert hashes("x", 10_000).mean() / 2**63 == pytest.approx(1, abs=0.03)
