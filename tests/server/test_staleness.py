"""What is stale is judged on the server's clock, but never on the server's own slowness with a file."""

import pytest

from facegauge_server.config import Config, StreamSettings
from facegauge_server.streams.session import Session
from facegauge_server.types import (
    Box,
    Delivery,
    EncodedFrame,
    Encoding,
    FaceBox,
    FaceScore,
    FaceState,
    FrameResult,
    FrameScore,
    StreamState,
)

SCORED = FrameScore(
    0, 0.0, FrameResult.SCORED, (FaceScore(FaceBox(1, Box(0, 0, 100, 100)), FaceState.SCORED, 0.5),)
)
FRAME = EncodedFrame(0, 0.0, Encoding.JPEG, b"")


@pytest.mark.parametrize(
    ("delivery", "state"), [(Delivery.LIVE, StreamState.STALE), (Delivery.COMPLETE, StreamState.SCORED)]
)
def test_a_file_does_not_go_stale_while_its_frames_wait(delivery: Delivery, state: StreamState) -> None:
    """A frame under way that is late makes a live stream stale; a file's frame waits for the server."""
    session = Session(StreamSettings(stream_id="s", delivery=delivery), Config(stale_after_s=3), 0.0)
    session.note_frame(FRAME, 0.0, 0.0)
    session.assess(SCORED, 0.1)
    session.note_frame(FRAME, 0.2, 0.0)
    session.check_stale(10.0)
    assert session.quality.state is state


def test_a_file_whose_sender_pauses_goes_stale() -> None:
    """With nothing under way it is the sender that is silent."""
    session = Session(StreamSettings(stream_id="s", delivery=Delivery.COMPLETE), Config(stale_after_s=3), 0.0)
    session.note_frame(FRAME, 0.0, 0.0)
    session.assess(SCORED, 0.1)
    session.check_stale(10.0)
    assert session.quality.state is StreamState.STALE
    assert session.quality.quality is None
