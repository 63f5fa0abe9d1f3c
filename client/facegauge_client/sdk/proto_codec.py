"""Protobuf messages to values and back: the one place that reads and writes their fields."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias, TypeVar

from facegauge.v1 import quality_pb2 as pb
from facegauge_client.sdk.frames import EncodedFrame
from facegauge_client.sdk.tally import Outgoing
from facegauge_client.sdk.types import (
    Accepted,
    Assessment,
    Box,
    CallList,
    CallStatus,
    Cause,
    CauseKind,
    CauseTime,
    Decode,
    Delivery,
    Event,
    EventKind,
    EventPosition,
    EventsMissed,
    Face,
    FaceState,
    FrameEncoding,
    FrameResult,
    Model,
    MosEstimate,
    Notice,
    NoticeKind,
    QualityBand,
    ServerInfo,
    StateTime,
    StreamList,
    StreamState,
    StreamStatus,
    Summary,
)

__all__ = [
    "Response",
    "assess_image_request",
    "config_request",
    "frames_request",
    "list_calls_request",
    "list_streams_request",
    "read_assessment",
    "read_call_list",
    "read_events",
    "read_response",
    "read_stream_list",
    "watch_events_request",
    "watch_streams_request",
]

Response: TypeAlias = Accepted | Assessment | Notice | Summary

_Short = TypeVar("_Short", bound=enum.StrEnum)


def config_request(
    *,
    stream_id: str,
    call_id: str,
    delivery: Delivery,
    max_fps: float,
    min_fps: float,
    display_lines: int,
    median_window: int | None,
    time_constant_s: float | None,
    resume_token: str,
    checkpoint: bytes = b"",
    encoding: FrameEncoding | None = None,
    decode: Decode = Decode.AUTO,
) -> pb.MonitorStreamRequest:
    """Build a stream's first message."""
    config = pb.StreamConfig(
        stream_id=stream_id,
        call_id=call_id,
        delivery=pb.Delivery.Value(f"DELIVERY_{delivery.name}"),
        max_fps=max_fps,
        min_fps=min_fps,
        display_lines=display_lines,
        resume_token=resume_token,
        checkpoint=checkpoint,
    )
    if encoding is not None:
        config.encoding = pb.FrameEncoding.Value(f"FRAME_ENCODING_{encoding.name}")
    if decode is not Decode.AUTO:
        config.decode = pb.Decode.Value(f"DECODE_{decode.name}")
    if median_window is not None:
        config.smoothing.median_window = median_window
    if time_constant_s is not None:
        config.smoothing.time_constant_s = time_constant_s
    return pb.MonitorStreamRequest(config=config)


def frames_request(items: Sequence[Outgoing]) -> pb.MonitorStreamRequest:
    """Build the message of one frame, or of several."""
    if len(items) == 1:
        return pb.MonitorStreamRequest(frame=_frame(items[0]))
    return pb.MonitorStreamRequest(frames=pb.FrameBatch(frames=map(_frame, items)))


def _frame(item: Outgoing) -> pb.Frame:
    frame = item.frame
    message = pb.Frame(
        sequence=item.sequence,
        capture_time_s=item.capture_time_s,
        encoding=_encoding(frame),
        width=frame.width,
        height=frame.height,
        data=frame.data,
        keyframe=frame.keyframe,
        discontinuity=frame.discontinuity,
    )
    if frame.temporal_layer is not None:
        message.temporal_layer = frame.temporal_layer
    return message


def assess_image_request(frame: EncodedFrame, *, display_lines: int) -> pb.AssessImageRequest:
    """Build the request for one picture."""
    return pb.AssessImageRequest(
        encoding=_encoding(frame),
        width=frame.width,
        height=frame.height,
        data=frame.data,
        display_lines=display_lines,
    )


def list_streams_request(*, call_id: str, stream_id: str, limit: int) -> pb.ListStreamsRequest:
    """Build the request for the live streams."""
    return pb.ListStreamsRequest(call_id=call_id, stream_id=stream_id, limit=limit)


def watch_streams_request(
    *, call_id: str, stream_id: str, limit: int, interval_s: float
) -> pb.WatchStreamsRequest:
    """Build the request for the live streams, again and again."""
    return pb.WatchStreamsRequest(call_id=call_id, stream_id=stream_id, limit=limit, interval_s=interval_s)


