"""The values that a frame becomes on its path through the server; read top to bottom.

    EncodedFrame -> Frame -> FaceBoxes -> FaceCrops -> Batch -> RawScores -> CropScore -> FrameScore
                 -> StreamQuality -> Assessment

Every type is frozen. Boxes are in pixels of the decoded frame, scores are 0-1 with 1 the best, times are
seconds: `capture_time_s` on the sender's media clock (any origin), `now_s` on this server's monotonic clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from facegauge_server.kinds import (
    CauseKind,
    Decode,
    Delivery,
    Encoding,
    FaceState,
    FrameResult,
    NoticeKind,
    StreamState,
)

__all__ = [
    "Assessment",
    "Batch",
    "Box",
    "Cause",
    "CauseKind",
    "CropScore",
    "Decode",
    "Delivery",
    "EncodedFrame",
    "Encoding",
    "FaceBox",
    "FaceBoxes",
    "FaceCrop",
    "FaceCrops",
    "FaceQuality",
    "FaceScore",
    "FaceState",
    "Fault",
    "Frame",
    "FrameResult",
    "FrameScore",
    "MosEstimate",
    "NamedCause",
    "Notice",
    "NoticeKind",
    "Pixels",
    "RawScores",
    "StreamQuality",
    "StreamState",
    "StreamSummary",
    "View",
]

Pixels: TypeAlias = npt.NDArray[np.uint8]
"""An RGB picture, uint8, shape (height, width, 3)."""


@dataclass(frozen=True, slots=True, weakref_slot=True)
class EncodedFrame:
    """A frame as it came over the wire."""

    sequence: int
    capture_time_s: float
    encoding: Encoding
    data: bytes
    """May be a view of them where they are only handed on, or are raw pixels."""
    width: int = 0
    """Pixels; required for raw encodings, else 0 or a check on the decoded picture."""
    height: int = 0
    keyframe: bool = False
    """Whether the sender says that decoding can begin here; coded video alone."""
    temporal_layer: int | None = None
    """0 for the base layer, None where it is not known; coded video alone."""
    discontinuity: bool = False
    """Whether something that this unit depends on is missing; coded video alone."""
    received_s: float | None = field(default=None, compare=False)
    """When a stream brought it, on the server's monotonic clock; None for any other frame."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A decoded frame at its native resolution."""

    sequence: int
    capture_time_s: float
    pixels: Pixels

    @property
    def width(self) -> int:
        """Pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Pixels."""
        return int(self.pixels.shape[0])


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of a frame; x and y name its top-left corner, which may lie outside."""

    x: float
    y: float
    width: float
    height: float

    @property
    def short_side(self) -> float:
        """Pixels."""
        return min(self.width, self.height)

    @property
    def area(self) -> float:
        """Square pixels."""
        return self.width * self.height

    def iou(self, other: Box) -> float:
        """Intersection over union with `other`, 0-1."""
        overlap_width = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        overlap_height = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        if overlap_width <= 0 or overlap_height <= 0:
            return 0.0
        overlap = overlap_width * overlap_height
        return overlap / (self.area + other.area - overlap)


@dataclass(frozen=True, slots=True)
class FaceBox:
    """A tracked face. The id lives as long as the track and does not identify the person."""

    track_id: int
    box: Box


@dataclass(frozen=True, slots=True)
class FaceBoxes:
    """The faces of one frame, the largest first."""

    frame: Frame
    faces: tuple[FaceBox, ...]
    faceless_s: float | None = None
    """Capture time since the detector found nobody for the first time; None where it has found somebody."""
    largest: Box | None = None
    """The largest that the last detection has seen: others are where they were before it."""


@dataclass(frozen=True, slots=True)
class FaceCrop:
    """One face, cut out and resized to the student's input."""

    face: FaceBox
    pixels: Pixels


@dataclass(frozen=True, slots=True)
class View:
    """What a frame shows as a whole, besides its faces."""

    width: int
    """Pixels."""
    height: int
    black_share: float
    """Share of its pixels that are black, 0-1."""
    texture: float
    """Mean difference of neighbouring blocks, levels of 255."""
    still_s: float
    """Capture time for which the picture has been the same."""
    faceless_s: float | None
    """Capture time since the detector found nobody for the first time; None where it has found somebody."""
    largest: Box | None = None
    """The largest face that the last detection has seen."""


