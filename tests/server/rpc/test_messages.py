"""Messages to our types and back: nothing is lost, defaults are filled in, unknown numbers are refused."""

from __future__ import annotations

import enum
from dataclasses import replace
from typing import Any

import pytest

from facegauge.v1 import quality_pb2 as pb
from facegauge_server.calibration import Calibration, ServedModel
from facegauge_server.config import Config, StreamSettings
from facegauge_server.errors import BadFrame, InvalidConfig, ProtocolViolation
from facegauge_server.rpc import from_proto, to_proto
from facegauge_server.streams.session import Session
from facegauge_server.summary_fields import frame_counts, summary_fields
from facegauge_server.types import (
    Assessment,
    Box,
    Cause,
    CauseKind,
    Decode,
    Delivery,
    EncodedFrame,
    Encoding,
    FaceBox,
    FaceQuality,
    FaceScore,
    FaceState,
    Fault,
    FrameResult,
    FrameScore,
    Notice,
    NoticeKind,
    StreamQuality,
    StreamState,
    StreamSummary,
    View,
)

FACE = FaceQuality(FaceBox(7, Box(1, 2, 30, 40)), FaceState.LOW_RESOLUTION, 0.5, 0.4)
MODEL = ServedModel("tiny", "abc")
TINY = FaceQuality(FaceBox(8, Box(1, 2, 3, 4)), FaceState.TOO_SMALL, None, None)


@pytest.mark.parametrize(
    ("ours", "theirs", "prefix"),
    [
        (Encoding, pb.FrameEncoding, "FRAME_ENCODING_"),
        (Delivery, pb.Delivery, "DELIVERY_"),
        (Decode, pb.Decode, "DECODE_"),
        (FrameResult, pb.FrameResult, "FRAME_RESULT_"),
        (FaceState, pb.FaceState, "FACE_STATE_"),
        (StreamState, pb.StreamState, "STREAM_STATE_"),
        (NoticeKind, pb.Notice.Kind, "KIND_"),
    ],
)
def test_enums_have_the_same_members(ours: type[enum.StrEnum], theirs: Any, prefix: str) -> None:
    """Every value of ours has its number, and every number but 0 its value; labels are the short names."""
    assert {prefix + member.name for member in ours} == set(theirs.keys()) - {f"{prefix}UNSPECIFIED"}
    assert all(member.value == member.name.lower() for member in ours)


def test_an_empty_config_gets_the_defaults() -> None:
    """Only the id must be given; a smoothing of 0 is not the same as none."""
    assert from_proto.settings_from(pb.StreamConfig(stream_id="a")) == StreamSettings(stream_id="a")
    off = pb.StreamConfig(stream_id="a", smoothing=pb.Smoothing(median_window=1, time_constant_s=0))
    settings = from_proto.settings_from(off)
    assert (settings.median_window, settings.time_constant_s) == (1, 0.0)


def test_a_config_in_force_reads_back_as_it_was_asked() -> None:
    """What StreamAccepted says, sent again as a config, asks for the same stream."""
    asked = StreamSettings(
        stream_id="a",
        call_id="b",
        encoding=Encoding.NV12,
        width=64,
        height=48,
        max_fps=5.0,
        min_fps=1.0,
        median_window=3,
        time_constant_s=0.5,
        display_lines=1080,
        delivery=Delivery.LIVE,
    )
    session = Session(asked, Config(), 0.0)
    response = to_proto.accepted_response(session, resumed=True, model="m", max_message_bytes=7)
    accepted = response.accepted
    assert from_proto.settings_from(accepted.config) == asked
    assert (accepted.resume_token, accepted.resumed) == (session.token, True)
    assert (accepted.model, accepted.max_message_bytes) == ("m", 7)


def test_wrong_fields_are_all_named() -> None:
    """Enum values from a later version of the interface are refused by name."""
    config = pb.StreamConfig(stream_id="a", encoding=99, delivery=98, decode=97)  # type: ignore[arg-type]
    with pytest.raises(InvalidConfig) as caught:
        from_proto.settings_from(config)
    assert caught.value.violations == {
        "encoding": "99 is no value of this enum",
        "delivery": "98 is no value of this enum",
        "decode": "97 is no value of this enum",
    }
    with pytest.raises(InvalidConfig, match="max_fps"):
        from_proto.settings_from(pb.StreamConfig(stream_id="a", max_fps=float("nan")))


