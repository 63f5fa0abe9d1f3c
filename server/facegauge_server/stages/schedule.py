"""When the detector must look at a stream again.

Looking costs more than everything else before the student, and mostly finds a face where it was. So the
whole frame is looked at when the longest interval of capture time has passed, since someone may have come in,
and at once after a cut. In between a look around the known faces does: when the shortest interval has passed
and much has changed in a face's box, after two of them when something has, or at once while a face moves
fast. While there is no face, the whole frame is looked at with the shortest interval.

Change is the mean difference of brightness, since the detector last looked, at 16 x 16 points of the box. On
25 clips of talking heads, looked at twice a second, it stays under `STILL_CONTRAST` in 69% of the steps; the
box has moved to an IoU below 0.8 in 2.5% of those, and in 21% of all. Waiting twice as long where less than
`MOVED_CONTRAST` changed leaves out a third of the demo's looks; scores stray by 0.0234 from those of a look
at every frame, by 0.0217 without.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from facegauge_server.types import Box, Frame

__all__ = ["DetectionSchedule", "Look"]

SCENE_CUT_CONTRAST = 0.15
"""Mean change of brightness, as a share of full scale, between two frames that only a cut makes."""
STILL_CONTRAST = 0.08
"""Mean change of brightness within a face's box below which the face is where it was."""
MOVED_CONTRAST = 0.16
"""Mean change of brightness within a face's box above which the face is likely to be elsewhere."""
Thumbnail = npt.NDArray[np.int16]
Grid = npt.NDArray[np.float64]

FRAME_GRID: Grid = np.linspace(0, 1, 24)
"""Where each side of a frame is sampled to see a cut."""
FACE_GRID: Grid = np.linspace(0, 1, 16)
"""Where each side of a face's box is sampled to see it move."""


class Look(enum.Enum):
    """What the detector must look at."""

    NOTHING = enum.auto()
    KNOWN_FACES = enum.auto()
    """Around the faces that it saw last."""
    WHOLE_FRAME = enum.auto()


class DetectionSchedule:
    """Of one stream. Capture times must never decrease."""

    def __init__(self, shortest_s: float, longest_s: float) -> None:
        """Make a schedule that wants a first look.

        Args:
            shortest_s: between two looks while faces change place, or none is there; a small change waits
                for two.
            longest_s: between two looks in any case; not less than the shortest.
        """
        self.is_cut = False
        """Whether the last frame asked about began a new scene."""
        self._shortest_s = shortest_s
        self._longest_s = max(shortest_s, longest_s)
        self._looked_s: float | None = None
        self._looked_at_all_s: float | None = None
        self._is_moving = False
        self._frame: Thumbnail | None = None
        self._faces: tuple[tuple[Box, Thumbnail], ...] = ()

    def wanted_look(self, frame: Frame) -> Look:
        """Say what the detector must look at in this frame; ask once a frame."""
        height, width = frame.height, frame.width
        thumbnail = _sample(frame, Box(0, 0, width - 1, height - 1), FRAME_GRID)
        before, self._frame = self._frame, thumbnail
        self.is_cut = before is not None and _contrast(thumbnail, before) > SCENE_CUT_CONTRAST
        if self._looked_s is None or self._looked_at_all_s is None or self.is_cut:
            return Look.WHOLE_FRAME
        now_s = frame.capture_time_s
        if now_s - self._looked_s < self._shortest_s and not self._is_moving:
            return Look.NOTHING
        if not self._faces or now_s - self._looked_at_all_s >= self._longest_s:
            return Look.WHOLE_FRAME
        if self._is_moving:
            return Look.KNOWN_FACES
        change = self._change(frame)
        patience_s = self._shortest_s if change >= MOVED_CONTRAST else 2 * self._shortest_s
        is_due = change >= STILL_CONTRAST and now_s - self._looked_s >= patience_s
        return Look.KNOWN_FACES if is_due else Look.NOTHING

    def looked(self, frame: Frame, look: Look, faces: Sequence[Box], is_moving: bool) -> None:
        """Note what the detector has looked at, where the faces are now, and whether one moves fast."""
        self._looked_s = frame.capture_time_s
        if look is Look.WHOLE_FRAME:
            self._looked_at_all_s = frame.capture_time_s
        self._is_moving = is_moving
        self._faces = tuple((face, _sample(frame, face, FACE_GRID)) for face in faces)

    def forget(self) -> None:
        """Want a look at the next frame: the view is another one."""
        self._looked_s = None
        self._faces = ()

    def rescale(self, scale_x: float, scale_y: float) -> None:
        """Follow a change of the frame's size."""
        self._faces = tuple(
            (Box(box.x * scale_x, box.y * scale_y, box.width * scale_x, box.height * scale_y), seen)
            for box, seen in self._faces
        )

    def _change(self, frame: Frame) -> float:
        """Return how much the face that changed most differs from when the detector last looked."""
        return max(_contrast(_sample(frame, box, FACE_GRID), seen) for box, seen in self._faces)


def _sample(frame: Frame, box: Box, grid: Grid) -> Thumbnail:
    """Return the green of a grid of points of a box, at the edge where it leaves the frame."""
    rows = (box.y + box.height * grid).clip(0, frame.height - 1).astype(np.intp)
    columns = (box.x + box.width * grid).clip(0, frame.width - 1).astype(np.intp)
    return np.asarray(frame.pixels[rows[:, None], columns, 1], dtype=np.int16)


def _contrast(one: Thumbnail, other: Thumbnail) -> float:
    """Return the mean difference as a share of full scale."""
    return float(np.abs(one - other).mean()) / 255
