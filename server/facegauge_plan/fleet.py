"""How many replicas carry a workload, and what that costs."""

from __future__ import annotations

import math
from dataclasses import dataclass

from facegauge_plan.constants import Constants
from facegauge_plan.demand import BadWorkload, StreamDemand, Workload, stream_demand
from facegauge_plan.ring import RING_SIZE, Dealt, deal

__all__ = ["Fleet", "Replica", "plan_fleet"]

HOURS_A_MONTH = 730
MAX_REPLICAS = 20_000


@dataclass(frozen=True, slots=True)
class Replica:
    """Shape of a replica."""

    cores: float = 2.0
    """Worker processes are as many, rounded up."""
    utilisation: float = 0.65
    """Share of its cores that is busy at most: beyond, answers come late (docs/performance.md)."""
    main_utilisation: float = 0.5
    """Share of the one thread of its own process that is busy at most."""
    spare: int = 1
    """Replicas that may be gone, killed or drained, while the others carry all."""
    max_streams: int = 256
    """`--max-streams`."""
    ring_size: int = RING_SIZE
    """Entries on Envoy's ring (`minimum_ring_size`)."""

    def __post_init__(self) -> None:
        for name in ("cores", "utilisation", "main_utilisation", "max_streams", "ring_size"):
            if not getattr(self, name) > 0:
                raise BadWorkload(f"{name} must be greater than 0")
        if self.utilisation > 1 or self.main_utilisation > 1:
            raise BadWorkload("a utilisation is at most 1")
        if self.spare < 0:
            raise BadWorkload("spare must be at least 0")


@dataclass(frozen=True, slots=True)
class Fleet:
    """What carries a workload."""

    stream: StreamDemand
    streams_per_replica: int
    """That one replica bears: its `--max-streams`, so that it refuses more."""
    bound_by: str
    """What it runs out of first: `cores`, `its main process` or `--max-streams`."""
    replicas: int
    """With those that are to spare."""
    dealt: Dealt
    """Where the streams are, with the spare replicas gone."""
    busy_cores: float
    """That the streams keep busy."""
    cores: float
    """That are paid for."""
    memory_gib: float
    """Of all replicas."""
    replica_memory_mib: float
    """Of a full one: the limit to set is half as much again."""
    mbit_per_s: float
    series: int
    cost_a_stream_month: float


def plan_fleet(work: Workload, replica: Replica, constants: Constants, core_hour_price: float = 0.0) -> Fleet:
    """Return a small number of replicas of a shape that take all streams, each as many as it bears.

    Raises:
        BadWorkload: one replica cannot bear a single stream, or it would take too many.
    """
    stream = stream_demand(work, constants)
    bounds = {
        "cores": replica.utilisation * replica.cores / stream.cores,
        "its main process": replica.main_utilisation * 1000 / stream.main_ms,
        "--max-streams": float(replica.max_streams),
    }
    bound_by = min(bounds, key=lambda name: bounds[name])
    bearable = math.floor(bounds[bound_by])
    if bearable < 1:
        raise BadWorkload(
            f"a stream of this kind takes {stream.cores:.2f} cores, more than a replica of {replica.cores:g} "
            "bears: give it more cores, or decode fewer units"
        )
    working, dealt = _enough(work.streams, bearable, replica.ring_size)
    replicas = working + replica.spare
    workers = math.ceil(replica.cores)
    idle_mib = constants.base_mib + workers * constants.worker_mib
    cores = replicas * replica.cores
    return Fleet(
        stream=stream,
        streams_per_replica=bearable,
        bound_by=bound_by,
        replicas=replicas,
        dealt=dealt,
        busy_cores=work.streams * stream.cores,
        cores=cores,
        memory_gib=(replicas * idle_mib + work.streams * stream.memory_mib) / 1024,
        replica_memory_mib=idle_mib + bearable * stream.memory_mib,
        mbit_per_s=work.streams * stream.kbit_per_s / 1000,
        series=work.streams * stream.series + replicas * constants.series_per_replica,
        cost_a_stream_month=core_hour_price * HOURS_A_MONTH * cores / work.streams,
    )


def _enough(streams: int, capacity: int, ring_size: int) -> tuple[int, Dealt]:
    """Return how many replicas take all streams, to a hundredth, and how the streams lie then."""
    few = -(-streams // capacity)
    if few > MAX_REPLICAS:
        raise BadWorkload(f"more than {MAX_REPLICAS} replicas: give them more cores")
    enough, dealt = few, deal(few, streams, capacity, ring_size)
    while dealt.refused:
        few, enough = enough, enough + max(1, enough // 8)
        dealt = deal(enough, streams, capacity, ring_size)
    while enough - few > max(1, enough // 100):
        between = (few + enough) // 2
        tried = deal(between, streams, capacity, ring_size)
        if tried.refused:
            few = between
        else:
            enough, dealt = between, tried
    return enough, dealt
