"""FrameScore -> StreamQuality: smooth every face over time and choose the one that stands for the stream.

A face's raw scores go through a median over its last frames, which drops single bad ones, then through an
exponential average over capture time, a_t = 1 - exp(-dt / time constant), so that the result does not depend
on the frame rate or on the server's load. What is current and what is stale is judged on the server's clock.
"""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import replace
from statistics import median

from facegauge_server.snapshots import FaceSnapshot, FigureSnapshot, SmootherSnapshot
from facegauge_server.stages.causes import dearest_first
from facegauge_server.types import (
    Cause,
    CauseKind,
    FaceQuality,
    FaceScore,
    FaceState,
    FrameResult,
    FrameScore,
    StreamQuality,
    StreamState,
)

__all__ = ["QualitySmoother"]

FORGET_TRACK_AFTER_S = 3.0
"""A face found again within this capture time continues its smoothing; later it starts anew."""

SWITCH_AREA_RATIO = 1.25
SWITCH_AFTER_S = 1.0
"""Another face becomes the main one when it is so much larger for so long, or the main one is gone."""

STATES = {
    FrameResult.NO_FACE: StreamState.NO_FACE,
    FrameResult.TOO_SMALL: StreamState.FACE_TOO_SMALL,
    FrameResult.ERROR: StreamState.DECODE_ERROR,
}


class _Figure:
    """One figure of a face, smoothed."""

    def __init__(self, median_window: int) -> None:
        self._last_raw: deque[float] = deque(maxlen=median_window)
        self._value: float | None = None

    def add(self, raw: float, weight: float) -> float:
        """Add a frame's figure; `weight` is its share of the average."""
        self._last_raw.append(raw)
        middle = median(self._last_raw)
        if self._value is None or weight == 1:
            self._value = middle
        else:
            self._value += weight * (middle - self._value)
        return self._value

    def snapshot(self) -> FigureSnapshot:
        return FigureSnapshot(self._value, tuple(self._last_raw))

    def restore(self, snapshot: FigureSnapshot) -> None:
        self._value = snapshot.value
        self._last_raw.extend(snapshot.last_raw)


class _Track:
    """One face's quality and what its causes cost, each smoothed alike."""

    def __init__(self, median_window: int) -> None:
        self._quality = _Figure(median_window)
        self._costs: defaultdict[CauseKind, _Figure] = defaultdict(lambda: _Figure(median_window))
        self.scored_at_s = -math.inf

    def add(
        self, raw_quality: float, raw_causes: Iterable[Cause], capture_time_s: float, time_constant_s: float
    ) -> tuple[float, dict[CauseKind, float]]:
        passed_s = capture_time_s - self.scored_at_s
        weight = 1.0 if time_constant_s == 0 else -math.expm1(-passed_s / time_constant_s)
        self.scored_at_s = capture_time_s
        costs = {cause.kind: self._costs[cause.kind].add(cause.cost, weight) for cause in raw_causes}
        return self._quality.add(raw_quality, weight), costs

    def snapshot(self, track_id: int) -> FaceSnapshot:
        costs = tuple((kind, figure.snapshot()) for kind, figure in self._costs.items())
        return FaceSnapshot(track_id, self.scored_at_s, self._quality.snapshot(), costs)

    def restore(self, snapshot: FaceSnapshot) -> None:
        self.scored_at_s = snapshot.scored_at_s
        self._quality.restore(snapshot.quality)
        for kind, figure in snapshot.costs:
            self._costs[kind].restore(figure)


