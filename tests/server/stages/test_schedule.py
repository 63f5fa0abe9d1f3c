"""The detector runs when a face changed, at its longest interval if none did, and at once after a cut."""

from __future__ import annotations

import numpy as np
import pytest

from facegauge_server.stages.detection import DetectionScope
from facegauge_server.stages.schedule import DetectionSchedule, ScheduleState
from facegauge_server.types import Box, Frame, Pixels

FACE = Box(500, 200, 200, 200)
SMOOTH = np.repeat(np.linspace(0, 255, 1280).astype(np.uint8)[None, :, None], 720, axis=0).repeat(3, axis=2)


def searched(
    schedule: DetectionSchedule, pictures: list[Pixels], *faces: Box, moving: bool = False
) -> list[int]:
    """Play pictures at 10 frames a second; the numbers of those that the detector searched."""
    asked = []
    state = ScheduleState()
    for number, pixels in enumerate(pictures):
        frame = Frame(number, number / 10, pixels)
        plan = schedule.plan(state, frame)
        state = plan.state
        if plan.scope is not DetectionScope.NOTHING:
            asked.append(number)
            state = schedule.after_detection(plan, frame, plan.scope, faces, moving)
    return asked


def test_a_still_face_is_looked_at_at_the_longest_interval() -> None:
    """Nothing changes: every two seconds someone may have come in."""
    assert searched(DetectionSchedule(0.5, 2.0), [SMOOTH] * 45, FACE) == [0, 20, 40]


@pytest.mark.parametrize(
    ("pixels_a_frame", "asked"), [(14, [0, 5, 10, 15, 20]), (4, [0, 10, 20]), (1, [0, 20])]
)
def test_the_more_a_face_changes_the_sooner_it_is_looked_at(pixels_a_frame: int, asked: list[int]) -> None:
    """An edge that wanders through the box, as a turning head's outline: half a second, one, or two."""
    columns = np.arange(1280)[None, :, None]
    edges = [np.where(columns < 450 + pixels_a_frame * number % 200, 220, 60) for number in range(21)]
    pictures = [np.broadcast_to(edge, (720, 1280, 3)).astype(np.uint8) for edge in edges]
    assert searched(DetectionSchedule(0.5, 2.0), pictures, Box(450, 200, 200, 200)) == asked


def test_without_a_face_the_shortest_interval_holds() -> None:
    """Whoever comes in is found within half a second."""
    assert searched(DetectionSchedule(0.5, 2.0), [SMOOTH] * 16) == [0, 5, 10, 15]


def test_change_elsewhere_does_not_matter() -> None:
    """People who pass behind a still face cost no look before the longest interval."""
    pictures = []
    for number in range(21):
        picture = SMOOTH.copy()
        picture[:, 20 * number : 20 * number + 60] = 255 - picture[:, 20 * number : 20 * number + 60]
        pictures.append(picture)
    assert searched(DetectionSchedule(0.5, 2.0), pictures, FACE) == [0, 20]


def test_a_cut_and_a_fast_face_are_looked_at_at_once() -> None:
    """No interval is waited for after a cut, nor while a face moves."""
    assert searched(DetectionSchedule(0.5, 2.0), [SMOOTH] * 3 + [255 - SMOOTH] * 3, FACE) == [0, 3]
    assert searched(DetectionSchedule(0.5, 2.0), [SMOOTH] * 3, FACE, moving=True) == [0, 1, 2]


def test_a_new_size_alone_is_no_reason_to_look() -> None:
    """A call that halves its resolution shows the same face: its box is followed."""
    schedule = DetectionSchedule(0.5, 2.0)
    frame = Frame(0, 0.0, SMOOTH)
    plan = schedule.plan(ScheduleState(), frame)
    assert plan.scope is DetectionScope.WHOLE_FRAME
    state = schedule.after_detection(plan, frame, plan.scope, [FACE], False).rescaled(0.5, 0.5)
    half = Frame(1, 1.0, np.ascontiguousarray(SMOOTH[::2, ::2]))
    assert schedule.plan(state, half).scope is DetectionScope.NOTHING
    assert schedule.plan(state.forgetting_faces(), half).scope is DetectionScope.WHOLE_FRAME


def test_planning_changes_nothing() -> None:
    """The same state and frame give the same plan again, however often they are asked."""
    schedule = DetectionSchedule(0.5, 2.0)
    frame = Frame(0, 0.0, SMOOTH)
    state = schedule.after_detection(
        schedule.plan(ScheduleState(), frame), frame, DetectionScope.WHOLE_FRAME, [FACE], False
    )
    later = Frame(1, 0.1, 255 - SMOOTH)
    plans = [schedule.plan(state, later) for _ in range(3)]
    assert [(plan.scope, plan.is_cut) for plan in plans] == [(DetectionScope.WHOLE_FRAME, True)] * 3


def test_boxes_that_leave_the_frame_are_sampled_at_its_edge() -> None:
    """A face half outside, as detectors report it, breaks nothing."""
    assert searched(DetectionSchedule(0.5, 2.0), [SMOOTH] * 25, Box(-80, -50, 200, 900)) == [0, 20]


def test_between_whole_frames_a_known_face_is_followed() -> None:
    """A face that moves fast is looked at around where it was; the whole frame still has its turn."""
    schedule = DetectionSchedule(0.5, 2.0)
    wanted = []
    state = ScheduleState()
    for number in range(21):
        frame = Frame(number, number / 10, SMOOTH)
        plan = schedule.plan(state, frame)
        wanted.append(plan.scope)
        state = schedule.after_detection(plan, frame, plan.scope, [FACE], is_moving=True)
    known = [DetectionScope.KNOWN_FACES] * 19
    assert wanted == [DetectionScope.WHOLE_FRAME, *known, DetectionScope.WHOLE_FRAME]
