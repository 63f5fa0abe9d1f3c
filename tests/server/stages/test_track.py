"""The tracker: ids that last, boxes that rest, and a detector that runs when it must and not more."""

from __future__ import annotations

import numpy as np
import pytest

from facegauge_server.stages.track import FaceTracker
from facegauge_server.types import Box, FaceBox, Frame, Pixels

GREY = np.full((720, 1280, 3), 90, np.uint8)
FACE = Box(500, 200, 200, 200)
OTHER = Box(900, 300, 100, 100)


def moved(box: Box, x: float) -> Box:
    return Box(box.x + x, box.y, box.width, box.height)


class Scripted:
    """A detector that finds the boxes it was given, and notes what it was asked."""

    def __init__(self, *boxes: Box) -> None:
        self.boxes = boxes
        self.known: tuple[Box, ...] | None = None
        """As given to the last search; None before the first."""

    def detect(self, pixels: Pixels, known: tuple[Box, ...] = ()) -> tuple[Box, ...]:
        assert pixels.dtype == np.uint8
        self.known = known
        return self.boxes

    def follow(self, pixels: Pixels, known: tuple[Box, ...]) -> tuple[Box, ...] | None:
        return self.detect(pixels, known)


def step(
    tracker: FaceTracker, time_s: float, *detections: Box, brightness: int = 90
) -> tuple[FaceBox, ...] | None:
    """One frame; the faces, or None where the detector was not asked (it would have found these boxes)."""
    frame = Frame(0, time_s, GREY if brightness == 90 else np.full_like(GREY, brightness))
    detector = Scripted(*detections)
    faces = tracker.step(frame, detector).faces
    return None if detector.known is None else faces


def faces_at(tracker: FaceTracker, time_s: float, *detections: Box) -> tuple[FaceBox, ...]:
    """The faces of a frame, whether or not the detector was asked."""
    return tracker.step(Frame(0, time_s, GREY), Scripted(*detections)).faces


def ids(faces: tuple[FaceBox, ...] | None) -> list[int]:
    assert faces is not None
    return [face.track_id for face in faces]


def test_the_detector_runs_at_its_interval() -> None:
    """On a steady stream it sees two frames a second, whatever the frame rate."""
    tracker = FaceTracker(detect_interval_s=0.5)
    asked = [index for index in range(31) if step(tracker, index / 10, FACE) is not None]
    assert asked == [0, 5, 10, 15, 20, 25, 30]


def test_faces_keep_their_ids() -> None:
    """Two faces that move keep their ids, whatever the order they are found in; the largest comes first."""
    tracker = FaceTracker(detect_interval_s=0)
    assert ids(step(tracker, 0.0, OTHER, FACE)) == [2, 1]
    for index in range(1, 20):
        found = (moved(FACE, 4 * index), moved(OTHER, -3 * index))
        assert ids(step(tracker, index / 5, *(found if index % 2 else found[::-1]))) == [2, 1]


def test_a_face_that_moves_is_looked_for_on_the_next_frame() -> None:
    """Where a box was found well away from its last place, the interval does not wait; at rest it does."""
    tracker = FaceTracker(detect_interval_s=0.5)
    step(tracker, 0.0, FACE)
    assert step(tracker, 0.5, moved(FACE, 60)) is not None
    assert step(tracker, 0.6, moved(FACE, 60)) is not None, "it moved: look again"
    settled = [index for index in range(7, 12) if step(tracker, index / 10, moved(FACE, 60)) is not None]
    assert len(settled) < 5, "and not for ever"


def test_a_missed_face_coasts_for_two_seconds() -> None:
    """A face that the detector loses stays where it was for 2 s, then it is gone."""
    tracker = FaceTracker(detect_interval_s=0.5)
    step(tracker, 0.0, FACE)
    for tenth in range(1, 21):
        assert faces_at(tracker, tenth / 10) == (FaceBox(1, FACE),)
    assert faces_at(tracker, 2.1) == ()
    assert faces_at(tracker, 2.9) == ()


@pytest.mark.parametrize(("gap_s", "expected"), [(2.9, 1), (3.0, 1), (3.1, 2)])
def test_a_face_found_again_is_the_same_for_three_seconds(gap_s: float, expected: int) -> None:
    """Back at its place within 3 s a face has its old id; later it is a new one."""
    tracker = FaceTracker(detect_interval_s=0)
    step(tracker, 0.0, FACE)
    step(tracker, gap_s / 2)
    assert ids(step(tracker, gap_s, FACE)) == [expected]


