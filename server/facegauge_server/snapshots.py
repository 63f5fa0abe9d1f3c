"""A session as a value: what is known of one stream, in parts that each module gives and takes back.

What takes pictures to hold is not here: the next replica looks anew at its first frame. Neither is what
belongs to one connection: its buffers, its rates, the numbers of its frames.

Times that end in `_s` are capture times, on the sender's clock, unless they are durations; those that end in
`_age_s` are how long ago something was on the server's clock, since no two servers share one.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TypeAlias

from facegauge_server.kinds import CauseKind, FrameResult, QualityBand, StreamState
from facegauge_server.types import NamedCause

__all__ = [
    "CausesSnapshot",
    "FaceSnapshot",
    "FaultsSnapshot",
    "FigureSnapshot",
    "NamedSnapshot",
    "PoolSnapshot",
    "ReporterSnapshot",
    "Rule",
    "SessionSnapshot",
    "SmootherSnapshot",
    "TrackSnapshot",
    "TrackerSnapshot",
    "WatchSnapshot",
]

Four: TypeAlias = tuple[float, float, float, float]


class Rule(enum.StrEnum):
    """A rule that finds a fault: two of them may find the same."""

    STOPPED = "stopped"
    UNDECODABLE = "undecodable"
    LOW_RATE = "low_rate"
    STANDING = "standing"
    BLACK = "black"
    COVERED = "covered"
    NO_FACE = "no_face"
    TOO_SMALL = "too_small"
    CUT_OFF = "cut_off"


@dataclass(frozen=True, slots=True)
class TrackSnapshot:
    """One face that is followed: see `stages.one_euro.OneEuro`."""

    track_id: int
    seen_s: float
    value: Four
    """Centre x, centre y, width and height, pixels."""
    speed: Four


@dataclass(frozen=True, slots=True)
class TrackerSnapshot:
    """The faces of a stream and where they are, and for how long its picture has stood."""

    tracks: tuple[TrackSnapshot, ...] = ()
    last_id: int = 0
    detected_s: float | None = None
    faceless_since_s: float | None = None
    frame_size: tuple[int, int] | None = None
    """(width, height), pixels."""
    still_since_s: float = 0.0
    still_pictures: int = 0


@dataclass(frozen=True, slots=True)
class FigureSnapshot:
    """One figure that is smoothed, 0-1."""

    value: float | None = None
    last_raw: tuple[float, ...] = ()
    """Oldest first."""


@dataclass(frozen=True, slots=True)
class FaceSnapshot:
    """Smoothing of one face."""

    track_id: int
    scored_at_s: float
    quality: FigureSnapshot
    costs: tuple[tuple[CauseKind, FigureSnapshot], ...] = ()


@dataclass(frozen=True, slots=True)
class SmootherSnapshot:
    """Smoothing of a stream."""

    faces: tuple[FaceSnapshot, ...] = ()
    main_id: int | None = None
    rival: tuple[int, float] | None = None
    """A face that may become the main one, and since when."""
    state: StreamState = StreamState.WAITING
    quality: float | None = None
    main_track_id: int | None = None
    costs: tuple[tuple[CauseKind, float], ...] = ()
    """Of the main face, the dearest first."""
    scored_age_s: float | None = None


@dataclass(frozen=True, slots=True)
class PoolSnapshot:
    """What a stream's summary is made of."""

    total: float = 0.0
    """Sum of all qualities."""
    bins: tuple[tuple[int, int], ...] = ()
    """(quality in thousandths, how many), the lowest first."""


@dataclass(frozen=True, slots=True)
class WatchSnapshot:
    """One rule's patience: see `faults.watch.Watch`."""

    met_since_s: float | None = None
    well_since_s: float | None = None
    named_s: float = 0.0
    fault: tuple[float, float] | None = None
    """Value and threshold, while the fault lasts."""


@dataclass(frozen=True, slots=True)
class FaultsSnapshot:
    """Rules that have something to remember."""

    watches: tuple[tuple[Rule, WatchSnapshot], ...] = ()
    usual_fps: float = 0.0


@dataclass(frozen=True, slots=True)
class NamedSnapshot:
    """Causes that are named."""

    named: tuple[tuple[NamedCause, float], ...] = ()
    """Each, and since when, in their order."""
    main: CauseKind | None = None
    main_since_s: float | None = None
    updated_s: float | None = None
    times_s: tuple[tuple[CauseKind, float], ...] = ()


@dataclass(frozen=True, slots=True)
class CausesSnapshot:
    """What is wrong with a stream."""

    faults: FaultsSnapshot = FaultsSnapshot()
    named: NamedSnapshot = NamedSnapshot()
    seen_s: float = 0.0
    named_s: float | None = None


@dataclass(frozen=True, slots=True)
class ReporterSnapshot:
    """What has been told of a stream."""

    band: QualityBand | None = None
    causes_since_s: tuple[tuple[CauseKind, float], ...] = ()
    poor_s: float = 0.0
    """Time in the lowest band."""
    frames_shed: int = 0
    shed_told_age_s: float | None = None


@dataclass(frozen=True, slots=True)
class SessionSnapshot:
    """All that is known of one stream."""

    life: bytes
    """Names the life of the stream, from its beginning to its end, on whichever replicas."""
    age_s: float = 0.0
    assessed_age_s: float = 0.0
    last_frame_age_s: float | None = None
    sequence: int | None = None
    """Of the last frame whose result is in here."""
    capture_time_s: float | None = None
    """Of the last good frame."""
    checkpoint_s: float | None = None
    """Capture time of the last checkpoint that was due."""
    frames: tuple[tuple[FrameResult, int], ...] = ()
    received_bytes: int = 0
    keyframes: int = 0
    breaks: int = 0
    state_times_s: tuple[tuple[StreamState, float], ...] = ()
    tracker: TrackerSnapshot = TrackerSnapshot()
    smoother: SmootherSnapshot = SmootherSnapshot()
    pool: PoolSnapshot = PoolSnapshot()
    causes: CausesSnapshot = CausesSnapshot()
    reporter: ReporterSnapshot = ReporterSnapshot()
