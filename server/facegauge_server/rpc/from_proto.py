"""Requests to our types: what a caller sends, checked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar, cast

from google.protobuf.message import DecodeError
from google.protobuf.message import Message as ProtoMessage

from facegauge.v1 import quality_pb2 as pb
from facegauge_server.config import StreamSettings
from facegauge_server.enum_numbers import members_by_number
from facegauge_server.errors import BadFrame, InvalidConfig, ProtocolViolation
from facegauge_server.rpc.detach import detach, only_field
from facegauge_server.types import Decode, Delivery, EncodedFrame, Encoding

__all__ = [
    "M",
    "frames_from",
    "image_from",
    "list_limit",
    "parse",
    "settings_from",
    "watch_interval_s",
]

MAX_LIST_LIMIT = 10_000
MAX_BATCH_FRAMES = 256
LARGE_BYTES = 256 * 1024
"""Messages beyond this size are not copied: below it, a copy costs less than taking them apart here."""
MIN_WATCH_INTERVAL_S, MAX_WATCH_INTERVAL_S = 0.1, 60.0

_ENCODINGS = members_by_number(Encoding, pb.FrameEncoding.Value, "FRAME_ENCODING_")
_DELIVERIES = members_by_number(Delivery, pb.Delivery.Value, "DELIVERY_")
_DECODES = members_by_number(Decode, pb.Decode.Value, "DECODE_")

M = TypeVar("M", bound=ProtoMessage)


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
    encoding = _ENCODINGS.get(config.encoding)
    delivery = _DELIVERIES.get(config.delivery)
    decode = _DECODES.get(config.decode)
    unknown = {
        name: f"{number} is no value of this enum"
        for name, number, known in (
            ("encoding", config.encoding, encoding),
            ("delivery", config.delivery, delivery),
            ("decode", config.decode, decode),
        )
        if number and known is None
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
        checkpoint=config.checkpoint,
    )


def frames_from(data: bytes, settings: StreamSettings, received_s: float | None = None) -> list[EncodedFrame]:
    """Read the frames that a stream's request brings, received at a time of the server's monotonic clock.

    Raises InvalidConfig for bytes that are no request, and ProtocolViolation for one that brings no frame or
    too many.
    """
    if len(data) > LARGE_BYTES and not settings.encoding.is_coded:
        whole = only_field(memoryview(data), pb.MonitorStreamRequest.FRAME_FIELD_NUMBER)
        split = None if whole is None else detach(whole, pb.Frame.DATA_FIELD_NUMBER)
        if split is not None:
            frame, pixels = parse(pb.Frame, split[0]), cast("bytes", split[1])
            return [_frame_from(frame, pixels, settings, received_s)]
    frames = _frames_of(parse(pb.MonitorStreamRequest, data))
    return [_frame_from(frame, frame.data, settings, received_s) for frame in frames]


def _frame_from(
    frame: pb.Frame, data: bytes, settings: StreamSettings, received_s: float | None
) -> EncodedFrame:
    """Read a frame, filling in what it leaves to the stream's configuration.

    An encoding that this server does not know is kept as the stream's: the decoder will say what is wrong.
    """
    return EncodedFrame(
        sequence=frame.sequence,
        capture_time_s=frame.capture_time_s,
        encoding=_ENCODINGS.get(frame.encoding, settings.encoding),
        data=data,
        width=frame.width or settings.width,
        height=frame.height or settings.height,
        keyframe=frame.keyframe,
        temporal_layer=frame.temporal_layer if frame.HasField("temporal_layer") else None,
        discontinuity=frame.discontinuity,
        received_s=received_s,
    )


def _frames_of(request: pb.MonitorStreamRequest) -> Iterable[pb.Frame]:
    match request.WhichOneof("message"):
        case "frame":
            return (request.frame,)
        case "frames":
            if len(request.frames.frames) > MAX_BATCH_FRAMES:
                raise ProtocolViolation(
                    f"a request brings up to {MAX_BATCH_FRAMES} frames, not {len(request.frames.frames)}"
                )
            return request.frames.frames
    raise ProtocolViolation("a stream has one StreamConfig, then frames only")


def image_from(data: bytes) -> tuple[EncodedFrame, int]:
    """Read a picture and the display's lines; raises BadFrame or InvalidConfig."""
    split = (
        detach(memoryview(data), pb.AssessImageRequest.DATA_FIELD_NUMBER) if len(data) > LARGE_BYTES else None
    )
    request = parse(pb.AssessImageRequest, data if split is None else split[0])
    picture = request.data if split is None else cast("bytes", split[1])
    encoding = _ENCODINGS.get(request.encoding)
    if encoding is None and request.encoding:
        raise BadFrame(f"encoding: {request.encoding} is no value of this enum")
    settings = StreamSettings(stream_id="image", display_lines=request.display_lines or 720)
    frame = EncodedFrame(0, 0.0, encoding or Encoding.JPEG, picture, request.width, request.height)
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
