"""When a stream's client gets a checkpoint."""

from __future__ import annotations

from facegauge_server.safe_log import SafeLog
from facegauge_server.snapshots import SessionSnapshot
from facegauge_server.streams.stream_memory import StreamMemory
from facegauge_server.streams.tickets import Tickets
from facegauge_server.types import Delivery

__all__ = ["Checkpointing"]


class Checkpointing:
    """Takes checkpoints of one stream."""

    def __init__(self, memory: StreamMemory, tickets: Tickets, delivery: Delivery, interval_s: float) -> None:
        """Take one every `interval_s` of capture time; none at all where it is 0."""
        self._memory = memory
        self._tickets = tickets
        self._is_live = delivery is Delivery.LIVE
        self._interval_s = interval_s
        self._log = SafeLog()

    def due(self, now_s: float) -> bytes:
        """Return a checkpoint after the frame that was assessed last, if it is time for one; else nothing.

        It is capture time that decides, and the stream itself goes on from what the checkpoint holds, without
        the pictures that its tracker had: so scores are the same whether another server takes it over or not.
        """
        memory, at_s = self._memory, self._memory.last_capture_time_s
        if at_s is None or not self._interval_s:
            return b""
        if memory.checkpoint_s is None:
            memory.checkpoint_s = at_s
        if at_s - memory.checkpoint_s < self._interval_s:
            return b""
        memory.checkpoint_s = at_s
        checkpoint = self._take(now_s)
        if checkpoint:
            memory.tracker.restore(memory.tracker.snapshot)
        return checkpoint

    def now(self, now_s: float) -> bytes:
        """Return a checkpoint of a live stream as things stand.

        A COMPLETE stream's client has the last that was due, and sends what followed it again.
        """
        if not self._is_live or not self._interval_s or self._memory.last_capture_time_s is None:
            return b""
        return self._take(now_s)

    def snapshot(self, now_s: float) -> SessionSnapshot:
        """Return all that is known of the stream."""
        return self._memory.snapshot(self._tickets.life, now_s)

    def _take(self, now_s: float) -> bytes:
        try:
            return self._tickets.issue(self.snapshot(now_s))
        except (AttributeError, TypeError, ValueError) as error:  # where its faces are is what a worker says
            self._log.error("no checkpoint of a stream", reason=repr(error))
            return b""
