"""Protobuf messages to our types and back. Only `service.py` and `rpc_errors.py` know protobuf too.

Enum values match by name: FRAME_RESULT_NO_FACE is FrameResult.NO_FACE, in JSON and labels `no_face`.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable
from typing import TypeVar

from google.protobuf.message import DecodeError
from google.protobuf.message import Message as ProtoMessage

from facegauge.v1 import quality_pb2 as pb
from facegauge_server.calibration import ServedModel
from facegauge_server.config import StreamSettings
from facegauge_server.errors import BadFrame, InvalidConfig, ProtocolViolation
from facegauge_server.streams.buffers import Message
from facegauge_server.streams.session import Session
from facegauge_server.types import (
    Assessment,
    Cause,
    Decode,
    Delivery,
    EncodedFrame,
    Encoding,
    FaceQuality,
    FrameResult,
    MosEstimate,
    Notice,
    StreamSummary,
)

__all__ = [
    "accepted_response",
    "assessment_message",
    "frame_from",
    "frames_of",
    "image_from",
    "image_response",
    "list_limit",
    "parse",
    "response_from",
    "settings_from",
    "status_message",
    "watch_interval_s",
]

MAX_LIST_LIMIT = 10_000
MAX_BATCH_FRAMES = 256
MIN_WATCH_INTERVAL_S, MAX_WATCH_INTERVAL_S = 0.1, 60.0

E = TypeVar("E", bound=enum.StrEnum)
M = TypeVar("M", bound=ProtoMessage)
N = TypeVar("N", bound=int)


def parse(kind: type[M], data: bytes) -> M:
    """Parse a request; raises InvalidConfig for bytes that are no such message."""
    try:
        return kind.FromString(data)
    except DecodeError as error:
        raise InvalidConfig(
            {"": f"the request is no facegauge.v1.{kind.DESCRIPTOR.name}: {error}"}
        ) from error


def settings_from(config: pb.StreamConfig) -> StreamSettings:
    """Read a stream's configuration; raises InvalidConfig naming every field that is wrong."""
    encoding = _member(Encoding, pb.FrameEncoding.Name, "FRAME_ENCODING_", config.encoding)
    delivery = _member(Delivery, pb.Delivery.Name, "DELIVERY_", config.delivery)
    decode = _member(Decode, pb.Decode.Name, "DECODE_", config.decode)
    unknown = {
        name: f"{number} is no value of this enum"
        for name, number, member in (
            ("encoding", config.encoding, encoding),
            ("delivery", config.delivery, delivery),
            ("decode", config.decode, decode),
        )
        if number and member is None
    }
    if unknown:
        raise InvalidConfig(unknown)
    smoothing = config.smoothing
    return StreamSettings(
        stream_id=config.stream_id,
        call_id=config.call_id,
        encoding=encoding or Encoding.JPEG,
        width=config.width,
        height=config.height,
        max_fps=config.max_fps,
        min_fps=config.min_fps,
        median_window=smoothing.median_window if smoothing.HasField("median_window") else 5,
        time_constant_s=smoothing.time_constant_s if smoothing.HasField("time_constant_s") else 2.0,
        display_lines=config.display_lines or 720,
        delivery=delivery or Delivery.LIVE,
        decode=decode or Decode.AUTO,
        resume_token=config.resume_token,
    )


def frame_from(frame: pb.Frame, settings: StreamSettings) -> EncodedFrame:
    """Read a frame, filling in what it leaves to the stream's configuration.

    An encoding that this server does not know is kept as the stream's: the decoder will say what is wrong.
    """
    encoding = _member(Encoding, pb.FrameEncoding.Name, "FRAME_ENCODING_", frame.encoding)
    return EncodedFrame(
        sequence=frame.sequence,
        capture_time_s=frame.capture_time_s,
        encoding=encoding or settings.encoding,
        data=frame.data,
        width=frame.width or settings.width,
        height=frame.height or settings.height,
        keyframe=frame.keyframe,
        temporal_layer=frame.temporal_layer if frame.HasField("temporal_layer") else None,
        discontinuity=frame.discontinuity,
    )


