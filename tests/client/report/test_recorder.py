"""A recorder keeps every score and few pictures: those of the worst moments."""

from __future__ import annotations

import dataclasses
import math
from unittest.mock import Mock

import numpy as np
import numpy.typing as npt
import pytest

from facegauge_client import Assessment, Box, Face
from facegauge_client.report import moments
from facegauge_client.report.fault_moments import MOST_FAULTS
from facegauge_client.report.moments import APART_S, MOST_KEPT, MOST_MOMENTS
from facegauge_client.report.recorder import MOST_WAITING, Recorder
from facegauge_client.report.thumbnail import thumbnail
from facegauge_client.report.track import STATES
from facegauge_client.sdk.types import Cause, CauseKind, FaceState, FrameResult, StreamState

from .conftest import PICTURE, recorder_of

BLUR, FREEZE = Cause(CauseKind.BLUR, 0.4, threshold=0.1), Cause(CauseKind.FREEZE, value=2.4, threshold=0.5)


def face(quality: float | None, box: Box = Box(40, 20, 30, 30), track_id: int = 1) -> Face:  # noqa: B008 - frozen
    return Face(track_id, box, FaceState.SCORED, quality, quality, 30.0)


def scored(time_s: float, raw_quality: float | None, *faces: Face) -> Assessment:
    faces = faces or (face(raw_quality),)
    return Assessment("a", 1, time_s, FrameResult.SCORED, StreamState.SCORED, raw_quality, raw_quality, faces)


def play(recorder: Recorder, qualities: list[float], fps: float, start_s: float = 0.0) -> None:
    for index, quality in enumerate(qualities):
        recorder.sent(PICTURE, start_s + index / fps)
        recorder.answered(scored(start_s + index / fps, quality))


def test_the_worst_of_each_dip_is_kept() -> None:
    """Of two dips the lowest frames are shown, with their times since the stream's first frame."""
    qualities = [0.9] * 100
    qualities[30:33] = [0.5, 0.2, 0.4]
    qualities[70:73] = [0.6, 0.3, 0.35]
    recorder = Recorder()
    play(recorder, qualities, fps=5, start_s=1000.0)
    kept = recorder.worst_moments()
    lowest = sorted((moment.raw_quality or 1.0, moment.time_s) for moment in kept)[:2]
    np.testing.assert_allclose(lowest, [(0.2, 31 / 5), (0.3, 71 / 5)])
    assert all(moment.thumbnail.frame.startswith(b"\xff\xd8") for moment in kept)
    assert len(recorder.track) == 100


def test_a_flank_is_no_moment() -> None:
    """A score that only rises was worst at its start, whatever comes between."""
    recorder = Recorder()
    play(recorder, [0.2 + index / 1000 for index in range(500)], fps=5)
    assert [moment.time_s for moment in recorder.worst_moments()] == [0.0]


def test_the_lowest_is_shown_where_the_score_falls_to_the_end() -> None:
    """What is still falling when the recording ends is a moment as well."""
    recorder = Recorder()
    play(recorder, [0.9 - index / 1000 for index in range(500)], fps=5)
    assert [moment.time_s for moment in recorder.worst_moments()] == [499 / 5]


