"""The server's messages as frozen values, with the interface's field names.

Qualities are 0-1 with 1 the best; a quality that does not exist is None, never 0. Boxes are in pixels of the
frame, times in seconds. `to_dict()` and `to_json()` print enum values in their lowercase short form
(`scored`), defaults included, and leave out what is None.
"""

from __future__ import annotations

import dataclasses
import enum
import json
from dataclasses import dataclass
from typing import Any

from facegauge_client.sdk.kinds import (
    CauseKind,
    Decode,
    Delivery,
    EventKind,
    FaceState,
    FrameEncoding,
    FrameResult,
    HealthStatus,
    NoticeKind,
    QualityBand,
    StreamState,
)

__all__ = [
    "Accepted",
    "Assessment",
    "Box",
    "CallList",
    "CallStatus",
    "Cause",
    "CauseKind",
    "CauseTime",
    "Decode",
    "Delivery",
    "Event",
    "EventKind",
    "EventPosition",
    "EventsMissed",
    "Face",
    "FaceState",
    "FrameEncoding",
    "FrameResult",
    "HealthStatus",
    "Model",
    "MosEstimate",
    "Notice",
    "NoticeKind",
    "QualityBand",
    "ServerInfo",
    "StateTime",
    "StreamList",
    "StreamState",
    "StreamStatus",
    "Summary",
]


class _Record:
    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Return this value with the interface's field names, ready for JSON; None is left out."""
        return {
            field.name: _plain(value)
            for field in dataclasses.fields(self)  # type: ignore[arg-type]  # each subclass is a dataclass
            if (value := getattr(self, field.name)) is not None
        }

    def to_json(self) -> str:
        """Return `to_dict()` as one line of JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, _Record):
        return value.to_dict()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, enum.Enum):
        return value.value
    return value


@dataclass(frozen=True, slots=True)
class Box(_Record):
    """A rectangle in pixels of the frame; x and y name its left upper corner."""

    x: float = 0.0
    y: float = 0.0
    width: float = 0.0
    height: float = 0.0


@dataclass(frozen=True, slots=True)
class Cause(_Record):
    """Something that is wrong, with its figures."""

    kind: CauseKind = CauseKind.UNSPECIFIED
    cost: float | None = None
    """Quality that would come back if this cause alone were gone, 0-1, smoothed; None where nobody knows."""
    value: float | None = None
    """Measurement, in the kind's unit; None for what the student sees."""
    threshold: float | None = None
    """What the value, or without one the cost, must reach for the cause to be named."""

    @property
    def is_named(self) -> bool:
        """Whether its cost reaches the threshold; what has a value is sent only while it is named."""
        if self.value is not None:
            return True
        return self.cost is not None and self.threshold is not None and self.cost >= self.threshold


def _named(causes: tuple[Cause, ...], quality: float | None) -> tuple[Cause, ...]:
    """Return the causes to name: none of a picture from which less is missing than the threshold."""
    missing = 1.0 if quality is None else 1.0 - quality
    return tuple(
        cause
        for cause in causes
        if cause.is_named and (cause.value is not None or missing >= (cause.threshold or 0.0))
    )


@dataclass(frozen=True, slots=True)
class MosEstimate(_Record):
    """Mean opinion score by the server's calibration, 1-5, and where 95 of 100 clips lie."""

    value: float = 0.0
    low: float = 0.0
    high: float = 0.0


@dataclass(frozen=True, slots=True)
class Model(_Record):
    """The student that scored; qualities of different students do not compare."""

    name: str = ""
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Face(_Record):
    """One face of a frame."""

    track_id: int = 0
    """Stays the same while the face is followed in this stream; does not identify a person."""
    box: Box = dataclasses.field(default_factory=Box)
    state: FaceState = FaceState.UNSPECIFIED
    quality: float | None = None
    """Smoothed, 0-1."""
    raw_quality: float | None = None
    """Quality in this frame alone, 0-1."""
    short_side_px: float = 0.0
    causes: tuple[Cause, ...] = ()
    """The dearest first; empty where there is no score, or the student names none."""

    @property
    def named_causes(self) -> tuple[Cause, ...]:
        """Those of `causes` to name: they reach their threshold, and so much quality is missing."""
        return _named(self.causes, self.quality)