def test_a_frame_takes_from_its_stream_what_it_leaves_out() -> None:
    """Encoding and size of the config hold unless the frame has its own."""
    settings = StreamSettings(stream_id="a", encoding=Encoding.I420, width=64, height=48)
    bare = frame_from(pb.Frame(sequence=3, capture_time_s=1.5, data=b"x"), settings)
    assert (bare.sequence, bare.capture_time_s, bare.data) == (3, 1.5, b"x")
    assert (bare.encoding, bare.width, bare.height) == (Encoding.I420, 64, 48)
    own = pb.Frame(encoding=pb.FRAME_ENCODING_PNG, width=8, height=9)
    full = frame_from(own, settings)
    assert (full.encoding, full.width, full.height) == (Encoding.PNG, 8, 9)


def test_a_unit_of_coded_video() -> None:
    """What it says of its place among the others arrives; a layer that is not told is not layer 0."""
    settings = StreamSettings(stream_id="a", encoding=Encoding.VP8)
    plain = frame_from(pb.Frame(data=b"x"), settings)
    assert (plain.encoding, plain.keyframe, plain.temporal_layer) == (Encoding.VP8, False, None)
    told = frame_from(pb.Frame(keyframe=True, temporal_layer=0, discontinuity=True), settings)
    assert (told.keyframe, told.temporal_layer, told.discontinuity) == (True, 0, True)


def test_frames_come_singly_or_in_batches() -> None:
    """A batch is bounded; a configuration brings no frame."""
    frames = [pb.Frame(sequence=number) for number in range(257)]
    settings = StreamSettings(stream_id="a")

    def sequences(request: pb.MonitorStreamRequest) -> list[int]:
        return [frame.sequence for frame in from_proto.frames_from(request.SerializeToString(), settings)]

    batch = pb.MonitorStreamRequest(frames=pb.FrameBatch(frames=frames[:256]))
    assert sequences(batch) == list(range(256))
    assert sequences(pb.MonitorStreamRequest(frame=frames[3])) == [3]
    with pytest.raises(ProtocolViolation, match="one StreamConfig"):
        sequences(pb.MonitorStreamRequest(config=pb.StreamConfig()))
    with pytest.raises(ProtocolViolation, match="up to 256 frames, not 257"):
        sequences(pb.MonitorStreamRequest(frames=pb.FrameBatch(frames=frames)))


LARGE = bytes(range(256)) * 2048


def test_a_large_frame_is_read_without_copying_it() -> None:
    """Its data is a view of the message, and all else is as for a small one."""
    settings = StreamSettings(stream_id="a", encoding=Encoding.I420, width=64, height=48)
    frame = pb.Frame(sequence=3, capture_time_s=1.5, data=LARGE, height=9)
    message = pb.MonitorStreamRequest(frame=frame).SerializeToString()
    (read,) = from_proto.frames_from(message, settings)
    view: object = read.data
    assert isinstance(view, memoryview)
    assert view.obj is message
    assert view.readonly
    assert replace(read, data=bytes(view)) == frame_from(frame, settings)


def test_a_large_picture_is_read_without_copying_it() -> None:
    """The same for AssessImage."""
    request = pb.AssessImageRequest(encoding=pb.FRAME_ENCODING_PNG, data=LARGE, display_lines=360)
    message = request.SerializeToString()
    picture, lines = from_proto.image_from(message)
    view: object = picture.data
    assert isinstance(view, memoryview)
    assert view.obj is message
    assert (bytes(view), picture.encoding, lines) == (LARGE, Encoding.PNG, 360)