def list_calls_request(*, limit: int) -> pb.ListCallsRequest:
    """Build the request for the calls."""
    return pb.ListCallsRequest(limit=limit)


def watch_events_request(
    *, call_id: str, kinds: Iterable[EventKind], after: EventPosition | None
) -> pb.WatchEventsRequest:
    """Build the request for events: those after a place, or from now on."""
    request = pb.WatchEventsRequest(
        call_id=call_id, kinds=[pb.EventKind.Value(f"EVENT_KIND_{kind.name}") for kind in kinds]
    )
    if after is not None:
        request.instance_id, request.after_sequence = after.instance_id, after.sequence
    return request


def read_response(message: pb.MonitorStreamResponse) -> Response | None:
    """Read a response of a stream; None for a kind of message that this version does not know."""
    match message.WhichOneof("message"):
        case "accepted":
            return _accepted(message.accepted)
        case "assessment":
            return read_assessment(message.assessment)
        case "notice":
            kind = _short(NoticeKind, pb.Notice.Kind, message.notice.kind, "KIND_")
            return Notice(kind, message.notice.text)
        case "summary":
            return _summary(message.summary)
    return None


def read_assessment(message: pb.Assessment) -> Assessment:
    """Read one assessment."""
    return Assessment(
        stream_id=message.stream_id,
        sequence=_optional(message, "sequence"),
        capture_time_s=_optional(message, "capture_time_s"),
        result=_short(FrameResult, pb.FrameResult, message.result, "FRAME_RESULT_"),
        state=_short(StreamState, pb.StreamState, message.state, "STREAM_STATE_"),
        quality=_optional(message, "quality"),
        raw_quality=_optional(message, "raw_quality"),
        faces=tuple(map(_face, message.faces)),
        frames_dropped=message.frames_dropped,
        frames_skipped=message.frames_skipped,
        frames_not_decoded=message.frames_not_decoded,
        error=message.error,
        main_track_id=_optional(message, "main_track_id"),
        causes=tuple(map(_cause, message.causes)),
        main_cause=_main_cause(message),
        mos_estimate=_mos_estimate(message),
        model=_model(message),
        frame_width=message.frame_width,
        frame_height=message.frame_height,
    )


def read_stream_list(message: pb.ListStreamsResponse | pb.WatchStreamsResponse) -> StreamList:
    """Read a list of live streams."""
    server = message.server
    return StreamList(
        tuple(map(_status, message.streams)),
        message.total,
        ServerInfo(server.version, server.replica, _model(server)) if message.HasField("server") else None,
    )


def _model(message: pb.Assessment | pb.ServerInfo) -> Model | None:
    return Model(message.model.name, message.model.sha256) if message.HasField("model") else None


def read_call_list(message: pb.ListCallsResponse) -> CallList:
    """Read a list of calls."""
    return CallList(tuple(map(_call, message.calls)), message.total)


def read_events(message: pb.WatchEventsResponse) -> tuple[list[Event | EventsMissed], EventPosition]:
    """Read what a response tells of, and where to go on after it."""
    told: list[Event | EventsMissed] = []
    if message.missed or message.restarted:
        told.append(EventsMissed(message.missed, message.restarted))
    told += [_event(event, message.instance_id) for event in message.events]
    return told, EventPosition(message.instance_id, message.last_sequence)


def _accepted(message: pb.StreamAccepted) -> Accepted:
    return Accepted(
        resume_token=message.resume_token,
        resumed=message.resumed,
        model=message.model,
        max_message_bytes=message.max_message_bytes,
        max_fps=message.config.max_fps,
        min_fps=message.config.min_fps,
        display_lines=message.config.display_lines,
        resumed_after_sequence=_optional(message, "resumed_after_sequence"),
    )


def _face(message: pb.Face) -> Face:
    return Face(
        track_id=message.track_id,
        box=Box(message.box.x, message.box.y, message.box.width, message.box.height),
        state=_short(FaceState, pb.FaceState, message.state, "FACE_STATE_"),
        quality=_optional(message, "quality"),
        raw_quality=_optional(message, "raw_quality"),
        short_side_px=message.short_side_px,
        causes=tuple(map(_cause, message.causes)),
    )


def _cause(message: pb.Cause) -> Cause:
    return Cause(
        kind=_short(CauseKind, pb.CauseKind, message.kind, "CAUSE_KIND_"),
        cost=_optional(message, "cost"),
        value=_optional(message, "value"),
        threshold=_optional(message, "threshold"),
    )


