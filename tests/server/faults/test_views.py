"""What frames show: nothing, nobody, half a face or the same again; begun and ended after some patience."""

from __future__ import annotations

from dataclasses import replace

import pytest

from facegauge_server.faults.views import Views
from facegauge_server.types import (
    Box,
    CauseKind,
    FaceBox,
    FaceScore,
    FaceState,
    FrameResult,
    FrameScore,
    View,
)

GOOD = View(1280, 720, black_share=0.05, texture=14.0, still_s=0.1, faceless_s=None)


def frame(at_s: float, view: View | None, *boxes: Box) -> FrameScore:
    faces = tuple(
        FaceScore(FaceBox(1, box), FaceState.SCORED, None if box.short_side < 32 else 0.8) for box in boxes
    )
    if not boxes:
        result = FrameResult.NO_FACE
    else:
        result = FrameResult.TOO_SMALL if faces[0].raw_quality is None else FrameResult.SCORED
    largest = max(boxes, key=lambda box: box.area, default=None)
    view = None if view is None else replace(view, largest=largest)
    return FrameScore(0, at_s, result, faces, view=view)


FACE = Box(500, 200, 200, 200)
BAD = {
    CauseKind.BLACK: (replace(GOOD, black_share=1.0, texture=0.0, faceless_s=0.0), ()),
    CauseKind.COVERED: (replace(GOOD, texture=1.0, faceless_s=0.0, still_s=9.0), ()),
    CauseKind.FREEZE: (replace(GOOD, still_s=0.8), (FACE,)),
    CauseKind.NO_FACE: (replace(GOOD, faceless_s=0.6), ()),
    CauseKind.FACE_CUT_OFF: (GOOD, (Box(0, 200, 200, 200),)),
    CauseKind.FACE_TOO_SMALL: (GOOD, (Box(500, 200, 30, 30), Box(0, 0, 20, 20))),
}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("fps", [2, 30])
def test_each_fault_is_named_alone_within_a_second_and_ends(kind: CauseKind, fps: int) -> None:
    """At two frames a second and at thirty, with figures that reach their threshold."""
    views, named_s = Views(), []
    for step in range(20 * fps):
        at_s = step / fps
        view, boxes = BAD[kind] if 5 <= at_s < 10 else (GOOD, (FACE,))
        views.frame(frame(at_s, view, *boxes))
        for fault in views.faults:
            assert fault.kind is kind
            named_s.append(at_s)
    assert 5 <= named_s[0] <= 6
    assert 10 <= named_s[-1] <= 11
    assert len(named_s) == pytest.approx((named_s[-1] - named_s[0]) * fps + 1), "without a break"


@pytest.mark.parametrize("kind", BAD)
def test_one_bad_frame_is_no_fault(kind: CauseKind) -> None:
    """But for what has lasted by its own figure."""
    views = Views()
    for step in range(100):
        view, boxes = BAD[kind] if step == 50 else (GOOD, (FACE,))
        views.frame(frame(step / 30, view, *boxes))
        lasting = kind in (CauseKind.FREEZE, CauseKind.NO_FACE)
        assert lasting or not views.faults


def test_a_fault_lasts_two_seconds_and_has_hysteresis() -> None:
    """A share that hovers about its threshold is one fault, with the last figure that reached it."""
    views = Views()
    seen: set[tuple[CauseKind, float]] = set()
    for step in range(300):
        share = 0.985 if step % 20 < 10 and step > 30 else 0.96
        if step <= 60:
            share = 1.0 if step > 30 else 0.0
        views.frame(frame(step / 30, replace(GOOD, black_share=share), FACE))
        if step > 50:
            seen.update((fault.kind, fault.value) for fault in views.faults)
            assert views.faults
    assert seen == {(CauseKind.BLACK, 1.0), (CauseKind.BLACK, 0.985)}


def test_an_empty_room_is_no_freeze() -> None:
    """Nothing moves in it by itself: nobody is what is wrong."""
    views = Views()
    for step in range(60):
        views.frame(frame(step / 10, replace(GOOD, faceless_s=step / 10, still_s=step / 10)))
    assert [fault.kind for fault in views.faults] == [CauseKind.NO_FACE]


def test_many_faces_are_no_fault() -> None:
    """The largest face counts; others may be small, and partly outside."""
    views = Views()
    crowd = (FACE, *(Box(-10 + 40 * index, 0, 25, 25) for index in range(20)))
    for step in range(60):
        views.frame(frame(step / 10, GOOD, *crowd))
    assert not views.faults


def test_a_frame_that_cannot_be_used_changes_nothing() -> None:
    """It shows neither a fault nor its end."""
    views = Views()
    for step in range(20):
        views.frame(frame(step / 10, *BAD[CauseKind.BLACK][:1]))
    before = views.faults
    views.frame(FrameScore(0, 30.0, FrameResult.ERROR, error="no picture"))
    assert views.faults == before != ()


def test_a_face_that_sits_low_is_not_cut_off() -> None:
    """Detectors' boxes reach below the chin, and beyond the lower edge with it: the chin decides there."""
    views = Views()
    for step in range(100):
        views.frame(frame(step / 10, GOOD, Box(500, 530, 200, 200)))
        assert views.faults == ()
    for step in range(100, 120):
        views.frame(frame(step / 10, GOOD, Box(500, 560, 200, 200)))
    assert [fault.kind for fault in views.faults] == [CauseKind.FACE_CUT_OFF]


def test_somebody_far_away_does_not_freeze_the_picture() -> None:
    """A face that fills less than a block of the picture may move without the picture showing it."""
    views = Views()
    for step in range(100):
        views.frame(frame(step / 10, replace(GOOD, still_s=step / 10), Box(500, 300, 80, 80)))
        assert views.faults == ()