def test_an_hour_keeps_a_handful_of_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long a stream is: few moments, apart, the worst of their surroundings; few pictures made."""
    made = Mock(wraps=thumbnail)
    monkeypatch.setattr(moments, "thumbnail", made)
    qualities = [0.6 + 0.3 * math.sin(index / 40) + 0.0001 * (index % 7) for index in range(18_000)]
    recorder = Recorder()
    play(recorder, qualities, fps=5)
    kept = recorder.worst_moments()
    times_s = [moment.time_s for moment in kept]
    assert len(times_s) == MOST_MOMENTS
    assert times_s == sorted(times_s)
    assert np.diff(times_s).min() >= 60, "spread over the hour"
    assert max(moment.raw_quality or 1.0 for moment in kept) < 0.31
    assert not recorder._waiting
    assert len(recorder._worst._kept) <= MOST_KEPT
    assert made.call_count < 200


def test_moments_of_one_bad_minute_are_shown_though_the_hour_is_long() -> None:
    """Being spread is second to being shown."""
    qualities = [0.9] * 18_000
    for index in range(9000, 9300, 50):
        qualities[index] = 0.2
    recorder = Recorder()
    play(recorder, qualities, fps=5)
    kept = recorder.worst_moments()
    assert sum(moment.raw_quality == 0.2 for moment in kept) >= MOST_MOMENTS - 1
    assert np.diff([moment.time_s for moment in kept]).min() >= APART_S


def test_frames_that_nobody_answers_do_not_pile_up() -> None:
    """A server that stops answering costs a bounded number of pictures."""
    recorder = Recorder()
    for index in range(1000):
        recorder.sent(PICTURE, index / 25)
    assert len(recorder._waiting) == MOST_WAITING
    recorder.answered(scored(0.0, 0.1))
    assert recorder.worst_moments() == [], "its picture is gone"
    assert len(recorder.track) == 1


def test_answers_are_timed() -> None:
    """From handing over a frame to its assessment, on the clock that was given."""
    now_s = iter([10.0, 10.5, 11.0, 13.0])
    recorder = Recorder(clock=lambda: next(now_s))
    play(recorder, [0.5, 0.5], fps=5)
    assert recorder.answer_times_s.tolist() == [0.5, 2.0]


def test_what_is_no_frame_is_not_in_the_track() -> None:
    """The news that a stream has gone stale has no time of its own."""
    recorder = Recorder()
    recorder.answered(Assessment("a", None, None, FrameResult.UNSPECIFIED, StreamState.STALE))
    assert len(recorder.track) == 0


def test_the_track_tells_what_there_is_and_what_there_is_not() -> None:
    """A quality that is held has no raw score; one that does not exist is NaN."""
    recorder = Recorder()
    recorder.answered(scored(5.0, 0.5))
    recorder.answered(Assessment("a", 2, 5.2, FrameResult.NO_FACE, StreamState.NO_FACE, 0.5))
    recorder.answered(Assessment("a", 3, 9.0, FrameResult.NO_FACE, StreamState.STALE))
    track = recorder.track
    np.testing.assert_allclose(track.times_s, [0, 0.2, 4])
    np.testing.assert_array_equal(track.qualities, [0.5, 0.5, np.nan])
    np.testing.assert_array_equal(track.raw_qualities, [0.5, np.nan, np.nan])
    assert [STATES[index].value for index in track.states] == ["scored", "no_face", "stale"]
    assert track.faces.tolist() == [1, 0, 0]


@pytest.mark.parametrize(
    ("main_track_id", "shown"),
    [(2, "main"), (None, "larger"), (3, "nobody")],
    ids=["named", "not named", "gone"],
)
def test_the_face_that_the_server_names_is_shown(main_track_id: int | None, shown: str) -> None:
    """The main face, though another is larger and scores the same; the largest where none is named."""
    recorder = Recorder()
    coloured = np.zeros((200, 400, 3), np.uint8)
    coloured[:, 200:] = (0, 0, 255)
    recorder.sent(coloured, 0.0)
    larger, main = face(0.3, Box(20, 20, 90, 120)), face(0.3, Box(260, 40, 80, 100), track_id=2)
    assessment = scored(0.0, 0.3, larger, main)
    recorder.answered(dataclasses.replace(assessment, main_track_id=main_track_id))
    (moment,) = recorder.worst_moments()
    if shown == "nobody":
        assert moment.thumbnail.face == b""
    else:
        blue = decode(moment.thumbnail.face)[100, 75, 2]
        assert (blue > 200) == (shown == "main"), "the right half is blue"


def test_a_worst_score_has_the_cause_of_its_picture() -> None:
    """What costs quality, not a fault that lasts meanwhile; it may be named later, as costs lag."""
    qualities = [0.9] * 20 + [0.2] * 5 + [0.9] * 20
    found = recorder_of(qualities, causes=[()] * 20 + [(FREEZE, BLUR)] * 25).worst_moments()
    lowest = [moment for moment in found if moment.raw_quality == 0.2 and moment.cause is not FREEZE]
    assert [(moment.cause, moment.cause_later_s) for moment in lowest] == [(BLUR, 0.0)]
    later = recorder_of(qualities, causes=[()] * 23 + [(BLUR,)] * 22).worst_moments()
    (lowest_later,) = (moment for moment in later if moment.raw_quality == 0.2)
    assert lowest_later.cause is BLUR
    assert lowest_later.cause_later_s == pytest.approx(0.6)
    good = recorder_of([0.96] * 20 + [0.95] + [0.96] * 4 + [0.5] * 20, causes=[()] * 25 + [(BLUR,)] * 20)
    assert [moment.cause for moment in good.worst_moments() if moment.raw_quality == 0.95] in ([], [None])


def test_a_fault_is_a_moment_though_the_score_is_good() -> None:
    """Where its value was worst, with a picture; what was the lowest score by chance nearby is left out."""
    rising = [dataclasses.replace(FREEZE, value=value) for value in (0.6, 1.5, 2.4, 2.4)]
    causes = [()] * 10 + [(fault,) for fault in rising] + [()] * 10
    moments = recorder_of([0.9] * 12 + [0.89] * 12, causes=causes).worst_moments()
    (fault,) = (moment for moment in moments if moment.cause)
    assert (fault.cause, fault.time_s) == (rising[2], 12 / 5)
    assert fault.thumbnail.frame.startswith(b"\xff\xd8")
    assert all(abs(moment.time_s - fault.time_s) >= APART_S for moment in moments if moment is not fault)
    nobody = Cause(CauseKind.NO_FACE, value=2.0, threshold=0.5)
    (absent,) = recorder_of([None] * 9, causes=[(nobody,)] * 9).worst_moments()
    assert (absent.raw_quality, absent.quality, absent.cause) == (None, None, nobody)


def test_the_longest_faults_are_kept() -> None:
    """However many there are: a handful, and one whole frame for each that lasts."""
    causes: list[tuple[Cause, ...]] = []
    for length in range(1, 40):
        causes += [(FREEZE,)] * length + [()] * 2
    recorder = recorder_of([0.9] * len(causes), causes=causes)
    ends_s = [moment.time_s for moment in recorder.worst_moments() if moment.cause]
    assert len(ends_s) == MOST_FAULTS
    assert min(ends_s) > sum(length + 2 for length in range(1, 35)) / 5
    assert not recorder._faults._lasting


def decode(jpeg: bytes) -> npt.NDArray[np.uint8]:
    import cv2

    return np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB), np.uint8)
