"""Content of the page: a session, and what has been played in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from facegauge_client.playback.playback import Playback
from facegauge_client.report.recorder import Recorder
from facegauge_client.report.track import Figures, Track, figures
from facegauge_client.sdk.types import FrameResult

__all__ = ["FRAME_WORDS", "Played", "Session", "frame_counts"]

FRAME_WORDS = {
    FrameResult.SCORED: "scored",
    FrameResult.NO_FACE: "without a face",
    FrameResult.TOO_SMALL: "face too small",
    FrameResult.DROPPED: "dropped",
    FrameResult.SKIPPED: "skipped",
    FrameResult.ERROR: "failed",
}


@dataclass(frozen=True, slots=True)
class Session:
    """Circumstances of a replay."""

    server: str
    began: str
    """Local time, such as 2026-11-23 12:00:00."""
    took_s: float
    call_id: str = ""
    pace: str = ""
    """Speed of the replay in words."""


class Played:
    """A playback with what was recorded of it, at rest."""

    def __init__(self, playback: Playback, recorder: Recorder) -> None:
        self.playback = playback
        self.recorder = recorder
        self.name = playback.stream_id

    @cached_property
    def track(self) -> Track:
        """All frames that were answered."""
        return self.recorder.track

    @cached_property
    def figures(self) -> Figures:
        """Statistics of the track."""
        return figures([self.track])

    @property
    def problem(self) -> str:
        """Why it did not play to its end; empty where it did."""
        if self.playback.error:
            return self.playback.error
        if not self.playback.started:
            return "not played: the replay was stopped before"
        return "" if self.playback.summary else "the replay was stopped before the end"


def frame_counts(played: Sequence[Played]) -> dict[str, int]:
    """Count frames: first those sent, then by what became of them, under the words of the page."""
    sent = sum(item.playback.frames_sent for item in played)
    results = {
        words: sum(item.playback.results[result] for item in played) for result, words in FRAME_WORDS.items()
    }
    return {"sent": sent, **results, "without an answer": max(sent - sum(results.values()), 0)}
