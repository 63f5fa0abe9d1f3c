"""What each fault of a stream is: its figure, the threshold, and the patience. The one place for all of them.

Sources: W3C, Identifiers for WebRTC's Statistics API, `freezeCount` and `pauseCount`; FFmpeg's filters
`blackdetect` and `freezedetect`. Where they differ, and why: docs/causes.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from facegauge_server.face_limits import MIN_FACE_PX
from facegauge_server.types import CauseKind

__all__ = [
    "ALIKE_BLOCK_LEVELS",
    "BLACK",
    "BLACK_LEVEL",
    "CHIN",
    "COVERED",
    "CUT_OFF",
    "LEAST_FREEZE_S",
    "LOW_RATE",
    "NO_FACE",
    "PAUSE_S",
    "READABLE_SHARE",
    "STANDING",
    "STOPPED",
    "TOO_SMALL",
    "UNDECODABLE",
    "Definition",
    "freeze_threshold_s",
]


@dataclass(frozen=True, slots=True)
class Definition:
    """When a fault begins and when it is over. What is measured, and in which unit, says the .proto file."""

    kind: CauseKind
    threshold: float
    """What the value must reach."""
    end: float
    """What it must leave behind for the fault to end: the same, or better than the threshold."""
    after_s: float = 0.0
    """How long the value must have reached the threshold."""
    is_worse_below: bool = False
    """Whether a fault is a value at most the threshold, rather than at least."""


LEAST_FREEZE_S = 0.5
"""Shortest gap that is a fault: shorter ones are what W3C counts too, and no reason to wake anybody."""
PAUSE_S = 5.0
"""A longer gap is W3C's pause, or another clock: no freeze."""


def freeze_threshold_s(mean_interval_s: float) -> float:
    """Return from which gap between two frames on a stream is frozen: W3C's `freezeCount`, and half a second.

    `mean_interval_s` is over the last 30 frames.
    """
    return max(3 * mean_interval_s, mean_interval_s + 0.150, LEAST_FREEZE_S)


STOPPED = Definition(CauseKind.FREEZE, LEAST_FREEZE_S, LEAST_FREEZE_S)
"""No frame comes: seconds since the last one. The threshold that holds is `freeze_threshold_s`."""

UNDECODABLE = Definition(CauseKind.FREEZE, LEAST_FREEZE_S, LEAST_FREEZE_S)
"""Units of coded video come and none can be decoded before a keyframe, since some are missing or damaged:
seconds since the last that could. The threshold that holds is `freeze_threshold_s`: W3C's `freezeCount` is
about frames that are shown, and these are not. What this server or its client has left out is no fault.
"""

STANDING = Definition(CauseKind.FREEZE, 0.75, 0.75)
"""Frames come, all with the same picture: seconds that it stands. FFmpeg's `freezedetect` waits for 2 s."""

ALIKE_BLOCK_LEVELS = 4.0
"""Two pictures are the same if none of 8 x 8 blocks differs by more: mean difference of luma, of 255.

FFmpeg's `freezedetect` takes 0.255 (-60 dB) over the whole picture. That is less than what a codec adds to a
picture that stands, and the whole picture of somebody who sits still before a wall hardly differs at all: it
is the block with the mouth that does.
"""

READABLE_SHARE = 1 / 8
"""Short side of a face, of the picture's, from which on it would be seen to move: it fills a block then."""

BLACK = Definition(CauseKind.BLACK, 0.98, 0.95, after_s=0.5)
"""FFmpeg's `blackdetect`: 98% of the pixels are black (`picture_black_ratio_th`)."""
BLACK_LEVEL = 0.10
"""Brightness, of full scale, up to which a pixel is black: `pixel_black_th`."""

COVERED = Definition(CauseKind.COVERED, 4.5, 5.5, after_s=0.5, is_worse_below=True)
"""Mean difference of neighbouring blocks of the picture, levels of 255.

Up to 3.7 before a lens that is covered, 8.5 and more of a room, 12.5 and more of the people in 25 clips.
"""

NO_FACE = Definition(CauseKind.NO_FACE, 0.5, 0.5)
"""Seconds since the detector, which searches twice a second then, found nobody for the first time."""

TOO_SMALL = Definition(
    CauseKind.FACE_TOO_SMALL, MIN_FACE_PX, 1.1 * MIN_FACE_PX, after_s=0.5, is_worse_below=True
)

CUT_OFF = Definition(CauseKind.FACE_CUT_OFF, 0.03, 0.06, after_s=0.25, is_worse_below=True)
"""Distance of the main face to the nearest edge, in sides of its box: of the box, but of the chin below.

Detectors move the box of a face that is cut off into the picture, so how much is missing cannot be measured.
"""

CHIN = 0.15
"""How far the chin is above the lower end of the box, in its sides: who sits low is not cut off."""

LOW_RATE = Definition(CauseKind.LOW_FRAME_RATE, 10.0, 12.0, is_worse_below=True)
"""Frames per second over the last second, of a stream that has had twice as many and ten at least: who sends
two a second on purpose has no fault. The threshold that holds is at most half of what the stream has had."""