@dataclass(frozen=True, slots=True)
class FaceCrops:
    """The crops of one frame, with the faces that were too small for one."""

    sequence: int
    capture_time_s: float
    crops: tuple[FaceCrop, ...]
    too_small: tuple[FaceBox, ...] = ()
    view: View | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Crops of any streams that the engine scores in one call; pixels are uint8 (n, height, width, 3)."""

    pixels: npt.NDArray[np.uint8]
    tickets: tuple[int, ...]
    """Whose crop each is: the number that the batcher gave when it was added."""


@dataclass(frozen=True, slots=True, eq=False)
class RawScores:
    """What an engine gives for a batch, in its order; every figure within 0-1."""

    quality: npt.NDArray[np.float32]
    """(n,)"""
    costs: npt.NDArray[np.float32] | None = None
    """(n, causes of the student): the quality that would come back without each; None where it names none."""

    @classmethod
    def of(cls, outputs: Sequence[npt.NDArray[np.float32]]) -> RawScores:
        """Make it of a network's outputs, (n, 1) and where there are causes (n, causes)."""
        return cls(outputs[0][:, 0], outputs[1] if len(outputs) > 1 else None)

    def move_from(self, other: RawScores) -> float:
        """Return the largest difference of any figure from another engine's for the same crops."""
        pairs = [(self.quality, other.quality)]
        if self.costs is not None and other.costs is not None:
            pairs.append((self.costs, other.costs))
        return max(float(np.abs(mine - theirs).max()) for mine, theirs in pairs)


@dataclass(frozen=True, slots=True)
class Cause:
    """Something that is wrong with a picture, and what it costs."""

    kind: CauseKind
    cost: float
    """The quality that would come back if this cause alone were gone, 0-1."""
    threshold: float | None = None
    """The cost from which on it is named as what is wrong; None where nothing was decided."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is wrong with a stream, as a rule has measured it."""

    kind: CauseKind
    value: float
    """In the kind's unit: see `CauseKind` in the .proto file."""
    threshold: float
    """What the value had to reach."""


NamedCause: TypeAlias = Cause | Fault


@dataclass(frozen=True, slots=True)
class CropScore:
    """The student's score of one crop."""

    quality: float
    causes: tuple[Cause, ...] = ()
    """Costs in the student's order; empty where it names none."""


@dataclass(frozen=True, slots=True)
class FaceScore:
    """One face of one frame, scored or found too small."""

    face: FaceBox
    state: FaceState
    raw_quality: float | None
    """The student's score of this frame alone; None for a face that is too small."""
    raw_causes: tuple[Cause, ...] = ()
    """Causes in this frame alone."""


@dataclass(frozen=True, slots=True)
class FrameScore:
    """The result of one frame: input of the smoothing."""

    sequence: int
    capture_time_s: float
    result: FrameResult
    faces: tuple[FaceScore, ...] = ()
    stage_times_s: tuple[tuple[str, float], ...] = ()
    """Stages that it went through in a worker, in order, with the time of each; none where not known."""
    error: str = ""
    """What is wrong with the frame, for the caller; empty unless the result is ERROR."""
    view: View | None = None
    """None where the frame could not be used."""

    @property
    def work_s(self) -> float | None:
        """Time that a worker spent on the frame, seconds; None where it is not known."""
        return sum(duration_s for _, duration_s in self.stage_times_s) if self.stage_times_s else None


@dataclass(frozen=True, slots=True)
class FaceQuality:
    """One face with its smoothed quality."""

    face: FaceBox
    state: FaceState
    quality: float | None
    raw_quality: float | None
    causes: tuple[Cause, ...] = ()
    """Smoothed, the dearest first."""


@dataclass(frozen=True, slots=True)
class StreamQuality:
    """What is known of a stream after a frame, or after time has passed without one."""

    state: StreamState
    quality: float | None = None
    """Smoothed, of the stream's main face; None while there is no current score."""
    raw_quality: float | None = None
    """The main face's, in this frame alone."""
    faces: tuple[FaceQuality, ...] = field(default=())
    main_track_id: int | None = None
    """Track of the face that `quality` belongs to; None while there is no current score."""
    causes: tuple[NamedCause, ...] = ()
    """Faults that last, then the main face's causes, smoothed, the dearest first, where it has any."""
    main_cause: NamedCause | None = None
    """What to say first; None where nothing reaches its threshold."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """A report to the client: on one frame, or on time that passed without a score."""

    score: FrameScore | None
    stream: StreamQuality
    frames_dropped: int = 0
    """Frames of the stream dropped since the last assessment."""
    frames_skipped: int = 0
    """Frames left out since the last assessment because they were not needed."""
    frames_not_decoded: int = 0
    """Units of coded video not decoded since the last assessment."""
    received_s: float | None = None
    """When the stream brought the frame; None where there is none."""


@dataclass(frozen=True, slots=True)
class MosEstimate:
    """A mean opinion score that an operator's calibration gives, 1-5, and where 95 of 100 clips lie."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that the client should know and that is no assessment."""

    kind: NoticeKind
    text: str


@dataclass(frozen=True, slots=True)
class StreamSummary:
    """A summary of the whole stream."""

    mean_quality: float | None
    p10_quality: float | None
    state_times_s: dict[StreamState, float]
    frames: dict[FrameResult, int]
    cause_times_s: dict[CauseKind, float] = field(default_factory=dict)
    """Capture time for which each cause was named."""
