"""What becomes of a face and of a frame, at the limits of 32 and 96 px."""

from __future__ import annotations

import numpy as np
import pytest

from facegauge_server.face_limits import face_state
from facegauge_server.stages.classify import classify
from facegauge_server.types import (
    Box,
    Cause,
    CauseKind,
    CropScore,
    FaceBox,
    FaceCrop,
    FaceCrops,
    FaceState,
    FrameResult,
)

CROP = np.zeros((4, 3, 3), np.uint8)


@pytest.mark.parametrize(
    ("side_px", "state"),
    [
        (31.9, FaceState.TOO_SMALL),
        (32.0, FaceState.LOW_RESOLUTION),
        (95.9, FaceState.LOW_RESOLUTION),
        (96.0, FaceState.SCORED),
    ],
)
def test_the_short_side_decides(side_px: float, state: FaceState) -> None:
    """Each limit belongs to the better state, and the longer side does not count."""
    assert face_state(Box(0, 0, side_px, 500)) is state
    assert face_state(Box(0, 0, 500, side_px)) is state


def test_a_frame_with_a_scored_face_is_scored() -> None:
    """Scores stand at their faces, and faces too small come last without one."""
    crops = FaceCrops(
        7,
        1.5,
        (FaceCrop(FaceBox(1, Box(0, 0, 200, 200)), CROP), FaceCrop(FaceBox(2, Box(0, 0, 40, 40)), CROP)),
        (FaceBox(3, Box(0, 0, 10, 10)),),
    )
    blur = (Cause(CauseKind.BLUR, 0.5),)
    score = classify(crops, [CropScore(0.8), CropScore(0.3, blur)])
    assert (score.sequence, score.capture_time_s, score.result) == (7, 1.5, FrameResult.SCORED)
    assert [(one.face.track_id, one.state, one.raw_quality, one.raw_causes) for one in score.faces] == [
        (1, FaceState.SCORED, 0.8, ()),
        (2, FaceState.LOW_RESOLUTION, 0.3, blur),
        (3, FaceState.TOO_SMALL, None, ()),
    ]


def test_a_frame_without_a_score_says_why() -> None:
    """Faces that are all too small are not the same as nobody."""
    tiny = (FaceBox(1, Box(0, 0, 10, 10)),)
    assert classify(FaceCrops(0, 0.0, (), tiny), []).result is FrameResult.TOO_SMALL
    assert classify(FaceCrops(0, 0.0, (), ()), []).result is FrameResult.NO_FACE


def test_a_score_for_each_crop() -> None:
    """An engine that loses a score is noticed."""
    with pytest.raises(ValueError, match="zip"):
        classify(FaceCrops(0, 0.0, (FaceCrop(FaceBox(1, Box(0, 0, 99, 99)), CROP),), ()), [])
