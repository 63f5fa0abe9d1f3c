"""What a stream's scored frames show: nothing, nobody, or the same again."""

from __future__ import annotations

from facegauge_server.faults.definitions import (
    BLACK,
    CHIN,
    COVERED,
    CUT_OFF,
    NO_FACE,
    READABLE_SHARE,
    STANDING,
    TOO_SMALL,
)
from facegauge_server.faults.watch import Watch
from facegauge_server.snapshots import Rule
from facegauge_server.types import Fault, FrameResult, FrameScore, View

__all__ = ["Views"]

RULES = {
    Rule.STANDING: STANDING,
    Rule.BLACK: BLACK,
    Rule.COVERED: COVERED,
    Rule.NO_FACE: NO_FACE,
    Rule.TOO_SMALL: TOO_SMALL,
    Rule.CUT_OFF: CUT_OFF,
}


class Views:
    """Faults of the picture as a whole, and of where the faces are in it."""

    def __init__(self) -> None:
        self.watches = {rule: Watch(definition) for rule, definition in RULES.items()}

    def frame(self, score: FrameScore) -> None:
        """Take a frame. One that could not be used shows nothing, and changes nothing."""
        if score.view is None:
            return
        view, at_s = score.view, score.capture_time_s
        is_black = view.black_share >= BLACK.threshold
        is_flat = view.texture <= COVERED.threshold
        values = {
            # A flat picture and a room stand still whether the stream does or not: it takes a face to tell.
            Rule.STANDING: None if is_black or is_flat or not _is_readable(view) else view.still_s,
            Rule.BLACK: view.black_share,
            Rule.COVERED: view.texture if view.faceless_s is not None and not is_black else None,
            Rule.NO_FACE: None if is_black or is_flat else view.faceless_s,
            Rule.TOO_SMALL: _largest_px(score),
            Rule.CUT_OFF: _margin(view),
        }
        for rule, value in values.items():
            self.watches[rule].see(value, at_s)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Those that last."""
        return tuple(one.fault for one in self.watches.values() if one.fault is not None)


def _largest_px(score: FrameScore) -> float | None:
    """Return the short side of the largest face if none can be scored."""
    if score.result is not FrameResult.TOO_SMALL:
        return None
    return max(face.face.box.short_side for face in score.faces)


def _is_readable(view: View) -> bool:
    """Return whether the largest face is there, and large enough to be seen moving."""
    if view.faceless_s is not None or view.largest is None:
        return False
    return view.largest.short_side >= READABLE_SHARE * min(view.width, view.height)


def _margin(view: View) -> float | None:
    """Return how far the largest face is from the picture's nearest edge, in sides of its box."""
    box = view.largest
    if box is None:
        return None
    right, below = view.width - box.x - box.width, view.height - box.y - (1 - CHIN) * box.height
    return min(box.x, box.y, right, below) / box.short_side
