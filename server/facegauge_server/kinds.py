"""The words that frames, faces and streams are described with; `types` has the values that carry them."""

from __future__ import annotations

import enum

__all__ = [
    "FAULTS",
    "PICTURE_CAUSES",
    "CauseKind",
    "Decode",
    "Delivery",
    "Encoding",
    "EventKind",
    "FaceState",
    "FrameResult",
    "NoticeKind",
    "QualityBand",
    "StreamState",
]


class Encoding(enum.StrEnum):
    """Format of a frame's bytes."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    RGB24 = "rgb24"
    BGR24 = "bgr24"
    I420 = "i420"
    NV12 = "nv12"
    H264 = "h264"
    """Annex B, one access unit."""
    VP8 = "vp8"
    VP9 = "vp9"
    AV1 = "av1"
    """One temporal unit."""

    @property
    def is_coded(self) -> bool:
        """Whether the bytes are a unit of coded video, which only the units before it make a picture of."""
        return self in (Encoding.H264, Encoding.VP8, Encoding.VP9, Encoding.AV1)

    @property
    def is_raw(self) -> bool:
        """Whether the bytes are plain pixels, so that width and height must come with them."""
        return self in (Encoding.RGB24, Encoding.BGR24, Encoding.I420, Encoding.NV12)


class Delivery(enum.StrEnum):
    """What happens when frames come faster than the server scores them."""

    LIVE = "live"
    """The newest frame wins, older ones are dropped and counted."""
    COMPLETE = "complete"
    """The server stops reading until it has room; nothing is dropped."""


class Decode(enum.StrEnum):
    """Which units of coded video are decoded."""

    AUTO = "auto"
    """LIVE: the base layer, where the frames name their layers; else all."""
    ALL = "all"
    BASE_LAYER = "base_layer"
    KEYFRAMES = "keyframes"


class FrameResult(enum.StrEnum):
    """Outcome of one frame; the `result` label of the frame counters."""

    SCORED = "scored"
    NO_FACE = "no_face"
    TOO_SMALL = "too_small"
    DROPPED = "dropped"
    ERROR = "error"
    SKIPPED = "skipped"
    """The frame was not needed: the stream was steady, or of coded video and another one chosen."""
    NOT_DECODED = "not_decoded"
    """A unit of coded video of a layer that is not needed, or without what it depends on."""


class FaceState(enum.StrEnum):
    """What the score of one face is worth."""

    SCORED = "scored"
    LOW_RESOLUTION = "low_resolution"
    """Scored, but the face's short side is under 96 px: pixels are what it lacks first."""
    TOO_SMALL = "too_small"
    """Under 32 px: not scored."""


class CauseKind(enum.StrEnum):
    """What can be wrong: with a picture, under the names that a student's manifest uses, or with a stream."""

    COMPRESSION = "compression"
    RESOLUTION = "resolution"
    BLUR = "blur"
    """Out of focus, or moved while it was exposed."""
    NOISE = "noise"
    EXPOSURE = "exposure"
    """Too dark, or too bright."""
    LOSS = "loss"
    """Packets that did not arrive, and what was put in their place."""
    FREEZE = "freeze"
    """No frame came, or the same picture again and again. From here on faults, the foremost first."""
    BLACK = "black"
    COVERED = "covered"
    """No face and no detail, and not black."""
    NO_FACE = "no_face"
    FACE_TOO_SMALL = "face_too_small"
    FACE_CUT_OFF = "face_cut_off"
    """The main face reaches an edge of the picture."""
    LOW_FRAME_RATE = "low_frame_rate"

    @property
    def is_fault(self) -> bool:
        """Whether rules find it in a stream, rather than the student in a picture."""
        return self in FAULTS


FAULTS = tuple(list(CauseKind)[list(CauseKind).index(CauseKind.FREEZE) :])
"""Faults of a stream, the foremost first."""
PICTURE_CAUSES = tuple(kind for kind in CauseKind if kind not in FAULTS)
"""What a student may name."""


class StreamState(enum.StrEnum):
    """What a stream's quality is worth at this moment; the `state` label of the stream's series."""

    WAITING = "waiting"
    """Nothing has been scored yet."""
    SCORED = "scored"
    LOW_RESOLUTION = "low_resolution"
    FACE_TOO_SMALL = "face_too_small"
    NO_FACE = "no_face"
    STALE = "stale"
    """No score for longer than the stale limit: there is no current quality."""
    DECODE_ERROR = "decode_error"


class NoticeKind(enum.StrEnum):
    """Why a notice is sent."""

    DRAINING = "draining"
    THROTTLED = "throttled"
    KEYFRAME_NEEDED = "keyframe_needed"


class QualityBand(enum.StrEnum):
    """A range of quality, as in the dashboards, the worst first."""

    POOR = "poor"
    MEDIOCRE = "mediocre"
    FAIR = "fair"
    GOOD = "good"


class EventKind(enum.StrEnum):
    """What happened to a stream."""

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
