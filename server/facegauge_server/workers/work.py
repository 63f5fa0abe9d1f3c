"""What a worker needs to be given: a function from a frame and a tracker to a result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from facegauge_server.coded_types import DecodedRun, UnitRun
from facegauge_server.snapshots import TrackerSnapshot
from facegauge_server.types import EncodedFrame, FaceCrops, FrameScore
from facegauge_server.workers.settings import Prepared, WorkSettings

__all__ = ["Assessed", "Work", "WorkModule"]


@dataclass(frozen=True, slots=True)
class Assessed:
    """What came of one frame."""

    tracker: bytes
    """The stream's tracker after this frame."""
    crops: FaceCrops
    score: FrameScore | None
    """None where workers do not score."""
    stage_times_s: tuple[tuple[str, float], ...]
    decoded: DecodedRun | None = None
    """What the decoder made of coded video's units."""
    snapshot: TrackerSnapshot | None = None
    """What the tracker holds without its pictures; None where it is as it was."""


class Work(Protocol):
    """Works on frames, one at a time."""

    def assess(self, frame: EncodedFrame, tracker: bytes, display_lines: int) -> Assessed:
        """Work on a stream's next frame; raises BadFrame for one that cannot be used.

        Args:
            frame: its bytes may lie in shared memory, and change once this returns.
            tracker: of the stream after the frame before.
            display_lines: lines (the shorter side of the picture) that the viewer's display shows.
        """

    def assess_run(self, run: UnitRun, decoder: int, tracker: bytes, display_lines: int) -> Assessed:
        """Decode a stream's next units, and work on the picture that is picked, if there is one.

        Raises BadFrame for a picture that cannot be used; the stream's decoder is gone then.

        Args:
            run: the units.
            decoder: number of the stream's decoder, which only this worker has; made where it is not known.
            tracker: of the stream after the picture before.
            display_lines: as in `assess`.
        """

    def forget(self, decoder: int) -> None:
        """Free a stream's decoder."""


class WorkModule(Protocol):
    """A module that makes work, such as `frame_work.py`; tests have their own."""

    def prepare(self, settings: WorkSettings) -> Prepared:
        """Find out once what all workers need; runs in a process that ends with it."""

    def make(self, settings: WorkSettings, prepared: Prepared) -> Work:
        """Make a worker's work, and show that it works."""
