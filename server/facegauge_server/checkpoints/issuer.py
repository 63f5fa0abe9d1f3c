"""What the session table knows of checkpoints: make one of a session, and open one that a client presents."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from facegauge_server.checkpoints import message
from facegauge_server.checkpoints.keys import CheckpointKeys
from facegauge_server.checkpoints.seal import Owner, seal, unseal
from facegauge_server.errors import CheckpointDamaged, CheckpointExpired
from facegauge_server.snapshots import SessionSnapshot

__all__ = ["CLOCK_SKEW_S", "MAX_CHECKPOINT_BYTES", "CheckpointIssuer", "Opened", "Owner"]

MAX_CHECKPOINT_BYTES = 8 * 1024
"""Longer than any that is made: most faces, the longest median, every fault."""
CLOCK_SKEW_S = 30.0
"""Difference between two replicas' clocks that does not matter."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A checkpoint that holds."""

    snapshot: SessionSnapshot
    sealed_ms: int
    """Unix time; a later checkpoint of a session has a greater one."""
    passed_s: float
    """Time since then."""


class CheckpointIssuer:
    """Makes and opens checkpoints with this server's keys."""

    def __init__(
        self,
        keys: CheckpointKeys | None = None,
        expiry_s: float = 300.0,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """Issue checkpoints.

        Args:
            keys: None for a key that nobody else has.
            expiry_s: how long a checkpoint holds.
            wall: the wall clock, Unix time.
        """
        self._keys = keys or CheckpointKeys(None)
        self._expiry_s = expiry_s
        self._wall = wall

    def issue(self, snapshot: SessionSnapshot, owner: Owner, after_ms: int = 0) -> tuple[bytes, int]:
        """Return a sealed checkpoint, and its number: Unix time in milliseconds, greater than `after_ms`.

        Raises TypeError or ValueError for a snapshot with values that cannot be.
        """
        now_s = self._wall()
        sealed_ms = max(after_ms + 1, round(now_s * 1000))
        return seal(message.write(snapshot, sealed_ms), owner, self._keys, now_s), sealed_ms

    def open(self, sealed: bytes, owner: Owner) -> Opened:
        """Return what a checkpoint holds.

        Raises CheckpointExpired, CheckpointDamaged, CheckpointKeyUnknown, CheckpointForeign or
        CheckpointVersion.
        """
        try:
            snapshot, sealed_ms = message.read(unseal(sealed, owner, self._keys))
        except message.Unreadable as error:
            raise CheckpointDamaged(
                f"a server has sealed the checkpoint, but it cannot be read ({error}): begin the stream anew"
            ) from error
        passed_s = self._wall() - sealed_ms / 1000
        if passed_s > self._expiry_s or passed_s < -CLOCK_SKEW_S:
            why = f"is {passed_s:.0f} s old" if passed_s > 0 else f"is from {-passed_s:.0f} s in the future"
            raise CheckpointExpired(
                f"the checkpoint {why}, the server takes them up to {self._expiry_s:g} s "
                "(--checkpoint-expiry): begin the stream anew"
            )
        return Opened(snapshot, sealed_ms, max(0.0, passed_s))