@dataclass(frozen=True, slots=True)
class Assessment(_Record):
    """Result of one frame, or the news that time has passed without a score."""

    stream_id: str = ""
    sequence: int | None = None
    capture_time_s: float | None = None
    result: FrameResult = FrameResult.UNSPECIFIED
    state: StreamState = StreamState.UNSPECIFIED
    quality: float | None = None
    """Smoothed quality of the main face, which stands for the stream, 0-1."""
    raw_quality: float | None = None
    """Quality of the main face in this frame alone, 0-1."""
    faces: tuple[Face, ...] = ()
    """Largest first."""
    frames_dropped: int = 0
    """Dropped by the server since the last assessment."""
    error: str = ""
    """What is wrong with the frame; empty unless the result is ERROR."""
    frames_skipped: int = 0
    """Left out by the server since the last assessment, as they were not needed."""
    main_track_id: int | None = None
    """Track of the main face, the one that stands for the stream; None while no face has been scored."""
    causes: tuple[Cause, ...] = ()
    """Faults of the stream that last, then the main face's causes, the dearest first, where there are any."""
    main_cause: Cause | None = None
    """What to say first, if anything: a fault, or else the dearest cause that reaches its threshold."""
    mos_estimate: MosEstimate | None = None
    """Opinion score of `quality`; None without a calibration, and for single pictures."""
    model: Model | None = None
    """What scored; None from an older server."""
    frames_not_decoded: int = 0
    """Coded video that the server did not decode since the last assessment."""
    frame_width: int = 0
    """Pixels of the decoded picture, which the boxes are in; 0 where the assessment is about none."""
    frame_height: int = 0

    @property
    def named_causes(self) -> tuple[Cause, ...]:
        """Those of `causes` to name: faults that last, and what reaches its threshold in this frame."""
        return _named(self.causes, self.quality)

    @property
    def main_face(self) -> Face | None:
        """The face in `faces` that stands for the stream; the largest where the server names none.

        None where the frame shows no face, or not the main one.
        """
        if self.main_track_id is None:
            return self.faces[0] if self.faces else None
        return next((face for face in self.faces if face.track_id == self.main_track_id), None)


@dataclass(frozen=True, slots=True)
class Accepted(_Record):
    """Configuration that the server grants a stream."""

    resume_token: str = dataclasses.field(default="", repr=False)
    resumed: bool = False
    """Whether the stream continues from an earlier connection."""
    model: str = ""
    max_message_bytes: int = 0
    max_fps: float = 0.0
    """Maximum frames per second; 0: no limit."""
    min_fps: float = 0.0
    """Minimum frames per second scored while the stream is steady; 0: every frame is scored."""
    display_lines: int = 0
    resumed_after_sequence: int | None = None
    """The last frame that a stream which continues knows of; None where none is known."""


@dataclass(frozen=True, slots=True)
class Notice(_Record):
    """Message to the client that is not an assessment."""

    kind: NoticeKind = NoticeKind.UNSPECIFIED
    text: str = ""


@dataclass(frozen=True, slots=True)
class StateTime(_Record):
    """Seconds spent in one state, on the server's clock."""

    state: StreamState = StreamState.UNSPECIFIED
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class CauseTime(_Record):
    """Seconds of capture time for which one cause was named."""

    kind: CauseKind = CauseKind.UNSPECIFIED
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Summary(_Record):
    """Statistics of a whole stream, sent at its end."""

    stream_id: str = ""
    mean_quality: float | None = None
    """Mean of the smoothed quality over the scored frames, 0-1."""
    p10_quality: float | None = None
    """10th percentile of the smoothed quality, 0-1."""
    state_times: tuple[StateTime, ...] = ()
    frames_scored: int = 0
    frames_no_face: int = 0
    frames_too_small: int = 0
    frames_dropped: int = 0
    frames_failed: int = 0
    frames_skipped: int = 0
    mos_estimate: MosEstimate | None = None
    """Opinion score of `mean_quality`; None without a calibration."""
    frames_not_decoded: int = 0
    cause_times: tuple[CauseTime, ...] = ()
    """Of faults of the stream, and of the main face's causes that reached their threshold."""