def frames_of(request: pb.MonitorStreamRequest) -> Iterable[pb.Frame] | None:
    """Return the frames that a request brings; None for one that brings none."""
    match request.WhichOneof("message"):
        case "frame":
            return (request.frame,)
        case "frames":
            if len(request.frames.frames) > MAX_BATCH_FRAMES:
                raise ProtocolViolation(
                    f"a request brings up to {MAX_BATCH_FRAMES} frames, not {len(request.frames.frames)}"
                )
            return request.frames.frames
    return None


def image_from(request: pb.AssessImageRequest) -> tuple[EncodedFrame, int]:
    """Read a picture and the display's lines; raises BadFrame or InvalidConfig."""
    encoding = _member(Encoding, pb.FrameEncoding.Name, "FRAME_ENCODING_", request.encoding)
    if encoding is None and request.encoding:
        raise BadFrame(f"encoding: {request.encoding} is no value of this enum")
    settings = StreamSettings(stream_id="image", display_lines=request.display_lines or 720)
    frame = EncodedFrame(0, 0.0, encoding or Encoding.JPEG, request.data, request.width, request.height)
    return frame, settings.display_lines


def list_limit(asked: int, default: int) -> int:
    """Read how many streams to list at most; raises InvalidConfig."""
    if asked > MAX_LIST_LIMIT:
        raise InvalidConfig({"limit": f"must be at most {MAX_LIST_LIMIT}, not {asked}"})
    return asked or default


def watch_interval_s(request: pb.WatchStreamsRequest) -> float:
    """Read the seconds between two lists; raises InvalidConfig."""
    interval_s = request.interval_s or 1.0
    if not MIN_WATCH_INTERVAL_S <= interval_s <= MAX_WATCH_INTERVAL_S:
        raise InvalidConfig(
            {"interval_s": f"must be from {MIN_WATCH_INTERVAL_S:g} to {MAX_WATCH_INTERVAL_S:g}"}
        )
    return interval_s


def accepted_response(
    session: Session, *, resumed: bool, model: str, max_message_bytes: int
) -> pb.MonitorStreamResponse:
    """Report the configuration in force."""
    settings = session.settings
    config = pb.StreamConfig(
        stream_id=settings.stream_id,
        call_id=settings.call_id,
        encoding=_number(pb.FrameEncoding.Value, "FRAME_ENCODING_", settings.encoding),
        width=settings.width,
        height=settings.height,
        max_fps=session.max_fps,
        min_fps=session.min_fps,
        smoothing=pb.Smoothing(
            median_window=settings.median_window, time_constant_s=settings.time_constant_s
        ),
        display_lines=settings.display_lines,
        delivery=_number(pb.Delivery.Value, "DELIVERY_", settings.delivery),
        decode=_number(pb.Decode.Value, "DECODE_", settings.decode),
    )
    accepted = pb.StreamAccepted(
        config=config,
        resume_token=session.token,
        resumed=resumed,
        model=model,
        max_message_bytes=max_message_bytes,
    )
    return pb.MonitorStreamResponse(accepted=accepted)


def response_from(message: Message, stream_id: str, model: ServedModel) -> pb.MonitorStreamResponse:
    """Wrap a message of a stream."""
    if isinstance(message, Assessment):
        assessment = assessment_message(message, stream_id, model)
        _set_mos(assessment, model.mos(message.stream.quality))
        return pb.MonitorStreamResponse(assessment=assessment)
    if isinstance(message, Notice):
        kind = _number(pb.Notice.Kind.Value, "KIND_", message.kind)
        return pb.MonitorStreamResponse(notice=pb.Notice(kind=kind, text=message.text))
    summary = _summary_message(message, stream_id)
    _set_mos(summary, model.mos(message.mean_quality))
    return pb.MonitorStreamResponse(summary=summary)


def assessment_message(assessment: Assessment, stream_id: str, model: ServedModel) -> pb.Assessment:
    """Encode an assessment without its opinion score; scores that do not exist stay unset."""
    score, stream = assessment.score, assessment.stream
    return pb.Assessment(
        stream_id=stream_id,
        sequence=None if score is None else score.sequence,
        capture_time_s=None if score is None else score.capture_time_s,
        result=pb.FRAME_RESULT_UNSPECIFIED
        if score is None
        else _number(pb.FrameResult.Value, "FRAME_RESULT_", score.result),
        state=_number(pb.StreamState.Value, "STREAM_STATE_", stream.state),
        quality=stream.quality,
        raw_quality=stream.raw_quality,
        faces=[_face_message(face) for face in stream.faces],
        frames_dropped=assessment.frames_dropped,
        frames_skipped=assessment.frames_skipped,
        frames_not_decoded=assessment.frames_not_decoded,
        error="" if score is None else score.error,
        main_track_id=stream.main_track_id,
        causes=map(_cause_message, stream.causes),
        main_cause=None if stream.main_cause is None else _cause_message(stream.main_cause),
        model=pb.Model(name=model.name, sha256=model.sha256),
    )


