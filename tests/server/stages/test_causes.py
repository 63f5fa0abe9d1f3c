"""What is wrong: smoothed as the quality is, named from a threshold on, absent where no student names it."""

from __future__ import annotations

import math

import pytest

from facegauge_server.stages.causes import dearest_first, main_cause
from facegauge_server.stages.smooth import QualitySmoother
from facegauge_server.types import (
    Box,
    Cause,
    CauseKind,
    FaceBox,
    FaceScore,
    FaceState,
    FrameResult,
    FrameScore,
    StreamQuality,
)

BLUR, NOISE, LOSS = CauseKind.BLUR, CauseKind.NOISE, CauseKind.LOSS


def smoother(median_window: int = 1, time_constant_s: float = 2.0) -> QualitySmoother:
    return QualitySmoother(median_window, time_constant_s, stale_after_s=3.0, cause_threshold=0.1)


def face(costs: dict[CauseKind, float], track_id: int = 1, side_px: float = 200) -> FaceScore:
    causes = tuple(Cause(kind, cost) for kind, cost in costs.items())
    return FaceScore(FaceBox(track_id, Box(0, 0, side_px, side_px)), FaceState.SCORED, 0.5, causes)


def frame(time_s: float, *faces: FaceScore) -> FrameScore:
    return FrameScore(0, time_s, FrameResult.SCORED, faces)


def costs(quality: StreamQuality) -> dict[CauseKind, float]:
    return {cause.kind: cause.cost for cause in quality.causes if isinstance(cause, Cause)}


def test_the_dearest_comes_first_and_is_named_from_its_threshold_on() -> None:
    """All causes are there, those that cost nothing too; one is named once it costs enough."""
    causes = dearest_first({NOISE: 0.05, BLUR: 0.1, LOSS: 0.0}, threshold=0.1)
    assert [(cause.kind, cause.cost, cause.threshold) for cause in causes] == [
        (BLUR, 0.1, 0.1),
        (NOISE, 0.05, 0.1),
        (LOSS, 0.0, 0.1),
    ]
    assert main_cause(causes, 0.5) == causes[0]
    assert main_cause(dearest_first({NOISE: 0.05, BLUR: 0.0999}, threshold=0.1), 0.5) is None
    assert main_cause((), 0.5) is None


def test_nothing_is_named_on_a_good_picture() -> None:
    """No more quality can come back than is missing, whatever the student says it would."""
    causes = dearest_first({BLUR: 0.5}, threshold=0.1)
    assert main_cause(causes, 0.89) == causes[0]
    assert main_cause(causes, 0.91) is None


def test_a_student_without_causes_names_none() -> None:
    """Absent is absent: no cause of cost 0."""
    quality = smoother().add(frame(0.0, face({})), 0.0)
    assert (quality.causes, quality.faces[0].causes) == ((), ())


def test_causes_are_smoothed_as_the_quality_is() -> None:
    """A spike leaves no trace in the median, and a step goes 1 - 1/e of its way in a time constant."""
    smooth = smoother(median_window=3, time_constant_s=0)
    seen = [smooth.add(frame(t / 5, face({BLUR: cost})), 0) for t, cost in enumerate([0.0, 0.0, 0.9, 0.0])]
    assert [costs(quality)[BLUR] for quality in seen] == [0.0] * 4
    smooth = smoother(time_constant_s=2.0)
    smooth.add(frame(0.0, face({BLUR: 0.8, NOISE: 0.0})), 0)
    after = smooth.add(frame(2.0, face({BLUR: 0.0, NOISE: 0.8})), 2.0)
    assert costs(after) == pytest.approx({NOISE: 0.8 * (1 - math.exp(-1)), BLUR: 0.8 * math.exp(-1)})
    assert after.causes[0].kind is NOISE


def test_a_new_face_begins_with_its_own_causes() -> None:
    """What was wrong with one face is not held against the next, nor after a gap against the same."""
    for track_id, time_s in ((2, 1.0), (1, 5.0)):
        smooth = smoother(median_window=5)
        smooth.add(frame(0.0, face({BLUR: 0.9})), 0)
        assert costs(smooth.add(frame(time_s, face({BLUR: 0.0}, track_id)), time_s)) == {BLUR: 0.0}


def test_the_streams_causes_are_its_main_faces() -> None:
    """Each face keeps its own; they hold with the quality while no face is seen, and go stale with it."""
    smooth = smoother()
    quality = smooth.add(frame(0.0, face({BLUR: 0.3}, 1, 100), face({NOISE: 0.4}, 2, 200)), 0.0)
    assert costs(quality) == {NOISE: 0.4}
    assert [one.causes[0].kind for one in quality.faces] == [BLUR, NOISE]
    held = smooth.add(FrameScore(1, 0.2, FrameResult.NO_FACE), 0.2)
    assert held.causes == quality.causes
    assert smooth.at(3.1).causes == ()