class QualitySmoother:
    """Smooths one stream. Frames must come with capture times that never decrease.

    What causes cost is smoothed too; which of them is named, `StreamCauses` decides.
    """

    def __init__(
        self, median_window: int, time_constant_s: float, stale_after_s: float, cause_threshold: float
    ) -> None:
        """Start without any score.

        Args:
            median_window: frames.
            time_constant_s: of the average; 0 switches it off.
            stale_after_s: time without a score after which there is no current quality.
            cause_threshold: cost from which on a cause is named.
        """
        self._median_window = median_window
        self._time_constant_s = time_constant_s
        self._stale_after_s = stale_after_s
        self._cause_threshold = cause_threshold
        self._tracks: dict[int, _Track] = {}
        self._main_id: int | None = None
        self._rival_since_s: tuple[int, float] | None = None
        self._now = StreamQuality(StreamState.WAITING)
        self._scored_now_s: float | None = None

    def add(self, score: FrameScore, now_s: float) -> StreamQuality:
        """Add a frame; `now_s` is the server's clock, used only to judge staleness."""
        if score.result is not FrameResult.ERROR:  # whose capture time may be what is wrong with it
            self._forget_tracks(score.capture_time_s)
        faces = tuple(self._smooth(face, score.capture_time_s) for face in score.faces)
        main = self._choose_main(faces, score.capture_time_s)
        if main is None:
            held = self.at(now_s)
            state = STATES.get(score.result, held.state)
            self._now = replace(held, state=state, raw_quality=None, faces=faces)
        else:
            self._scored_now_s = now_s
            state = (
                StreamState.LOW_RESOLUTION if main.state is FaceState.LOW_RESOLUTION else StreamState.SCORED
            )
            self._now = StreamQuality(
                state, main.quality, main.raw_quality, faces, main.face.track_id, main.causes
            )
        return self._now

    def at(self, now_s: float) -> StreamQuality:
        """Return the quality at a time of the server's clock: STALE if the last score is too old."""
        if self._scored_now_s is not None and now_s - self._scored_now_s >= self._stale_after_s:
            self._scored_now_s = None
            self._now = StreamQuality(StreamState.STALE)
        return self._now

    def snapshot(self, now_s: float) -> SmootherSnapshot:
        """Return what is known at a time of the server's clock."""
        now = self._now
        return SmootherSnapshot(
            faces=tuple(track.snapshot(track_id) for track_id, track in self._tracks.items()),
            main_id=self._main_id,
            rival=self._rival_since_s,
            state=now.state,
            quality=now.quality,
            main_track_id=now.main_track_id,
            costs=tuple((cause.kind, cause.cost) for cause in now.causes if isinstance(cause, Cause)),
            scored_age_s=None if self._scored_now_s is None else now_s - self._scored_now_s,
        )

    def restore(self, snapshot: SmootherSnapshot, now_s: float) -> StreamQuality:
        """Go on from a snapshot that was taken at a time of this server's clock; returns the quality."""
        for face in snapshot.faces:
            self._tracks[face.track_id] = track = _Track(self._median_window)
            track.restore(face)
        self._main_id, self._rival_since_s = snapshot.main_id, snapshot.rival
        causes = tuple(Cause(kind, cost, self._cause_threshold) for kind, cost in snapshot.costs)
        self._now = StreamQuality(
            snapshot.state, snapshot.quality, main_track_id=snapshot.main_track_id, causes=causes
        )
        age_s = snapshot.scored_age_s
        self._scored_now_s = None if age_s is None else now_s - age_s
        return self._now

    def bridge(self, capture_time_s: float) -> None:
        """Keep all faces for one more frame, which is captured at this time."""
        earliest_s = capture_time_s - FORGET_TRACK_AFTER_S / 2
        for track in self._tracks.values():
            track.scored_at_s = max(track.scored_at_s, earliest_s)

    def _smooth(self, face: FaceScore, capture_time_s: float) -> FaceQuality:
        if face.raw_quality is None:
            return FaceQuality(face.face, face.state, None, None)
        track = self._tracks.setdefault(face.face.track_id, _Track(self._median_window))
        quality, costs = track.add(face.raw_quality, face.raw_causes, capture_time_s, self._time_constant_s)
        causes = dearest_first(costs, self._cause_threshold)
        return FaceQuality(face.face, face.state, quality, face.raw_quality, causes)

    def _forget_tracks(self, capture_time_s: float) -> None:
        old = [
            track_id
            for track_id, track in self._tracks.items()
            if capture_time_s - track.scored_at_s > FORGET_TRACK_AFTER_S
        ]
        for track_id in old:
            del self._tracks[track_id]

    def _choose_main(self, faces: tuple[FaceQuality, ...], capture_time_s: float) -> FaceQuality | None:
        """Return the face that stands for the stream: the largest, with hysteresis on switching."""
        scored = [face for face in faces if face.quality is not None]
        if not scored:
            return None
        largest = max(scored, key=lambda face: face.face.box.area)
        main = next((face for face in scored if face.face.track_id == self._main_id), None)
        if main is None:
            self._rival_since_s = None
            self._main_id = largest.face.track_id
            return largest
        largest_id = largest.face.track_id
        if largest_id == self._main_id or largest.face.box.area < SWITCH_AREA_RATIO * main.face.box.area:
            self._rival_since_s = None
            return main
        if self._rival_since_s is None or self._rival_since_s[0] != largest_id:
            self._rival_since_s = (largest_id, capture_time_s)
        if capture_time_s - self._rival_since_s[1] < SWITCH_AFTER_S:
            return main
        self._rival_since_s = None
        self._main_id = largest_id
        return largest