def test_a_face_elsewhere_is_a_new_one() -> None:
    """Boxes that hardly overlap are not one face; the old one coasts beside the new one."""
    tracker = FaceTracker(detect_interval_s=0)
    step(tracker, 0.0, FACE)
    assert ids(step(tracker, 0.2, OTHER)) == [1, 2]


def test_a_scene_cut_is_looked_at_and_drops_what_is_gone() -> None:
    """A cut calls the detector at once; a face that it does not find there does not coast."""
    tracker = FaceTracker(detect_interval_s=10)
    step(tracker, 0.0, FACE, OTHER)
    assert step(tracker, 0.1, FACE) is None
    assert step(tracker, 0.2, brightness=110) is None, "a lamp is no cut"
    assert step(tracker, 0.3, moved(OTHER, -600), brightness=200) == (FaceBox(3, moved(OTHER, -600)),)
    assert step(tracker, 0.4, brightness=20) == ()


def test_a_cut_hides_the_old_places_from_the_detector() -> None:
    """Places where faces were are known until a cut, and not for longer than three seconds."""

    def known_at(time_s: float, brightness: int) -> tuple[Box, ...] | None:
        tracker = FaceTracker(detect_interval_s=0)
        step(tracker, 0.0, FACE)
        step(tracker, 1.0)
        detector = Scripted()
        tracker.step(Frame(0, time_s, np.full_like(GREY, brightness)), detector)
        return detector.known

    assert known_at(1.1, 90) == (FACE,)
    assert known_at(1.1, 255) == ()
    assert known_at(3.1, 90) == ()


def test_a_jump_in_time_forgets_everyone() -> None:
    """After more than three seconds nothing is known: the detector looks, and ids are new."""
    tracker = FaceTracker(detect_interval_s=100)
    step(tracker, 0.0, FACE)
    assert faces_at(tracker, 3.1) == ()
    tracker = FaceTracker(detect_interval_s=0.5)
    step(tracker, 0.0, FACE)
    assert ids(step(tracker, 60.0, FACE)) == [2]


def test_another_shape_of_frame_begins_anew() -> None:
    """From landscape to portrait nothing of the old boxes can be right."""
    tracker = FaceTracker(detect_interval_s=100)
    step(tracker, 0.0, FACE)
    upright = Frame(1, 0.1, np.full((1280, 720, 3), 90, np.uint8))
    assert tracker.step(upright, Scripted(FACE)).faces == (FaceBox(2, FACE),)


def test_two_frames_of_one_moment() -> None:
    """Equal capture times divide by nothing."""
    tracker = FaceTracker(detect_interval_s=0)
    step(tracker, 1.0, FACE)
    assert ids(step(tracker, 1.0, moved(FACE, 10))) == [1]


def test_boxes_are_calm_at_rest() -> None:
    """A detector that trembles by 3 px around a face at rest moves its box by less than half of that."""
    tracker = FaceTracker(detect_interval_s=0)
    random = np.random.default_rng(1)
    detected, shown = [], []
    for index in range(200):
        box = moved(FACE, float(random.normal(0, 3)))
        faces = step(tracker, index / 10, box)
        assert faces is not None
        detected.append(box.x)
        shown.append(faces[0].box.x)
    assert np.std(np.diff(shown)) < 0.5 * np.std(np.diff(detected))
    assert np.mean(shown) == pytest.approx(FACE.x, abs=1)


def test_boxes_follow_a_face_that_walks() -> None:
    """A face that crosses the picture at its own width a second is not left behind by half of it."""
    tracker = FaceTracker(detect_interval_s=0)
    lags = []
    for index in range(40):
        box = moved(FACE, index * 20)
        faces = step(tracker, index / 10, box)
        assert faces is not None
        lags.append(abs(faces[0].box.x - box.x) / box.width)
        assert faces[0].box.iou(box) > 0.7
    assert max(lags) < 0.2
    assert ids(faces) == [1]


def test_the_largest_faces_are_kept() -> None:
    """A crowd costs no more than the limit."""
    tracker = FaceTracker(detect_interval_s=0, max_faces=3)
    crowd = [Box(100 * index, 0, 40 + index, 40 + index) for index in range(12)]
    faces = step(tracker, 0.0, *crowd)
    assert faces is not None
    assert [face.box.width for face in faces] == [51, 50, 49]


@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 9, 3), (23, 24, 3), (25, 1, 3)])
def test_tiny_frames(shape: tuple[int, int, int]) -> None:
    """Frames smaller than the thumbnail are frames."""
    tracker = FaceTracker(detect_interval_s=0.5)
    for index in range(3):
        frame = Frame(index, index / 10, np.zeros(shape, np.uint8))
        detector = Scripted()
        assert tracker.step(frame, detector).faces == ()
        assert (detector.known is not None) == (index == 0)