def _main_cause(message: pb.Assessment | pb.StreamStatus | pb.CallStatus) -> Cause | None:
    return _cause(message.main_cause) if message.HasField("main_cause") else None


def _mos_estimate(message: pb.Assessment | pb.StreamSummary) -> MosEstimate | None:
    if not message.HasField("mos_estimate"):
        return None
    estimate = message.mos_estimate
    return MosEstimate(estimate.value, estimate.low, estimate.high)


def _summary(message: pb.StreamSummary) -> Summary:
    return Summary(
        stream_id=message.stream_id,
        mean_quality=_optional(message, "mean_quality"),
        p10_quality=_optional(message, "p10_quality"),
        state_times=tuple(
            StateTime(_short(StreamState, pb.StreamState, item.state, "STREAM_STATE_"), item.seconds)
            for item in message.state_times
        ),
        frames_scored=message.frames_scored,
        frames_no_face=message.frames_no_face,
        frames_too_small=message.frames_too_small,
        frames_dropped=message.frames_dropped,
        frames_failed=message.frames_failed,
        frames_skipped=message.frames_skipped,
        mos_estimate=_mos_estimate(message),
        frames_not_decoded=message.frames_not_decoded,
        cause_times=tuple(
            CauseTime(_short(CauseKind, pb.CauseKind, item.kind, "CAUSE_KIND_"), item.seconds)
            for item in message.cause_times
        ),
    )


def _status(message: pb.StreamStatus) -> StreamStatus:
    return StreamStatus(
        stream_id=message.stream_id,
        call_id=message.call_id,
        state=_short(StreamState, pb.StreamState, message.state, "STREAM_STATE_"),
        quality=_optional(message, "quality"),
        faces=message.faces,
        age_s=message.age_s,
        last_frame_age_s=_optional(message, "last_frame_age_s"),
        fps=message.fps,
        frames_scored=message.frames_scored,
        frames_no_face=message.frames_no_face,
        frames_too_small=message.frames_too_small,
        frames_dropped=message.frames_dropped,
        frames_failed=message.frames_failed,
        frames_skipped=message.frames_skipped,
        main_cause=_main_cause(message),
        frames_not_decoded=message.frames_not_decoded,
        tenant=message.tenant,
        raw_quality=_optional(message, "raw_quality"),
        causes=tuple(map(_cause, message.causes)),
        answer_time_s=_optional(message, "answer_time_s"),
    )


def _call(message: pb.CallStatus) -> CallStatus:
    return CallStatus(
        call_id=message.call_id,
        streams=message.streams,
        streams_scored=message.streams_scored,
        least_quality=_optional(message, "least_quality"),
        mean_quality=_optional(message, "mean_quality"),
        worst_stream_id=message.worst_stream_id,
        main_cause=_main_cause(message),
        main_cause_streams=message.main_cause_streams,
        poor_s=message.poor_s,
    )


def _event(message: pb.Event, instance_id: str) -> Event:
    return Event(
        sequence=message.sequence,
        instance_id=instance_id,
        time_s=message.time_s,
        tenant=message.tenant,
        call_id=message.call_id,
        stream_id=message.stream_id,
        kind=_short(EventKind, pb.EventKind, message.kind, "EVENT_KIND_"),
        quality=_optional(message, "quality"),
        band=_short(QualityBand, pb.QualityBand, message.band, "QUALITY_BAND_"),
        previous_band=_short(QualityBand, pb.QualityBand, message.previous_band, "QUALITY_BAND_"),
        cause=_cause(message.cause) if message.HasField("cause") else None,
        duration_s=_optional(message, "duration_s"),
        summary=_summary(message.summary) if message.HasField("summary") else None,
        frames_shed=message.frames_shed,
        streams_shed=message.streams_shed,
        text=message.text,
    )


def _encoding(frame: EncodedFrame) -> pb.FrameEncoding.ValueType:
    return pb.FrameEncoding.Value(f"FRAME_ENCODING_{frame.encoding.name}")


def _optional(message: Any, name: str) -> Any:
    return getattr(message, name) if message.HasField(name) else None


def _short(kind: type[_Short], names: Any, value: int, prefix: str) -> _Short:
    """Read an enum value in its short form; a value newer than this client is unspecified."""
    try:
        return kind(names.Name(value).removeprefix(prefix).lower())
    except ValueError:
        return kind("unspecified")
