"""Tracks out of lists."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from facegauge_client import Assessment
from facegauge_client.report.recorder import Recorder
from facegauge_client.report.track import Track
from facegauge_client.sdk.types import Cause, FrameResult, StreamState

__all__ = ["PICTURE", "recorder_of", "track_of"]

PICTURE: npt.NDArray[np.uint8] = np.zeros((72, 128, 3), np.uint8)


def recorder_of(
    qualities: Sequence[float | None],
    fps: float = 5.0,
    states: Sequence[StreamState] = (),
    causes: Sequence[tuple[Cause, ...]] = (),
) -> Recorder:
    """Record frames of those qualities, None for one without; scored where no states are given.

    Causes come with a picture of each frame; the first one that is named is the main one.
    """
    recorder = Recorder()
    for index, quality in enumerate(qualities):
        state = states[index] if states else StreamState.SCORED
        result = FrameResult.NO_FACE if quality is None else FrameResult.SCORED
        answer = Assessment("a", index, index / fps, result, state, quality, quality)
        if causes:
            recorder.sent(PICTURE, index / fps)
            answer = dataclasses.replace(answer, causes=causes[index])
            answer = dataclasses.replace(answer, main_cause=next(iter(answer.named_causes), None))
        recorder.answered(answer)
    return recorder


def track_of(
    qualities: Sequence[float | None], fps: float = 5.0, states: Sequence[StreamState] = ()
) -> Track:
    """Return the track of frames of those qualities."""
    return recorder_of(qualities, fps, states).track