def test_large_messages_in_an_unusual_form_are_read_as_protobuf_reads_them() -> None:
    """Fields given twice, batches, coded video, and bytes that are no message."""
    settings = StreamSettings(stream_id="a")
    once = pb.MonitorStreamRequest(frame=pb.Frame(sequence=3, data=LARGE)).SerializeToString()
    again = pb.MonitorStreamRequest(frame=pb.Frame(data=LARGE[1:])).SerializeToString()
    (merged,) = from_proto.frames_from(once + again, settings)
    assert (merged.sequence, merged.data) == (3, LARGE[1:])
    batch = pb.MonitorStreamRequest(frames=pb.FrameBatch(frames=[pb.Frame(data=LARGE)] * 2))
    assert [frame.data for frame in from_proto.frames_from(batch.SerializeToString(), settings)] == [
        LARGE
    ] * 2
    coded = from_proto.frames_from(once, StreamSettings(stream_id="a", encoding=Encoding.VP8))
    assert isinstance(coded[0].data, bytes)
    with pytest.raises(InvalidConfig, match="MonitorStreamRequest"):
        from_proto.frames_from(once[:-1], settings)


def test_a_picture() -> None:
    """A picture is a JPEG for 720 lines unless it says otherwise; what it says must exist."""
    frame, lines = image_from(pb.AssessImageRequest(data=b"x"))
    assert (frame.encoding, lines) == (Encoding.JPEG, 720)
    with pytest.raises(BadFrame, match="encoding: 99"):
        image_from(pb.AssessImageRequest(encoding=99))  # type: ignore[arg-type]
    with pytest.raises(InvalidConfig, match="display_lines"):
        image_from(pb.AssessImageRequest(display_lines=1))


def frame_from(frame: pb.Frame, settings: StreamSettings) -> EncodedFrame:
    (read,) = from_proto.frames_from(pb.MonitorStreamRequest(frame=frame).SerializeToString(), settings)
    return read


def image_from(request: pb.AssessImageRequest) -> tuple[EncodedFrame, int]:
    return from_proto.image_from(request.SerializeToString())


def test_an_assessment_of_a_frame() -> None:
    """Every field arrives; a face without a score has none, not 0."""
    stream = StreamQuality(StreamState.LOW_RESOLUTION, 0.5, 0.4, (FACE, TINY), main_track_id=7)
    view = View(640, 360, black_share=0, texture=9, still_s=0, faceless_s=None)
    score = FrameScore(3, 1.5, FrameResult.SCORED, view=view)
    message = to_proto.response_from(Assessment(score, stream, 2, 1, 3), "a", MODEL).assessment
    assert (message.stream_id, message.sequence, message.capture_time_s) == ("a", 3, 1.5)
    assert (message.result, message.state) == (pb.FRAME_RESULT_SCORED, pb.STREAM_STATE_LOW_RESOLUTION)
    assert (message.quality, message.raw_quality, message.main_track_id) == (0.5, 0.4, 7)
    assert (message.frames_dropped, message.frames_skipped, message.frames_not_decoded) == (2, 1, 3)
    assert (message.frame_width, message.frame_height) == (640, 360)
    face, tiny = message.faces
    assert (face.track_id, face.state, face.short_side_px) == (7, pb.FACE_STATE_LOW_RESOLUTION, 30)
    assert (face.box.x, face.box.y, face.box.width, face.box.height) == (1, 2, 30, 40)
    assert (face.quality, face.raw_quality) == (0.5, 0.4)
    assert not tiny.HasField("quality")
    assert not tiny.HasField("raw_quality")


def test_an_assessment_without_a_frame() -> None:
    """A stale stream's has no sequence, time, quality or main face."""
    stale = Assessment(None, StreamQuality(StreamState.STALE))
    message = to_proto.response_from(stale, "a", MODEL).assessment
    assert (message.result, message.state) == (pb.FRAME_RESULT_UNSPECIFIED, pb.STREAM_STATE_STALE)
    for name in ("sequence", "capture_time_s", "quality", "raw_quality", "main_track_id"):
        assert not message.HasField(name)
    assert (message.frame_width, message.frame_height) == (0, 0)


def test_a_main_face_of_track_0_is_there() -> None:
    """0 is a track like any other."""
    stream = StreamQuality(StreamState.SCORED, 0.0, 0.0, main_track_id=0)
    message = to_proto.assessment_message(Assessment(None, stream), "a", MODEL)
    assert message.HasField("main_track_id")
    assert message.HasField("quality")


def test_a_picture_has_no_stream() -> None:
    """The response to a picture has faces and quality, but no sequence, time or stream."""
    assessment = Assessment(
        FrameScore(0, 0.0, FrameResult.SCORED), StreamQuality(StreamState.SCORED, 0.5, 0.5)
    )
    message = to_proto.image_response(assessment, MODEL).assessment
    assert (message.stream_id, message.quality) == ("", 0.5)
    assert not message.HasField("sequence")
    assert not message.HasField("capture_time_s")


