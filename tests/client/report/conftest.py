"""Tracks out of lists."""

from __future__ import annotations

from collections.abc import Sequence

from facegauge_client import Assessment
from facegauge_client.report.recorder import Recorder
from facegauge_client.report.track import Track
from facegauge_client.sdk.types import FrameResult, StreamState

__all__ = ["recorder_of", "track_of"]


def recorder_of(
    qualities: Sequence[float | None], fps: float = 5.0, states: Sequence[StreamState] = ()
) -> Recorder:
    """Record frames of those qualities, None for one without; scored where no states are given."""
    recorder = Recorder()
    for index, quality in enumerate(qualities):
        state = states[index] if states else StreamState.SCORED
        result = FrameResult.NO_FACE if quality is None else FrameResult.SCORED
        recorder.answered(Assessment("a", index, index / fps, result, state, quality, quality))
    return recorder


def track_of(
    qualities: Sequence[float | None], fps: float = 5.0, states: Sequence[StreamState] = ()
) -> Track:
    """Return the track of frames of those qualities."""
    return recorder_of(qualities, fps, states).track
