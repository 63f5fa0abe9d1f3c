"""What became of the frames of one stream: sent, lost, answered, or kept to be sent again."""

from __future__ import annotations

from dataclasses import dataclass

from facegauge_client.sdk.frames import EncodedFrame

__all__ = ["Outgoing", "Tally"]

MAX_KEPT_BYTES = 64 * 2**20
"""Of frames that were answered: beyond, the oldest are let go, and a hand-over may change scores a little."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A frame on its way to the server."""

    sequence: int
    capture_time_s: float
    frame: EncodedFrame


class Tally:
    """Frames of a stream over all its connections.

    Where nothing may be lost, frames are kept until they are answered; and once the server has sent a
    checkpoint, until a later one knows of them, so that another server can be sent what it does not know.
    """

    def __init__(self, *, keep_unanswered: bool) -> None:
        self.sent = 0
        self.lost = 0
        """Frames that were being written when the connection broke."""
        self._keeps = keep_unanswered
        self._has_checkpoint = False
        self._kept: dict[int, Outgoing] = {}
        """Frames by sequence, in the order of sending."""
        self._answered: set[int] = set()
        """Those of them that were answered."""
        self._answered_bytes = 0
        self._again: set[int] = set()
        """Frames that are sent again although they were answered."""

    def begin(self, item: Outgoing) -> None:
        """Count a frame as lost until it is written."""
        self.lost += 1
        if self._keeps:
            self._kept[item.sequence] = item

    def written(self) -> None:
        """Count the frame that was begun as sent."""
        self.lost -= 1
        self.sent += 1

    def answered(self, sequence: int | None) -> bool:
        """Note that the server has answered a frame; returns whether it is the first answer."""
        if sequence is None or not self._keeps:
            return True
        is_first = sequence not in self._again
        self._again.discard(sequence)
        if sequence in self._kept:
            self._answered.add(sequence)
            self._answered_bytes += len(self._kept[sequence].frame.data)
            if not self._has_checkpoint:
                self._forget(sequence)
        while self._answered_bytes > MAX_KEPT_BYTES:
            self._forget(next(one for one in self._kept if one in self._answered))
        return is_first

    def checkpointed(self, sequence: int | None) -> None:
        """Note that a checkpoint came, which knows of a frame and of those before it."""
        self._has_checkpoint = True
        if sequence is not None:
            self._forget_until(sequence)

    @property
    def has_unanswered(self) -> bool:
        """Whether a frame that is kept waits for its answer."""
        return len(self._answered) < len(self._kept)

    def take_resent(self, after_sequence: int | None) -> list[Outgoing]:
        """Return the frames to send again to a server that goes on with the stream after a frame.

        None, which an older server says, is after whatever was sent. They no longer count as sent or lost.
        """
        if after_sequence is None:
            self._kept.clear()
        else:
            self._forget_until(after_sequence)
        return self._take(list(self._kept.values()))

    def take_unanswered(self) -> list[Outgoing]:
        """Return the frames without an answer, to send again to a server that begins the stream anew."""
        self._has_checkpoint = False
        return self._take([item for item in self._kept.values() if item.sequence not in self._answered])

    def _take(self, items: list[Outgoing]) -> list[Outgoing]:
        self._again = {item.sequence for item in items if item.sequence in self._answered}
        self._kept.clear()
        self._answered.clear()
        self._answered_bytes = 0
        lost = min(self.lost, len(items))
        self.lost -= lost
        self.sent -= len(items) - lost
        return items

    def _forget_until(self, sequence: int) -> None:
        if sequence in self._kept:
            for one in list(self._kept):
                self._forget(one)
                if one == sequence:
                    return

    def _forget(self, sequence: int) -> None:
        item = self._kept.pop(sequence)
        if sequence in self._answered:
            self._answered.discard(sequence)
            self._answered_bytes -= len(item.frame.data)
