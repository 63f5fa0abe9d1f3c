"""What is known of one stream, whichever connection or server feeds it: of a session, what is a value.

`snapshot` takes it, and another server goes on from it. Everything is a function of the frames' scores and of
the times that come in: `now_s` is the server's monotonic clock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from facegauge_server.config import Config, StreamSettings
from facegauge_server.events.reporter import StreamReporter
from facegauge_server.snapshots import SessionSnapshot
from facegauge_server.stages.session_pool import SessionPool
from facegauge_server.stages.smooth import QualitySmoother
from facegauge_server.streams.named_causes import CauseChanges
from facegauge_server.streams.state_times import StateTimes
from facegauge_server.streams.stream_causes import StreamCauses
from facegauge_server.streams.traffic import Traffic
from facegauge_server.types import FrameResult, FrameScore, StreamQuality, StreamState, StreamSummary
from facegauge_server.workers.tracker_state import TrackerCell

__all__ = ["StreamMemory"]

BRIDGED_S = 10.0
"""Longest gap between the last frame that a checkpoint knows of and the next one that is a hand-over's."""


class StreamMemory:
    """Tracker, smoothing, causes, counters and times of one stream."""

    def __init__(
        self,
        settings: StreamSettings,
        config: Config,
        reporter: StreamReporter,
        on_causes: Callable[[CauseChanges], None],
        now_s: float,
    ) -> None:
        """Know nothing yet.

        Args:
            settings: of the stream.
            config: the operator's.
            reporter: tells what happens.
            on_causes: called with what changed in the named causes, after every frame.
            now_s: the server's clock.
        """
        self.reporter = reporter
        self.tracker = TrackerCell(
            detect_interval_s=config.detect_interval_s,
            max_faces=config.limits.max_faces,
            steady_detect_interval_s=config.steady_detect_interval_s,
        )
        self.smoother = QualitySmoother(
            median_window=settings.median_window,
            time_constant_s=settings.time_constant_s,
            stale_after_s=config.stale_after_s,
            cause_threshold=config.cause_threshold,
        )
        self.causes = StreamCauses(self._note_causes)
        self._on_causes = on_causes
        self.frames: Counter[FrameResult] = Counter()
        self.traffic = Traffic()
        self.quality = StreamQuality(StreamState.WAITING)
        self.started_s = now_s
        self.last_frame_s: float | None = None
        self.last_frame_wall_s: float | None = None
        self.last_capture_time_s: float | None = None
        """Of the last frame that could be used."""
        self.last_sequence: int | None = None
        """Of the last frame that was answered."""
        self.checkpoint_s: float | None = None
        """Capture time of the last checkpoint that was due."""
        self.assessed_s = now_s
        """When a frame was assessed last, or the stream began."""
        self._pool = SessionPool()
        self._state_times = StateTimes(StreamState.WAITING, now_s)

    def add(self, score: FrameScore, now_s: float) -> None:
        """Smooth a frame's score into the stream's quality."""
        self.frames[score.result] += 1
        self.last_sequence = score.sequence
        if score.result is not FrameResult.ERROR:
            self.last_capture_time_s = score.capture_time_s
            self.assessed_s = now_s
        self.enter(self.causes.scored(score, self.smoother.add(score, now_s)), now_s)
        if score.result is FrameResult.SCORED and self.quality.quality is not None:
            self._pool.add(self.quality.quality)

    def enter(self, quality: StreamQuality, now_s: float) -> None:
        """Note what the stream is like from now on."""
        self._state_times.enter(quality.state, now_s)
        self.quality = quality
        self.reporter.follow(quality, now_s)

    def summary(self, now_s: float) -> StreamSummary:
        """Sum up the whole stream so far."""
        return StreamSummary(
            self._pool.mean,
            self._pool.percentile(10),
            self._state_times.until(now_s),
            dict(self.frames),
            self.causes.times_s,
        )

    def snapshot(self, life: bytes, now_s: float) -> SessionSnapshot:
        """Return all of it, under the name of the stream's life."""
        last_frame_s = self.last_frame_s
        return SessionSnapshot(
            life=life,
            age_s=now_s - self.started_s,
            assessed_age_s=now_s - self.assessed_s,
            last_frame_age_s=None if last_frame_s is None else now_s - last_frame_s,
            sequence=self.last_sequence,
            capture_time_s=self.last_capture_time_s,
            checkpoint_s=self.checkpoint_s,
            frames=tuple((result, self.frames[result]) for result in FrameResult if self.frames[result]),
            received_bytes=self.traffic.received_bytes,
            keyframes=self.traffic.keyframes,
            breaks=self.traffic.breaks,
            state_times_s=self._state_times.snapshot(now_s),
            tracker=self.tracker.snapshot,
            smoother=self.smoother.snapshot(now_s),
            pool=self._pool.snapshot(),
            causes=self.causes.snapshot(),
            reporter=self.reporter.snapshot(now_s),
        )

    def restore(self, snapshot: SessionSnapshot, taken_s: float, taken_wall_s: float) -> None:
        """Go on from a snapshot.

        Args:
            snapshot: of the same stream.
            taken_s: when it was taken, on this server's monotonic clock.
            taken_wall_s: the same on its wall clock.
        """
        self.started_s = taken_s - snapshot.age_s
        self.assessed_s = taken_s - snapshot.assessed_age_s
        if snapshot.last_frame_age_s is not None:
            self.last_frame_s = taken_s - snapshot.last_frame_age_s
            self.last_frame_wall_s = taken_wall_s - snapshot.last_frame_age_s
        self.last_sequence, self.last_capture_time_s = snapshot.sequence, snapshot.capture_time_s
        self.checkpoint_s = snapshot.checkpoint_s
        self.frames.update(dict(snapshot.frames))
        self.traffic = Traffic(snapshot.received_bytes, snapshot.keyframes, snapshot.breaks)
        self.tracker.restore(snapshot.tracker)
        self._pool.restore(snapshot.pool)
        self.quality = self.causes.restore(snapshot.causes, self.smoother.restore(snapshot.smoother, taken_s))
        self._state_times.restore(snapshot.state_times_s, self.quality.state, taken_s)
        self.reporter.restore(snapshot.reporter, self.quality.quality, self.started_s, taken_s)

    def bridge(self, capture_time_s: float) -> None:
        """Let what a hand-over has cost not count as absence: the next frame is captured at this time.

        Otherwise a face would be a new one, without its smoothing, where the age of the checkpoint and the
        way to another server together are longer than a face may be away.
        """
        last_s = self.last_capture_time_s
        if last_s is not None and last_s < capture_time_s <= last_s + BRIDGED_S:
            self.tracker.bridge(capture_time_s)
            self.smoother.bridge(capture_time_s)

    def _note_causes(self, changes: CauseChanges) -> None:
        self.reporter.note_causes(changes.began, changes.ended, changes.at_s)
        self._on_causes(changes)
