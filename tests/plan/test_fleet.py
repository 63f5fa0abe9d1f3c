"""How many replicas carry a workload."""

from __future__ import annotations

from dataclasses import replace

import pytest

from facegauge_plan.demand import BadWorkload, Workload
from facegauge_plan.fleet import Replica, plan_fleet
from facegauge_plan.ring import deal

from .made import CONSTANTS

WORK = Workload(streams=5000, codec="jpeg", scored_fps=2, width=1000, height=1000, student="light")
SHAPE = Replica(cores=2, utilisation=0.5, spare=2, ring_size=65536)


def test_no_stream_is_refused_and_none_too_many_replicas_are_paid_for() -> None:
    """Where those to spare are gone; a few less would refuse some."""
    fleet = plan_fleet(WORK, SHAPE, CONSTANTS, core_hour_price=0.1)
    assert (fleet.streams_per_replica, fleet.bound_by) == (37, "cores")  # 0.5 * 2 / 0.027
    working = fleet.replicas - 2
    assert fleet.dealt == deal(working, 5000, 37, SHAPE.ring_size)
    assert fleet.dealt.refused == 0
    assert deal(working - 3, 5000, 37, SHAPE.ring_size).refused > 0
    assert fleet.busy_cores == pytest.approx(135)
    assert fleet.cores == 2 * fleet.replicas
    assert fleet.series == 5000 * 24 + fleet.replicas * 300
    assert fleet.mbit_per_s == pytest.approx(5000 * 1.6)
    assert fleet.cost_a_stream_month == pytest.approx(0.1 * 730 * fleet.cores / 5000)
    assert fleet.replica_memory_mib == pytest.approx(100 + 160 + 0.5 * 37)


@pytest.mark.parametrize(
    ("shape", "bound_by"),
    [({"cores": 64.0, "max_streams": 10_000}, "its main process"), ({"max_streams": 20}, "--max-streams")],
)
def test_what_runs_out_first_is_named(shape: dict[str, float], bound_by: str) -> None:
    """More cores do not help where one thread, or a limit, is what holds."""
    fleet = plan_fleet(WORK, replace(SHAPE, **shape), CONSTANTS)  # type: ignore[arg-type]
    assert fleet.bound_by == bound_by


def test_what_cannot_be_is_named() -> None:
    """A stream that no replica bears, and shapes that are none."""
    coded = replace(WORK, codec="h264", width=8000, height=4000)
    with pytest.raises(BadWorkload, match="more than a replica of 2 bears"):
        plan_fleet(coded, SHAPE, CONSTANTS)
    with pytest.raises(BadWorkload, match="cores must be greater"):
        Replica(cores=0)
    with pytest.raises(BadWorkload, match="utilisation is at most 1"):
        Replica(utilisation=1.2)
    with pytest.raises(BadWorkload, match="spare must be"):
        Replica(spare=-1)
