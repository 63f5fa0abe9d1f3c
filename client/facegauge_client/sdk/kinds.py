"""The words that the interface describes frames, faces and streams with, in their lowercase short form."""

from __future__ import annotations

import enum

__all__ = [
    "CauseKind",
    "Decode",
    "Delivery",
    "EventKind",
    "FaceState",
    "FrameEncoding",
    "FrameResult",
    "HealthStatus",
    "NoticeKind",
    "QualityBand",
    "StreamState",
]


class FrameEncoding(enum.StrEnum):
    """Layout of a frame's bytes."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    RGB24 = "rgb24"
    """Interleaved: width * height * 3 bytes."""
    BGR24 = "bgr24"
    I420 = "i420"
    """Planes Y, U, V, BT.601 limited range, even sizes: width * height * 3 / 2 bytes."""
    NV12 = "nv12"
    """Plane Y, then U and V interleaved; otherwise as I420."""
    H264 = "h264"
    """Coded video, Annex B: one access unit a frame, as all that follow."""
    VP8 = "vp8"
    VP9 = "vp9"
    AV1 = "av1"

    @property
    def is_coded(self) -> bool:
        """Whether it is coded video, whose frames depend on those before them."""
        return self in (FrameEncoding.H264, FrameEncoding.VP8, FrameEncoding.VP9, FrameEncoding.AV1)


class Delivery(enum.StrEnum):
    """Handling of frames that come faster than they are scored."""

    LIVE = "live"
    """The newest frame wins, older ones are dropped and counted; a connection that breaks is resumed."""
    COMPLETE = "complete"
    """Sending waits and nothing is dropped; a connection that breaks is an error."""


class Decode(enum.StrEnum):
    """Which units of coded video are decoded; `max_fps` and `min_fps` choose what is scored of them."""

    AUTO = "auto"
    """LIVE: the base layer, where the frames name their layers; else all."""
    ALL = "all"
    BASE_LAYER = "base_layer"
    KEYFRAMES = "keyframes"


class FrameResult(enum.StrEnum):
    """Outcome of one frame."""

    UNSPECIFIED = "unspecified"
    """The assessment is not about a frame: see StreamState.STALE."""
    SCORED = "scored"
    NO_FACE = "no_face"
    TOO_SMALL = "too_small"
    DROPPED = "dropped"
    SKIPPED = "skipped"
    """The stream was steady, or of coded video, and the frame not needed."""
    NOT_DECODED = "not_decoded"
    """Coded video of a layer that is not needed, or without what it depends on."""
    ERROR = "error"


class FaceState(enum.StrEnum):
    """Reliability of the score of one face."""

    UNSPECIFIED = "unspecified"
    SCORED = "scored"
    LOW_RESOLUTION = "low_resolution"
    """Scored, but its short side is under 96 px."""
    TOO_SMALL = "too_small"
    """Under 32 px: not scored."""


class CauseKind(enum.StrEnum):
    """What can be wrong with a picture, or from FREEZE on with a stream."""

    UNSPECIFIED = "unspecified"
    """One that a later version of the server knows."""
    COMPRESSION = "compression"
    """A codec's blocks, rings and smears."""
    RESOLUTION = "resolution"
    """Fewer pixels than the display shows."""
    BLUR = "blur"
    """Out of focus, or moved while it was exposed."""
    NOISE = "noise"
    EXPOSURE = "exposure"
    """Too dark, or too bright."""
    LOSS = "loss"
    """Packets that did not arrive, and what was put in their place."""
    FREEZE = "freeze"
    """No frame came, or the same picture again and again. Value: seconds."""
    BLACK = "black"
    """Value: share of the picture, 0-1."""
    COVERED = "covered"
    """No face and no detail, and not black. Value: detail, levels of 255, at most the threshold."""
    NO_FACE = "no_face"
    """Value: seconds."""
    FACE_TOO_SMALL = "face_too_small"
    """Value: pixels, at most the threshold."""
    FACE_CUT_OFF = "face_cut_off"
    """Value: distance of the main face's box, below of its chin, from an edge, in sides of the box."""
    LOW_FRAME_RATE = "low_frame_rate"
    """Value: frames per second, at most the threshold."""


class StreamState(enum.StrEnum):
    """Reliability of a stream's current quality."""

    UNSPECIFIED = "unspecified"
    WAITING = "waiting"
    """Nothing has been scored yet."""
    SCORED = "scored"
    LOW_RESOLUTION = "low_resolution"
    FACE_TOO_SMALL = "face_too_small"
    NO_FACE = "no_face"
    """The last frame shows no face; the quality holds until STALE."""
    STALE = "stale"
    """No score for longer than the stale limit: there is no current quality."""
    DECODE_ERROR = "decode_error"
    """The last frame could not be read; the quality holds until STALE."""


class NoticeKind(enum.StrEnum):
    """Subject of a notice."""

    UNSPECIFIED = "unspecified"
    DRAINING = "draining"
    """The server is shutting down; it finishes the frames that it has."""
    THROTTLED = "throttled"
    """Frames come faster than the rate limit; the surplus is dropped."""
    KEYFRAME_NEEDED = "keyframe_needed"
    """Coded video cannot be decoded before its next keyframe: its sender should be asked for one."""


class QualityBand(enum.StrEnum):
    """Range of quality, as in the dashboards."""

    UNSPECIFIED = "unspecified"
    """There is no current quality."""
    POOR = "poor"
    """Under 0.4."""
    MEDIOCRE = "mediocre"
    FAIR = "fair"
    GOOD = "good"
    """From 0.8 on."""


class EventKind(enum.StrEnum):
    """What happened to a stream."""

    UNSPECIFIED = "unspecified"
    """Something that a later version of the server tells."""
    STREAM_BEGAN = "stream_began"
    STREAM_ENDED = "stream_ended"
    STREAM_RESUMED = "stream_resumed"
    BAND_CHANGED = "band_changed"
    """Its quality entered another band, its first one, or none."""
    CAUSE_BEGAN = "cause_began"
    CAUSE_ENDED = "cause_ended"
    STREAM_SHED = "stream_shed"
    """It was not let in, or ended to make room for another one."""
    FRAMES_SHED = "frames_shed"
    """Frames were dropped, since the workers were busy or the tenant's quota was used up."""


class HealthStatus(enum.StrEnum):
    """Status reported by the server's health service."""

    UNKNOWN = "unknown"
    SERVING = "serving"
    NOT_SERVING = "not_serving"
