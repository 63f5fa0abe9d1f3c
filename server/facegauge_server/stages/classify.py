"""FaceCrops + their scores -> FrameScore: the state of each face, and the result of the frame."""

from __future__ import annotations

from collections.abc import Sequence

from facegauge_server.face_limits import face_state
from facegauge_server.types import CropScore, FaceCrops, FaceScore, FrameResult, FrameScore

__all__ = ["classify"]


def classify(crops: FaceCrops, scores: Sequence[CropScore]) -> FrameScore:
    """Return the frame's score: the scored faces, the largest first, then those too small to score.

    Args:
        crops: of one frame.
        scores: one for each crop, in the same order.

    Raises:
        ValueError: the counts of crops and scores differ.
    """
    scored = [
        FaceScore(crop.face, face_state(crop.face.box), score.quality, score.causes)
        for crop, score in zip(crops.crops, scores, strict=True)
    ]
    unscored = [FaceScore(face, face_state(face.box), None) for face in crops.too_small]
    if scored:
        result = FrameResult.SCORED
    elif unscored:
        result = FrameResult.TOO_SMALL
    else:
        result = FrameResult.NO_FACE
    faces = (*scored, *unscored)
    return FrameScore(crops.sequence, crops.capture_time_s, result, faces, view=crops.view)
