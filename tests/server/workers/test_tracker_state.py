"""A tracker between two frames: what a snapshot keeps of it, and what a hand-over's gap does not end."""

from __future__ import annotations

import pytest

from facegauge_server.snapshots import TrackerSnapshot, TrackSnapshot
from facegauge_server.workers.tracker_state import TrackerCell, snapshot_of, unpack

SNAPSHOT = TrackerSnapshot(
    tracks=(
        TrackSnapshot(1, 4.0, (100.0, 100.0, 50.0, 60.0), (1.0, 2.0, 3.0, 4.0)),
        TrackSnapshot(2, 2.5, (300.0, 100.0, 50.0, 60.0), (0.0, 0.0, 0.0, 0.0)),
    ),
    last_id=7,
    detected_s=4.0,
    faceless_since_s=None,
    frame_size=(640, 480),
    still_since_s=3.0,
    still_pictures=2,
)


def test_a_snapshot_is_all_but_the_pictures() -> None:
    """The bytes that a worker gets hold the snapshot, and nothing to compare pictures with."""
    cell = TrackerCell(detect_interval_s=0.25, max_faces=3, steady_detect_interval_s=1.5)
    cell.restore(SNAPSHOT)
    tracker, still = unpack(cell.state)
    assert snapshot_of(tracker, still) == cell.snapshot == SNAPSHOT
    assert tracker.settings == unpack(TrackerCell(0.25, 3, 1.5).state)[0].settings
    assert tracker.state.schedule.scene is None
    assert tracker.state.schedule.faces == ()
    assert still.points is None


def test_a_snapshot_replaces_that_of_the_frame_before() -> None:
    """As the state does; a reply without one, as for units without a picture, leaves it."""
    cell = TrackerCell()
    cell.replace_state(cell.state, b"after", SNAPSHOT)
    cell.replace_state(cell.state, b"later")
    assert (cell.state, cell.snapshot) == (b"later", SNAPSHOT)
    with pytest.raises(RuntimeError, match="at the same time"):
        cell.replace_state(b"before", b"after")


@pytest.mark.parametrize(("at_s", "seen_s"), [(4.2, 4.0), (6.0, 4.0), (9.0, 7.0)])
def test_a_gap_ends_no_face_that_was_in_sight(at_s: float, seen_s: float) -> None:
    """It was seen no longer ago than a face that is followed may be; one that was gone before stays gone."""
    cell = TrackerCell()
    cell.restore(SNAPSHOT)
    cell.bridge(at_s)
    assert [track.seen_s for track in cell.snapshot.tracks] == [seen_s, 2.5]
    assert cell.snapshot.detected_s == seen_s


def test_a_gap_without_any_detection_is_nothing() -> None:
    """Nobody was in sight."""
    cell = TrackerCell()
    before = cell.state
    cell.bridge(9.0)
    assert cell.state is before
