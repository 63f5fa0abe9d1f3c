"""Sessions with a past: streams of made-up scores, which hypothesis draws."""

from __future__ import annotations

from hypothesis import strategies as st

from facegauge_server.checkpoints.issuer import CheckpointIssuer, Opened
from facegauge_server.config import Config, StreamSettings
from facegauge_server.kinds import PICTURE_CAUSES
from facegauge_server.snapshots import TrackerSnapshot, TrackSnapshot
from facegauge_server.streams.session import Session
from facegauge_server.types import (
    Box,
    Cause,
    EncodedFrame,
    Encoding,
    FaceBox,
    FaceScore,
    FaceState,
    FrameResult,
    FrameScore,
    View,
)

ratios = st.floats(0, 1)
boxes = st.builds(Box, st.floats(-50, 1300), st.floats(-50, 700), st.floats(10, 500), st.floats(10, 500))
views = st.builds(
    View,
    st.just(1280),
    st.just(720),
    black_share=ratios,
    texture=st.floats(0, 20),
    still_s=st.floats(0, 5),
    faceless_s=st.none() | st.floats(0, 5),
    largest=st.none() | boxes,
)
causes = st.lists(st.sampled_from(PICTURE_CAUSES), unique=True).flatmap(
    lambda kinds: st.tuples(*(st.builds(Cause, st.just(kind), ratios) for kind in kinds))
)


@st.composite
def scores(draw: st.DrawFn) -> FrameScore:
    """One frame's score, at capture time 0."""
    result = draw(st.sampled_from([*list(FrameResult)[:3], FrameResult.ERROR, FrameResult.SCORED]))
    view = None if result is FrameResult.ERROR else draw(views)
    faces = draw(st.dictionaries(st.integers(1, 12), boxes, min_size=1, max_size=10))
    if result is FrameResult.SCORED:
        scored = tuple(
            FaceScore(FaceBox(number, box), FaceState.SCORED, draw(ratios), draw(causes))
            for number, box in faces.items()
        )
    elif result is FrameResult.TOO_SMALL:
        scored = tuple(
            FaceScore(FaceBox(number, box), FaceState.TOO_SMALL, None) for number, box in faces.items()
        )
    else:
        scored = ()
    return FrameScore(draw(st.integers(0, 2**32 - 1)), 0.0, result, scored, view=view)


trackers = st.builds(
    TrackerSnapshot,
    tracks=st.lists(
        st.builds(
            TrackSnapshot,
            st.integers(1, 99),
            st.floats(0, 100),
            st.tuples(*[st.floats(-100, 2000)] * 4),
            st.tuples(*[st.floats(-900, 900)] * 4),
        ),
        max_size=20,
    ).map(tuple),
    last_id=st.integers(0, 2**31),
    detected_s=st.none() | st.floats(0, 100),
    faceless_since_s=st.none() | st.floats(0, 100),
    frame_size=st.none() | st.tuples(st.integers(1, 8192), st.integers(1, 8192)),
    still_since_s=st.floats(0, 100),
    still_pictures=st.integers(0, 10**6),
)


@st.composite
def sessions(draw: st.DrawFn, max_frames: int = 40) -> tuple[Session, float]:
    """A session that has had frames, and the time on the server's clock."""
    now_s = draw(st.floats(0, 1e6))
    window = draw(st.sampled_from([1, 5, 31]))
    session = Session(StreamSettings(stream_id="a", median_window=window), Config(), now_s)
    capture_s = draw(st.floats(-1e6, 1e9))
    for score in draw(st.lists(scores(), max_size=max_frames)):
        step_s = draw(st.sampled_from([0.04, 0.2, 0.5, 2.0]))
        capture_s, now_s = capture_s + step_s, now_s + step_s
        session.note_frame(
            EncodedFrame(score.sequence, capture_s, Encoding.JPEG, b"12345678"), now_s, 1.7e9, 1
        )
        at = FrameScore(score.sequence, capture_s, score.result, score.faces, view=score.view)
        session.assess(at, now_s)
        session.check_silence(now_s)
    session.tracker.snapshot = draw(trackers)
    return session, now_s


def gone_on(opened: Opened, issuer: CheckpointIssuer, now_s: float, window: int = 5) -> Session:
    """The session that another server makes of a checkpoint."""
    settings = StreamSettings(stream_id="a", median_window=window)
    return Session(settings, Config(), now_s, issuer=issuer, opened=opened)