def test_causes() -> None:
    """Each comes with its figures, the dearest first: 0 where it costs nothing, unset where nobody knows."""
    causes = (Cause(CauseKind.BLUR, 0.3, 0.1), Cause(CauseKind.LOSS, 0.0, 0.1))
    face = replace(FACE, causes=causes)
    stream = StreamQuality(StreamState.SCORED, 0.5, 0.4, (face, TINY), 7, causes, causes[0])
    message = to_proto.assessment_message(Assessment(None, stream), "a", MODEL)
    for found in (message.causes, message.faces[0].causes):
        assert [(cause.kind, cause.cost, cause.threshold) for cause in found] == [
            (pb.CAUSE_KIND_BLUR, 0.3, 0.1),
            (pb.CAUSE_KIND_LOSS, 0.0, 0.1),
        ]
    assert message.causes[1].HasField("cost")
    assert not message.causes[0].HasField("value")
    assert message.main_cause == message.causes[0]
    assert not message.faces[1].causes


def test_faults_of_a_stream() -> None:
    """What was measured and what it was held against; nobody knows what a fault costs."""
    fault = Fault(CauseKind.BLACK, 0.99, 0.98)
    stream = StreamQuality(StreamState.NO_FACE, causes=(fault,), main_cause=fault)
    message = to_proto.assessment_message(Assessment(None, stream), "a", MODEL)
    assert list(message.causes) == [pb.Cause(kind=pb.CAUSE_KIND_BLACK, value=0.99, threshold=0.98)]
    assert message.main_cause == message.causes[0]
    assert not message.main_cause.HasField("cost")


def test_a_summary_has_all_fields_of_the_interface() -> None:
    """Under one mapping for the interface and for webhooks, which leave out what a calibration would add."""
    fields = summary_fields(StreamSummary(0.5, 0.4, {}, {}), "a")
    assert fields.keys() == {one.name for one in pb.StreamSummary.DESCRIPTOR.fields} - {"mos_estimate"}
    frames = {name for name in pb.StreamStatus.DESCRIPTOR.fields_by_name if name.startswith("frames_")}
    assert frame_counts({}) == dict.fromkeys(frames, 0)


def test_without_causes() -> None:
    """A student that names none leaves everything of them unset; what scored is told all the same."""
    message = to_proto.assessment_message(
        Assessment(None, StreamQuality(StreamState.SCORED, 0.5, 0.4, (FACE,), 7)), "a", MODEL
    )
    assert not message.causes
    assert not message.HasField("main_cause")
    assert not message.faces[0].causes
    assert (message.model.name, message.model.sha256) == ("tiny", "abc")


def test_every_cause_has_a_number() -> None:
    """Whatever may be named can be sent."""
    numbers = {pb.CauseKind.Value(f"CAUSE_KIND_{kind.name}") for kind in CauseKind}
    assert len(numbers) == len(CauseKind)
    assert 0 not in numbers


def test_an_opinion_score_needs_a_calibration_and_a_quality() -> None:
    """Assessments and summaries carry one then; a single picture, which is no clip, never does."""
    model = replace(MODEL, calibration=Calibration((0.0, 1.0), (1.0, 5.0), 0.5, 0.0, 1.0))
    scored = Assessment(None, StreamQuality(StreamState.SCORED, 0.5))
    stale = Assessment(None, StreamQuality(StreamState.STALE))
    mos = to_proto.response_from(scored, "a", model).assessment.mos_estimate
    assert (mos.value, mos.low, mos.high) == (3.0, 2.5, 3.5)
    assert not to_proto.response_from(stale, "a", model).assessment.HasField("mos_estimate")
    assert not to_proto.response_from(scored, "a", MODEL).assessment.HasField("mos_estimate")
    summary = to_proto.response_from(StreamSummary(0.25, None, {}, {}), "a", model).summary
    assert summary.mos_estimate.value == 2.0
    nothing = to_proto.response_from(StreamSummary(None, None, {}, {}), "a", model).summary
    assert not nothing.HasField("mos_estimate")
    picture = Assessment(FrameScore(0, 0.0, FrameResult.SCORED), StreamQuality(StreamState.SCORED, 0.5, 0.5))
    assert not to_proto.image_response(picture, model).assessment.HasField("mos_estimate")


