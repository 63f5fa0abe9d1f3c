"""How a ring hash deals streams to replicas that can be full, by simulation.

Envoy puts each replica onto the ring many times, and a stream goes to the owner of the next entry after its
own hash. Where that replica is full it refuses, and Envoy offers the stream to the next other one along the
ring, a few times (deploy/envoy/envoy.yaml). So what the ring deals unevenly is evened out by refusals.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

__all__ = ["RETRIES", "RING_SIZE", "Dealt", "deal", "hashes"]

RING_SIZE = 4096
"""Entries on the ring, of all replicas together: `minimum_ring_size` in deploy/envoy/envoy.yaml."""
RETRIES = 5
"""Other replicas that a refused stream is offered to: `num_retries` there."""


@dataclass(frozen=True, slots=True)
class Dealt:
    """Where the streams went."""

    fullest_share: float
    """Streams that the ring alone would give the fullest replica, as a multiple of the mean."""
    moved: int
    """Streams that another replica took than the one that the ring gave them first."""
    refused: int
    """Streams that all replicas refused that they were offered to."""


@lru_cache(maxsize=8)
def hashes(prefix: str, count: int) -> npt.NDArray[np.uint64]:
    """Return 64-bit hashes of `prefix` with the numbers from 0."""
    digests = (hashlib.blake2b(f"{prefix}_{n}".encode(), digest_size=8).digest() for n in range(count))
    return np.frombuffer(b"".join(digests), np.uint64)


def deal(replicas: int, streams: int, capacity: int, ring_size: int = RING_SIZE) -> Dealt:
    """Deal streams, one after the other.

    Args:
        replicas: on the ring, at least 1.
        streams: to be dealt, at least 1.
        capacity: streams that a replica bears.
        ring_size: least entries on the ring; each replica has the same number, rounded up.
    """
    entries = -(-ring_size // replicas) * replicas
    places = hashes("entry", entries)
    order = np.argsort(places)
    owners = (order % replicas).tolist()
    first = np.searchsorted(places[order], hashes("stream", streams)) % entries
    alone = np.bincount(np.asarray(owners)[first], minlength=replicas)
    loads, moved, refused = [0] * replicas, 0, 0
    for start in first.tolist():
        taker = _taker(owners, start, loads, capacity)
        if taker is None:
            refused += 1
            continue
        loads[taker] += 1
        moved += taker != owners[start]
    return Dealt(float(alone.max() * replicas / streams), moved, refused)


def _taker(owners: list[int], start: int, loads: list[int], capacity: int) -> int | None:
    """Return the first replica along the ring that is not full, None after so many refusals."""
    asked: list[int] = []
    for step in range(len(owners)):
        replica = owners[(start + step) % len(owners)]
        if replica in asked:
            continue
        if loads[replica] < capacity:
            return replica
        asked.append(replica)
        if len(asked) > RETRIES:
            break
    return None
