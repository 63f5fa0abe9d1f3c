"""Recorder of one stream for the report: every score, all causes, and pictures of the worst moments."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from facegauge_client.report.cause_log import CauseLog
from facegauge_client.report.fault_moments import FaultMoments
from facegauge_client.report.moments import Moment, WorstMoments, apart_s
from facegauge_client.report.track import Track, TrackWriter
from facegauge_client.sdk.frames import Picture
from facegauge_client.sdk.types import Assessment

__all__ = ["Recorder"]

MOST_WAITING = 64
"""Maximum number of frames kept until their assessment comes; a server that keeps up has some ten."""


class Recorder:
    """Recorder of one stream: 42 bytes of memory a frame, and pictures of the worst moments alone."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` returns seconds; it measures response times."""
        self._clock = clock
        self._waiting: dict[float, tuple[float, Picture]] = {}
        """Time of sending and frame, by capture time."""
        self._answer_times_s = array("d")
        self._writer = TrackWriter()
        self._worst = WorstMoments()
        self._faults = FaultMoments()
        self.causes = CauseLog()
        """What was named so far."""

    def sent(self, picture: Picture, capture_time_s: float) -> None:
        """Keep a frame until the server has answered it."""
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.pop(next(iter(self._waiting)))
        self._waiting[capture_time_s] = (self._clock(), picture)

    def answered(self, assessment: Assessment) -> None:
        """Record an assessment.

        That time has passed without a score (StreamState.STALE, unasked) depends on how fast a file is
        played and has no place in the recording: it is left out.
        """
        if assessment.capture_time_s is None:
            return
        time_s = self._writer.add(assessment, assessment.capture_time_s)
        sent_s, picture = self._waiting.pop(assessment.capture_time_s, (None, None))
        if sent_s is not None:
            self._answer_times_s.append(self._clock() - sent_s)
        named = self.causes.add(assessment, time_s)
        if picture is not None:
            self._worst.see(time_s, named.causes, assessment, picture)
            self._faults.see(time_s, named.causes, assessment, picture)

    @property
    def track(self) -> Track:
        """Track of all frames so far."""
        return self._writer.read()

    @property
    def answer_times_s(self) -> npt.NDArray[np.float64]:
        """Seconds from sending a frame to its assessment, shape (frames,)."""
        return np.array(self._answer_times_s)

    def worst_moments(self) -> list[Moment]:
        """Return the worst moments so far, in the order of time: the lowest scores, and the longest faults.

        Where a fault is shown, a score shortly before or after in which nothing was named is left out.
        """
        length_s = self.track.length_s
        faults, least_s = self._faults.worst(), apart_s(length_s)
        scores = [
            moment
            for moment in self._worst.worst(length_s)
            if moment.cause or all(abs(moment.time_s - fault.time_s) >= least_s for fault in faults)
        ]
        return sorted([*scores, *faults], key=lambda moment: moment.time_s)
