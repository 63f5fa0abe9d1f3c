"""What became of the frames of one stream: sent, lost, answered, or kept until they are."""

from __future__ import annotations

from dataclasses import dataclass

from facegauge_client.sdk.frames import EncodedFrame

__all__ = ["Outgoing", "Tally"]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A frame on its way to the server."""

    sequence: int
    capture_time_s: float
    frame: EncodedFrame


class Tally:
    """Frames of a stream over all its connections."""

    def __init__(self, *, keep_unanswered: bool) -> None:
        self.sent = 0
        self.lost = 0
        """Frames that were being written when the connection broke."""
        self._keep_unanswered = keep_unanswered
        self._unanswered: dict[int, Outgoing] = {}
        """Frames by sequence, in the order of sending."""

    def begin(self, item: Outgoing) -> None:
        """Count a frame as lost until it is written."""
        self.lost += 1
        if self._keep_unanswered:
            self._unanswered[item.sequence] = item

    def written(self) -> None:
        """Count the frame that was begun as sent."""
        self.lost -= 1
        self.sent += 1

    def answered(self, sequence: int | None) -> None:
        """Let go of a frame that the server has answered."""
        if sequence is not None:
            self._unanswered.pop(sequence, None)

    @property
    def has_unanswered(self) -> bool:
        """Whether a frame that is kept waits for its answer."""
        return bool(self._unanswered)

    def take_unanswered(self) -> list[Outgoing]:
        """Return the frames without an answer, to be sent again: they no longer count as sent or lost."""
        items = list(self._unanswered.values())
        self._unanswered.clear()
        lost = min(self.lost, len(items))
        self.lost -= lost
        self.sent -= len(items) - lost
        return items