def test_notices_and_summaries() -> None:
    """The messages that are no assessments."""
    notice = to_proto.response_from(Notice(NoticeKind.THROTTLED, "slow down"), "a", MODEL).notice
    assert (notice.kind, notice.text) == (pb.Notice.KIND_THROTTLED, "slow down")
    frames = {result: number for number, result in enumerate(FrameResult, start=1)}
    summary = to_proto.response_from(
        StreamSummary(0.5, None, {StreamState.SCORED: 2.0}, frames), "a", MODEL
    ).summary
    assert (summary.stream_id, summary.mean_quality) == ("a", 0.5)
    assert not summary.HasField("p10_quality")
    assert [(each.state, each.seconds) for each in summary.state_times] == [(pb.STREAM_STATE_SCORED, 2.0)]
    counts = (
        summary.frames_scored,
        summary.frames_no_face,
        summary.frames_too_small,
        summary.frames_dropped,
        summary.frames_failed,
        summary.frames_skipped,
        summary.frames_not_decoded,
    )
    assert counts == (1, 2, 3, 4, 5, 6, 7)


def test_a_stream_as_an_operator_sees_it() -> None:
    """A stream without a frame has no age of its last one; one that is scored has a quality."""
    session = Session(StreamSettings(stream_id="a", call_id="b"), Config(), 10.0)
    fresh = to_proto.status_message(session, 12.0)
    assert (fresh.stream_id, fresh.call_id, fresh.age_s) == ("a", "b", 2.0)
    assert fresh.state == pb.STREAM_STATE_WAITING
    assert not fresh.HasField("last_frame_age_s")
    assert not fresh.HasField("quality")
    session.note_frame(EncodedFrame(0, 0.0, Encoding.JPEG, b""), 13.0, 0.0)
    assert to_proto.status_message(session, 14.0).last_frame_age_s == 1.0
    assert fresh.tenant == ""
    assert not fresh.HasField("raw_quality")
    assert not fresh.HasField("answer_time_s")


def test_all_causes_of_a_stream_are_for_who_asks_for_it() -> None:
    """A list of many has each one's main cause; one of a single id all of them, as in its assessment."""
    session = Session(StreamSettings(stream_id="a"), Config(), 10.0, tenant="acme")
    face = FaceScore(
        FaceBox(7, Box(0, 0, 200, 200)),
        FaceState.SCORED,
        0.5,
        (Cause(CauseKind.BLUR, 0.3), Cause(CauseKind.NOISE, 0.01)),
    )
    assessment = session.assess(FrameScore(0, 0.0, FrameResult.SCORED, (face,)), 11.0)
    short, whole = (to_proto.status_message(session, 12.0, with_causes=asked) for asked in (False, True))
    assert short.main_cause.kind == whole.main_cause.kind == pb.CAUSE_KIND_BLUR
    assert not short.causes
    assert list(whole.causes) == list(to_proto.assessment_message(assessment, "a", MODEL).causes)
    assert len(whole.causes) == 2
    assert (short.tenant, short.raw_quality) == ("acme", 0.5)


@pytest.mark.parametrize(("asked", "limit"), [(0, 50), (7, 7), (10_000, 10_000)])
def test_limits_of_lists(asked: int, limit: int) -> None:
    """0 stands for the default; more than 10,000 is refused."""
    assert from_proto.list_limit(asked, 50) == limit
    with pytest.raises(InvalidConfig, match="limit: must be at most 10000, not 10001"):
        from_proto.list_limit(10_001, 50)


@pytest.mark.parametrize("interval_s", [0.01, 61.0, -1.0, float("nan"), float("inf")])
def test_intervals_of_lists(interval_s: float) -> None:
    """A tenth of a second to a minute; 0 stands for a second."""
    assert from_proto.watch_interval_s(pb.WatchStreamsRequest()) == 1.0
    with pytest.raises(InvalidConfig, match=r"interval_s: must be from 0.1 to 60"):
        from_proto.watch_interval_s(pb.WatchStreamsRequest(interval_s=interval_s))
