"""Workers' time is shared evenly among tenants and streams, whatever their frames cost."""

from __future__ import annotations

from collections import Counter

import pytest

from facegauge_server.admission.fair_queue import FairQueue, Flow


def simulate(costs_s: dict[Flow, float], turns: int, slots: int = 1) -> Counter[str]:
    """Serve flows that always want a turn, each turn as long as its cost; returns the time of each."""
    queue = FairQueue(slots)
    for flow in costs_s:
        queue.request(flow)
    running = []
    clock_s = 0.0
    used_s: Counter[str] = Counter()
    for _ in range(turns):
        while (ticket := queue.grant()) is not None:
            running.append((clock_s + costs_s[ticket.flow], ticket))
        running.sort(key=lambda one: one[0])
        clock_s, ticket = running.pop(0)
        used_s[f"{ticket.flow.tenant}/{ticket.flow.name}"] += costs_s[ticket.flow]  # type: ignore[assignment]
        queue.finish(ticket, costs_s[ticket.flow])
        queue.request(ticket.flow)
    return used_s


def test_slow_frames_slow_down_their_sender_alone() -> None:
    """Two streams whose frames cost a hundred times as much get their even share of time, not of turns."""
    costs_s = {Flow("", f"good-{n}"): 0.01 for n in range(10)}
    costs_s |= {Flow("", f"slow-{n}"): 1.0 for n in range(2)}
    used_s = simulate(costs_s, turns=5000, slots=2)
    share = sum(used_s.values()) / len(costs_s)
    for name, one_s in used_s.items():
        assert one_s == pytest.approx(share, rel=0.1, abs=1.0), name


def test_tenants_share_evenly_however_many_streams_they_have() -> None:
    """Ninety streams of one tenant take no more than one stream of another."""
    costs_s = {Flow("big", str(n)): 0.01 for n in range(90)} | {Flow("small", "only"): 0.01}
    used_s = simulate(costs_s, turns=4000)
    assert used_s["small/only"] == pytest.approx(sum(used_s.values()) / 2, rel=0.02)


def test_a_flow_may_weigh_less() -> None:
    """Pictures get their own small share."""
    used_s = simulate({Flow("", "stream"): 0.01, Flow("", "pictures", weight=0.25): 0.01}, turns=1000)
    assert used_s["/pictures"] == pytest.approx(0.2 * sum(used_s.values()), rel=0.05)


def test_being_idle_earns_no_credit() -> None:
    """Who comes back after a pause does not hold the workers until it has caught up."""
    queue = FairQueue(1)
    busy, late = Flow("", "busy"), Flow("", "late")
    for _ in range(100):
        queue.request(busy)
        ticket = queue.grant()
        assert ticket is not None
        queue.finish(ticket, 1.0)
    for flow in (busy, late):
        queue.request(flow)
    order = []
    for _ in range(10):
        ticket = queue.grant()
        assert ticket is not None
        order.append(ticket.flow.name)
        queue.finish(ticket, 1.0)
        queue.request(ticket.flow)
    assert 4 <= order.count("late") <= 6


def test_a_flow_holds_no_more_turns_than_it_may() -> None:
    """Slots stay free rather than go to a flow that has its number."""
    queue = FairQueue(3)
    pictures = Flow("", "pictures", max_running=2)
    for _ in range(5):
        queue.request(pictures)
    granted = [queue.grant() for _ in range(3)]
    assert [ticket is not None for ticket in granted] == [True, True, False]
    queue.request(Flow("", "stream"))
    ticket = queue.grant()
    assert ticket is not None
    assert ticket.flow.name == "stream"
    assert granted[0] is not None
    queue.finish(granted[0], 0.1)
    assert queue.grant() is not None


def test_cancelled_requests_leave_nothing_behind() -> None:
    """Memory is bounded by who is here: nobody waits, nothing is kept."""
    queue = FairQueue(1)
    for n in range(1000):
        flow = Flow(f"tenant-{n}", "x")
        queue.cancel(queue.request(flow))
        queue.request(flow)
        ticket = queue.grant()
        assert ticket is not None
        queue.finish(ticket, 0.001)
        queue.cancel(ticket)
    assert len(queue) == 0
    assert len(queue._tenants) <= 2


def test_turns_that_are_bound_to_one_place_leave_slots_for_others() -> None:
    """However many wait for one worker, they hold no more slots than it has; the rest go by."""
    queue = FairQueue(4, slots_a_place=2)
    bound = [queue.request(Flow("", f"bound-{n}"), place="worker") for n in range(5)]
    free = [queue.request(Flow("", f"free-{n}")) for n in range(3)]
    granted = [queue.grant() for _ in range(5)]
    assert granted == [bound[0], bound[1], free[0], free[1], None]
    queue.finish(free[0], 0.01)
    assert queue.grant() is free[2]
    queue.finish(bound[0], 0.01)
    assert queue.grant() is bound[2]
    for ticket in (bound[1], bound[2], free[1], free[2]):
        queue.finish(ticket, 0.01)
    assert [queue.grant(), queue.grant(), queue.grant()] == [bound[3], bound[4], None]
    assert len(queue) == 0
