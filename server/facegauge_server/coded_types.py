"""Coded video on its way to a worker and back: units of one stream that are decoded in one go.

EncodedFrame -> Unit -> UnitRun -> (the stream's decoder) -> Frame, and a DecodedRun about all the others
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass

from facegauge_server.types import EncodedFrame

__all__ = ["DecodedRun", "Pick", "Unit", "UnitOutcome", "UnitRun"]


class Pick(enum.StrEnum):
    """Which picture of a run is scored."""

    NONE = "none"
    NEWEST = "newest"
    """The last one that came out; those before it are skipped."""
    DUE = "due"
    """The oldest one whose capture time has reached `UnitRun.due_s`; those after it wait for the next run."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One access unit that can be decoded after those before it."""

    frame: EncodedFrame
    is_key: bool
    """Whether decoding may begin with it."""
    starts: bool = False
    """Whether it does: what the decoder knows of the units before is thrown away."""


@dataclass(frozen=True, slots=True)
class UnitRun:
    """Units of one stream that follow each other."""

    units: tuple[Unit, ...]
    pick: Pick = Pick.NONE
    due_s: float = -math.inf
    """Capture time."""
    after_s: float = -math.inf
    """Capture time of the stream's last picture, before which none may lie."""
    ends: bool = False
    """Whether no unit follows, so that the decoder gives what it still holds."""

    @property
    def size(self) -> int:
        """Bytes of all units."""
        return sum(len(unit.frame.data) for unit in self.units)


class UnitOutcome(enum.StrEnum):
    """What became of one unit in its decoder."""

    DECODED = "decoded"
    FAILED = "failed"
    NOT_DECODED = "not_decoded"
    """It depends on one that failed."""


@dataclass(frozen=True, slots=True)
class DecodedRun:
    """What a decoder made of a run."""

    outcomes: tuple[UnitOutcome, ...]
    """Each unit's."""
    picture: tuple[int, float] | None = None
    """Sequence and capture time of the picture that was picked; None where there was none to pick."""
    skipped: int = 0
    """Pictures that came out and were not picked."""
    waiting: int = 0
    """Pictures that came out and wait for the next run."""
    fault: str = ""
    """What is wrong with the first unit that failed, in words for whoever sent it."""
    is_broken: bool = False
    """Whether the next unit must be a keyframe that starts the decoder anew."""