def image_response(assessment: Assessment, model: ServedModel) -> pb.AssessImageResponse:
    """Encode the assessment of a single picture, which has no stream, sequence, time or opinion score."""
    message = assessment_message(assessment, "", model)
    message.ClearField("sequence")
    message.ClearField("capture_time_s")
    return pb.AssessImageResponse(assessment=message)


def status_message(session: Session, now_s: float) -> pb.StreamStatus:
    """Describe a live stream for an operator."""
    frames, main_cause = session.frames, session.quality.main_cause
    return pb.StreamStatus(
        stream_id=session.settings.stream_id,
        call_id=session.settings.call_id,
        state=_number(pb.StreamState.Value, "STREAM_STATE_", session.quality.state),
        quality=session.quality.quality,
        faces=len(session.quality.faces),
        age_s=now_s - session.started_s,
        last_frame_age_s=None if session.last_frame_s is None else now_s - session.last_frame_s,
        fps=session.fps(now_s),
        frames_scored=frames[FrameResult.SCORED],
        frames_no_face=frames[FrameResult.NO_FACE],
        frames_too_small=frames[FrameResult.TOO_SMALL],
        frames_dropped=frames[FrameResult.DROPPED],
        frames_failed=frames[FrameResult.ERROR],
        frames_skipped=frames[FrameResult.SKIPPED],
        main_cause=None if main_cause is None else _cause_message(main_cause),
        frames_not_decoded=frames[FrameResult.NOT_DECODED],
    )


def _cause_message(cause: Cause) -> pb.Cause:
    kind = _number(pb.CauseKind.Value, "CAUSE_KIND_", cause.kind)
    return pb.Cause(kind=kind, cost=cause.cost, threshold=cause.threshold)


def _set_mos(message: pb.Assessment | pb.StreamSummary, mos: MosEstimate | None) -> None:
    if mos is not None:
        message.mos_estimate.CopyFrom(pb.MosEstimate(value=mos.value, low=mos.low, high=mos.high))


def _face_message(face: FaceQuality) -> pb.Face:
    box = face.face.box
    return pb.Face(
        track_id=face.face.track_id,
        box=pb.Box(x=box.x, y=box.y, width=box.width, height=box.height),
        state=_number(pb.FaceState.Value, "FACE_STATE_", face.state),
        quality=face.quality,
        raw_quality=face.raw_quality,
        short_side_px=box.short_side,
        causes=map(_cause_message, face.causes),
    )


def _summary_message(summary: StreamSummary, stream_id: str) -> pb.StreamSummary:
    frames = summary.frames
    return pb.StreamSummary(
        stream_id=stream_id,
        mean_quality=summary.mean_quality,
        p10_quality=summary.p10_quality,
        state_times=[
            pb.StateTime(state=_number(pb.StreamState.Value, "STREAM_STATE_", state), seconds=seconds)
            for state, seconds in summary.state_times_s.items()
        ],
        frames_scored=frames.get(FrameResult.SCORED, 0),
        frames_no_face=frames.get(FrameResult.NO_FACE, 0),
        frames_too_small=frames.get(FrameResult.TOO_SMALL, 0),
        frames_dropped=frames.get(FrameResult.DROPPED, 0),
        frames_failed=frames.get(FrameResult.ERROR, 0),
        frames_skipped=frames.get(FrameResult.SKIPPED, 0),
        frames_not_decoded=frames.get(FrameResult.NOT_DECODED, 0),
    )


def _number(value_of: Callable[[str], N], prefix: str, member: enum.StrEnum) -> N:
    """Return the number of the protobuf enum value with the name of our member."""
    return value_of(prefix + member.name)


def _member(members: type[E], name_of: Callable[[N], str], prefix: str, number: N) -> E | None:
    """Return our member for a protobuf enum's number; None for 0 and for numbers we do not know."""
    try:
        return members[name_of(number).removeprefix(prefix)]
    except (ValueError, KeyError):
        return None