@dataclass(frozen=True, slots=True)
class StreamStatus(_Record):
    """A live stream as an operator sees it."""

    stream_id: str = ""
    call_id: str = ""
    state: StreamState = StreamState.UNSPECIFIED
    quality: float | None = None
    """Smoothed, 0-1; None while there is no current score."""
    faces: int = 0
    age_s: float = 0.0
    last_frame_age_s: float | None = None
    fps: float = 0.0
    frames_scored: int = 0
    frames_no_face: int = 0
    frames_too_small: int = 0
    frames_dropped: int = 0
    frames_failed: int = 0
    frames_skipped: int = 0
    main_cause: Cause | None = None
    frames_not_decoded: int = 0
    tenant: str = ""
    raw_quality: float | None = None
    """Of the main face in the last frame that was scored, 0-1; None while there is no current score."""
    causes: tuple[Cause, ...] = ()
    """As in the last assessment, where the stream was asked for by its id."""
    answer_time_s: float | None = None
    """From the receipt of the last frame that was answered to its answer; None before the first."""


@dataclass(frozen=True, slots=True)
class ServerInfo(_Record):
    """The server that answered, which behind a load balancer is one of several."""

    version: str = ""
    replica: str = ""
    """What people call it."""
    model: Model | None = None
    """What scores."""


@dataclass(frozen=True, slots=True)
class StreamList(_Record):
    """Live streams, the worst quality first."""

    streams: tuple[StreamStatus, ...] = ()
    total: int = 0
    """Streams that match, listed or not."""
    server: ServerInfo | None = None
    """Which server's they are; None from an older one."""


@dataclass(frozen=True, slots=True)
class CallStatus(_Record):
    """A call: what its live streams are like together."""

    call_id: str = ""
    streams: int = 0
    streams_scored: int = 0
    """Streams that have a current quality."""
    least_quality: float | None = None
    mean_quality: float | None = None
    worst_stream_id: str = ""
    main_cause: Cause | None = None
    """The main cause of most streams, with the figures of the worst of them."""
    main_cause_streams: int = 0
    poor_s: float = 0.0
    """Seconds that the live streams have spent in the band POOR, together."""


@dataclass(frozen=True, slots=True)
class CallList(_Record):
    """Calls with live streams, the one with the worst stream first."""

    calls: tuple[CallStatus, ...] = ()
    total: int = 0
    """Calls, listed or not."""


@dataclass(frozen=True, slots=True)
class EventPosition(_Record):
    """A place among a server's events, to go on from; without arguments, before the oldest that it keeps."""

    instance_id: str = ""
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class Event(_Record):
    """Something that happened to one stream."""

    sequence: int = 0
    """Counts the events of the tenant from 1 on, without gaps, as long as `instance_id` stays the same."""
    instance_id: str = ""
    time_s: float = 0.0
    """Unix time on the server's clock."""
    tenant: str = ""
    call_id: str = ""
    stream_id: str = ""
    kind: EventKind = EventKind.UNSPECIFIED
    quality: float | None = None
    """Smoothed, 0-1, of the stream at that moment."""
    band: QualityBand = QualityBand.UNSPECIFIED
    previous_band: QualityBand = QualityBand.UNSPECIFIED
    """The one that was left, where the band changed."""
    cause: Cause | None = None
    """The one that began or ended; where the band changed, the main cause."""
    duration_s: float | None = None
    """How long the cause, or the stream, lasted."""
    summary: Summary | None = None
    """Statistics of a stream that ended."""
    frames_shed: int = 0
    streams_shed: int = 0
    text: str = ""
    """For people."""

    @property
    def position(self) -> EventPosition:
        """Where to go on after this event."""
        return EventPosition(self.instance_id, self.sequence)


@dataclass(frozen=True, slots=True)
class EventsMissed(_Record):
    """Events that nobody will send any more: `list_streams` tells how things stand."""

    missed: int = 0
    """How many the server no longer kept, wanted or not."""
    restarted: bool = False
    """Whether the server's log began anew meanwhile: what came before that is missing too, uncounted."""
