"""What each replica is started with: the command's own flags, its ports and its cores."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from facegauge_server.config import Address
from facegauge_server.errors import BadConfiguration
from facegauge_server.replica_name import REPLICA_VARIABLE
from facegauge_server.replicas.cores import share_cores

__all__ = ["Plan", "end_with_parent", "plan_replicas"]

LAST_PORT = 65535
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Plan:
    """One replica."""

    number: int
    command: tuple[str, ...]
    cores: frozenset[int]

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables of its process."""
        return {**os.environ, REPLICA_VARIABLE: str(self.number)}


def plan_replicas(
    count: int, flags: Sequence[str], listen: Address, metrics_listen: Address, cores: Iterable[int]
) -> list[Plan]:
    """Plan replicas on ports that follow each other; any free ones where the first is 0.

    Args:
        count: replicas.
        flags: what the command was given; the ports that are added last count.
        listen: the first one's for gRPC.
        metrics_listen: the first one's for /metrics.
        cores: that all of them share out.

    Raises:
        BadConfiguration: the ports go beyond the last one, or the two kinds get in each other's way.
    """
    ports = [
        _ports(first, flag, count)
        for first, flag in ((listen, "--listen"), (metrics_listen, "--metrics-listen"))
    ]
    if set(map(str, ports[0])) & set(map(str, ports[1])) and listen.port:
        raise BadConfiguration(
            f"--listen and --metrics-listen need {count} ports each: put them further apart"
        )
    return [
        Plan(
            number,
            (
                *(sys.executable, "-m", "facegauge_server", *flags),
                *("--listen", str(grpc), "--metrics-listen", str(metrics)),
            ),
            own_cores,
        )
        for number, (grpc, metrics, own_cores) in enumerate(
            zip(*ports, share_cores(cores, count), strict=True)
        )
    ]


def end_with_parent() -> None:
    """Have the kernel ask this process to drain when its parent dies; for between fork and exec (Linux)."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def _ports(first: Address, flag: str, count: int) -> list[Address]:
    if not first.port:
        return [first] * count
    if first.port + count - 1 > LAST_PORT:
        raise BadConfiguration(f"{flag} {first} leaves no ports for {count} replicas: choose a lower one")
    return [Address(first.host, first.port + number) for number in range(count)]
