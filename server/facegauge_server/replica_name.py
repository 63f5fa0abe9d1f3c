"""What this process is called among the replicas of one host."""

from __future__ import annotations

import os
import socket

__all__ = ["REPLICA_VARIABLE", "replica_name", "replica_number"]

REPLICA_VARIABLE = "FACEGAUGE_REPLICA"
"""Set for a replica of --replicas alone, to its number from 0."""


def replica_number() -> int | None:
    """Return the number of the replica that this process is; None where it is none."""
    number = os.environ.get(REPLICA_VARIABLE, "")
    return int(number) if number.isascii() and number.isdigit() else None


def replica_name() -> str:
    """Return what people call this process: the host's name, and with --replicas its number after a slash."""
    number = replica_number()
    return socket.gethostname() if number is None else f"{socket.gethostname()}/{number}"
