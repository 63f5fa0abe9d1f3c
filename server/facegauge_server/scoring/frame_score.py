"""FaceCrops and their raw scores -> FrameScore."""

from __future__ import annotations

from collections.abc import Sequence

from facegauge_server.stages.smooth import LOW_RESOLUTION_PX
from facegauge_server.types import FaceBox, FaceScore, FaceState, FrameResult, FrameScore

__all__ = ["frame_score"]


def frame_score(
    sequence: int,
    capture_time_s: float,
    cropped: Sequence[FaceBox],
    raw_qualities: Sequence[float],
    too_small: Sequence[FaceBox],
) -> FrameScore:
    """Return what a frame gave.

    Args:
        sequence: of the frame.
        capture_time_s: of the frame.
        cropped: faces that the engine scored, the largest first.
        raw_qualities: of these, 0-1.
        too_small: faces that it did not.
    """
    scored = [
        FaceScore(
            face,
            FaceState.LOW_RESOLUTION if face.box.short_side < LOW_RESOLUTION_PX else FaceState.SCORED,
            raw_quality,
        )
        for face, raw_quality in zip(cropped, raw_qualities, strict=True)
    ]
    unscored = [FaceScore(face, FaceState.TOO_SMALL, None) for face in too_small]
    if scored:
        result = FrameResult.SCORED
    elif unscored:
        result = FrameResult.TOO_SMALL
    else:
        result = FrameResult.NO_FACE
    return FrameScore(sequence, capture_time_s, result, (*scored, *unscored))
