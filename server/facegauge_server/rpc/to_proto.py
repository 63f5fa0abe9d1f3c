"""Our types to responses. Scores that do not exist stay unset."""

from __future__ import annotations

from facegauge.v1 import quality_pb2 as pb
from facegauge_server.calibration import ServedModel
from facegauge_server.enum_numbers import number
from facegauge_server.streams.buffers import Message
from facegauge_server.streams.session import Session
from facegauge_server.summary_fields import frame_counts, summary_fields
from facegauge_server.types import (
    Assessment,
    FaceQuality,
    Fault,
    MosEstimate,
    NamedCause,
    Notice,
    StreamSummary,
)

__all__ = [
    "accepted_response",
    "assessment_message",
    "cause_message",
    "image_response",
    "model_message",
    "response_from",
    "status_message",
    "summary_message",
]


def accepted_response(
    session: Session, *, resumed: bool, model: str, max_message_bytes: int
) -> pb.MonitorStreamResponse:
    """Report the configuration in force."""
    settings = session.settings
    config = pb.StreamConfig(
        stream_id=settings.stream_id,
        call_id=settings.call_id,
        encoding=number(pb.FrameEncoding.Value, "FRAME_ENCODING_", settings.encoding),
        width=settings.width,
        height=settings.height,
        max_fps=session.max_fps,
        min_fps=session.min_fps,
        smoothing=pb.Smoothing(
            median_window=settings.median_window, time_constant_s=settings.time_constant_s
        ),
        display_lines=settings.display_lines,
        delivery=number(pb.Delivery.Value, "DELIVERY_", settings.delivery),
        decode=number(pb.Decode.Value, "DECODE_", settings.decode),
    )
    accepted = pb.StreamAccepted(
        config=config,
        resume_token=session.token,
        resumed=resumed,
        model=model,
        max_message_bytes=max_message_bytes,
        resumed_after_sequence=session.last_sequence if resumed else None,
    )
    return pb.MonitorStreamResponse(accepted=accepted)


def response_from(
    message: Message, stream_id: str, model: ServedModel, checkpoint: bytes = b""
) -> pb.MonitorStreamResponse:
    """Wrap a message of a stream, and a checkpoint if there is one."""
    if isinstance(message, Assessment):
        assessment = assessment_message(message, stream_id, model)
        _set_mos(assessment, model.mos(message.stream.quality))
        return pb.MonitorStreamResponse(assessment=assessment, checkpoint=checkpoint)
    if isinstance(message, Notice):
        kind = number(pb.Notice.Kind.Value, "KIND_", message.kind)
        notice = pb.Notice(kind=kind, text=message.text)
        return pb.MonitorStreamResponse(notice=notice, checkpoint=checkpoint)
    summary = summary_message(message, stream_id, model)
    return pb.MonitorStreamResponse(summary=summary, checkpoint=checkpoint)


def assessment_message(assessment: Assessment, stream_id: str, model: ServedModel) -> pb.Assessment:
    """Encode an assessment without its opinion score; scores that do not exist stay unset."""
    score, stream = assessment.score, assessment.stream
    view = None if score is None else score.view
    return pb.Assessment(
        stream_id=stream_id,
        sequence=None if score is None else score.sequence,
        capture_time_s=None if score is None else score.capture_time_s,
        result=pb.FRAME_RESULT_UNSPECIFIED
        if score is None
        else number(pb.FrameResult.Value, "FRAME_RESULT_", score.result),
        state=number(pb.StreamState.Value, "STREAM_STATE_", stream.state),
        quality=stream.quality,
        raw_quality=stream.raw_quality,
        faces=[_face_message(face) for face in stream.faces],
        frames_dropped=assessment.frames_dropped,
        frames_skipped=assessment.frames_skipped,
        frames_not_decoded=assessment.frames_not_decoded,
        error="" if score is None else score.error,
        main_track_id=stream.main_track_id,
        causes=map(cause_message, stream.causes),
        main_cause=None if stream.main_cause is None else cause_message(stream.main_cause),
        model=model_message(model),
        frame_width=0 if view is None else view.width,
        frame_height=0 if view is None else view.height,
    )


def image_response(assessment: Assessment, model: ServedModel) -> pb.AssessImageResponse:
    """Encode the assessment of a single picture, which has no stream, sequence, time or opinion score."""
    message = assessment_message(assessment, "", model)
    message.ClearField("sequence")
    message.ClearField("capture_time_s")
    return pb.AssessImageResponse(assessment=message)


def status_message(session: Session, now_s: float, *, with_causes: bool = False) -> pb.StreamStatus:
    """Describe a live stream for an operator."""
    main_cause = session.quality.main_cause
    return pb.StreamStatus(
        stream_id=session.settings.stream_id,
        call_id=session.settings.call_id,
        state=number(pb.StreamState.Value, "STREAM_STATE_", session.quality.state),
        quality=session.quality.quality,
        raw_quality=session.raw_quality,
        tenant=session.tenant,
        answer_time_s=session.answer_time_s,
        faces=len(session.quality.faces),
        age_s=now_s - session.started_s,
        last_frame_age_s=None if session.last_frame_s is None else now_s - session.last_frame_s,
        fps=session.fps(now_s),
        main_cause=None if main_cause is None else cause_message(main_cause),
        causes=map(cause_message, session.quality.causes if with_causes else ()),
        **frame_counts(session.frames),
    )


def model_message(model: ServedModel) -> pb.Model:
    """Say which student scores."""
    return pb.Model(name=model.name, sha256=model.sha256)


def cause_message(cause: NamedCause) -> pb.Cause:
    """Encode a cause, or a fault."""
    kind = number(pb.CauseKind.Value, "CAUSE_KIND_", cause.kind)
    if isinstance(cause, Fault):
        return pb.Cause(kind=kind, value=cause.value, threshold=cause.threshold)
    return pb.Cause(kind=kind, cost=cause.cost, threshold=cause.threshold)


def _set_mos(message: pb.Assessment | pb.StreamSummary, mos: MosEstimate | None) -> None:
    if mos is not None:
        message.mos_estimate.CopyFrom(pb.MosEstimate(value=mos.value, low=mos.low, high=mos.high))


def _face_message(face: FaceQuality) -> pb.Face:
    box = face.face.box
    return pb.Face(
        track_id=face.face.track_id,
        box=pb.Box(x=box.x, y=box.y, width=box.width, height=box.height),
        state=number(pb.FaceState.Value, "FACE_STATE_", face.state),
        quality=face.quality,
        raw_quality=face.raw_quality,
        short_side_px=box.short_side,
        causes=map(cause_message, face.causes),
    )


def summary_message(summary: StreamSummary, stream_id: str, model: ServedModel) -> pb.StreamSummary:
    """Sum up a stream."""
    fields = summary_fields(summary, stream_id)
    for one in fields["state_times"]:
        one["state"] = number(pb.StreamState.Value, "STREAM_STATE_", one["state"])
    for one in fields["cause_times"]:
        one["kind"] = number(pb.CauseKind.Value, "CAUSE_KIND_", one["kind"])
    message = pb.StreamSummary(**fields)
    _set_mos(message, model.mos(summary.mean_quality))
    return message
