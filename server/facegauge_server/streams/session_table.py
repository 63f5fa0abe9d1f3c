"""The live streams: what is known of each, and the table that they stand in.

A `Session` outlives the connection that feeds it: when a connection breaks, the session waits for its resume
token, then goes. Everything here runs on the event loop, and time comes in as an argument: `now_s` is the
server's monotonic clock, `wall_s` its wall clock.
"""

from __future__ import annotations

import secrets
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass

from facegauge_server.admission import WorkerWait
from facegauge_server.config import Config, StreamSettings
from facegauge_server.errors import BadFrame, Draining, ResumeRefused, ServerFull, StreamExists
from facegauge_server.stages.smooth import QualitySmoother, SessionPool
from facegauge_server.streams.buffers import Inbox, Outbox
from facegauge_server.types import (
    Assessment,
    Delivery,
    EncodedFrame,
    FrameResult,
    FrameScore,
    Notice,
    NoticeKind,
    StreamQuality,
    StreamState,
    StreamSummary,
)
from facegauge_server.workers.tracker_state import TrackerCell

__all__ = ["Connection", "Session", "SessionTable"]

FPS_WINDOW_S = 5.0


class Connection:
    """One RPC that feeds a session: its two mailboxes, and the way to end it from outside."""

    def __init__(self, settings: StreamSettings) -> None:
        self.inbox = Inbox(settings.delivery)
        self.outbox = Outbox(settings.delivery)
        self.on_taken_over: Callable[[], None] = lambda: None
        self.on_drain: Callable[[], None] = lambda: None


class Session:
    """One live stream: tracker, smoothing, counters and times."""

    def __init__(self, settings: StreamSettings, config: Config, now_s: float) -> None:
        self.settings = settings
        self.token = secrets.token_urlsafe(16)
        self.started_s = now_s
        self.max_fps = _allowed_fps(settings, config)
        self.min_fps = _steady_fps(settings, config)
        self.connection: Connection | None = None
        self.disconnected_s: float | None = None
        self.tracker = TrackerCell(
            detect_interval_s=config.detect_interval_s,
            max_faces=config.limits.max_faces,
            steady_detect_interval_s=config.steady_detect_interval_s,
        )
        self.frames: Counter[FrameResult] = Counter()
        self.quality = StreamQuality(StreamState.WAITING)
        self.last_frame_s: float | None = None
        self.last_frame_wall_s: float | None = None
        self._smoother = QualitySmoother(
            median_window=settings.median_window,
            time_constant_s=settings.time_constant_s,
            stale_after_s=config.stale_after_s,
        )
        self._pool = SessionPool()
        self._arrivals_s: deque[float] = deque(maxlen=1024)
        self._state_times_s: dict[StreamState, float] = {}
        self._state_since_s = now_s
        self._last_capture_time_s: float | None = None
        self._to_tell: Counter[FrameResult] = Counter()
        self._frames_under_way = 0

    def note_frame(self, now_s: float, wall_s: float) -> None:
        """A frame has arrived."""
        self.last_frame_s, self.last_frame_wall_s = now_s, wall_s
        self._frames_under_way += 1
        self._arrivals_s.append(now_s)

    def note_unscored(self, result: FrameResult, count: int) -> None:
        """Frames were dropped or skipped before they were scored; the next assessment tells."""
        self.frames[result] += count
        self._frames_under_way -= count
        self._to_tell[result] += count

    def check_clock(self, frame: EncodedFrame) -> None:
        """Raise BadFrame for a capture time before the last good frame's."""
        last = self._last_capture_time_s
        if last is not None and frame.capture_time_s < last:
            raise BadFrame(
                f"capture_time_s went back from {last:g} to {frame.capture_time_s:g}: "
                "send frames in the order of their capture"
            )

    def assess(self, score: FrameScore, now_s: float) -> Assessment:
        """Smooth a frame's score into the stream's quality and return what the client is told."""
        self.frames[score.result] += 1
        if score.result is not FrameResult.ERROR:
            self._last_capture_time_s = score.capture_time_s
        self._frames_under_way -= 1
        self._enter(self._smoother.add(score, now_s), now_s)
        if score.result is FrameResult.SCORED and self.quality.quality is not None:
            self._pool.add(self.quality.quality)
        return self._tell(score)

    def check_stale(self, now_s: float) -> None:
        """Tell the client, unasked, that the stream has lost its quality; once.

        Under COMPLETE delivery the wait of frames that are under way is the server's, not the stream's.
        """
        waits_for_us = self.settings.delivery is Delivery.COMPLETE and self._frames_under_way > 0
        if waits_for_us or self.quality.state is StreamState.STALE:
            return
        quality = self._smoother.at(now_s)
        if quality.state is StreamState.STALE:
            self._enter(quality, now_s)
            if self.connection is not None:
                self.connection.outbox.put(self._tell(None))

    def fps(self, now_s: float) -> float:
        """Frames received a second over the last seconds."""
        span_s = min(FPS_WINDOW_S, max(now_s - self.started_s, 1.0))
        return sum(1 for arrival_s in self._arrivals_s if arrival_s > now_s - span_s) / span_s

    def summary(self, now_s: float) -> StreamSummary:
        """The whole stream up to now."""
        self._enter(self.quality, now_s)
        return StreamSummary(
            self._pool.mean, self._pool.percentile(10), dict(self._state_times_s), dict(self.frames)
        )

    def _tell(self, score: FrameScore | None) -> Assessment:
        """Build an assessment with what has become of the frames since the last one."""
        told, self._to_tell = self._to_tell, Counter()
        return Assessment(score, self.quality, told[FrameResult.DROPPED], told[FrameResult.SKIPPED])

    def _enter(self, quality: StreamQuality, now_s: float) -> None:
        spent_s = self._state_times_s.get(self.quality.state, 0.0)
        self._state_times_s[self.quality.state] = spent_s + now_s - self._state_since_s
        self._state_since_s = now_s
        self.quality = quality


@dataclass(frozen=True, slots=True)
class Opened:
    """A session as a new connection gets it."""

    session: Session
    connection: Connection
    resumed: bool


class SessionTable:
    """The live streams by id."""

    def __init__(
        self,
        config: Config,
        on_end: Callable[[StreamSummary], None] = lambda _: None,
        wait: WorkerWait | None = None,
    ) -> None:
        self._config = config
        self._wait = wait or WorkerWait()
        self._on_end = on_end
        self._sessions: dict[str, Session] = {}
        self._draining = False

    @property
    def is_draining(self) -> bool:
        """Whether new streams are refused because the server is going down."""
        return self._draining

    def __len__(self) -> int:
        return len(self._sessions)

    def snapshot(self) -> list[Session]:
        """The live sessions, oldest first; safe to call from another thread."""
        return list(self._sessions.values())

    def worst_first(self, call_id: str = "") -> list[Session]:
        """The live sessions (of one call), lowest quality first, those without a quality last."""
        matching = (s for s in self._sessions.values() if call_id in ("", s.settings.call_id))
        return sorted(matching, key=_badness)

    def open(self, settings: StreamSettings, now_s: float) -> Opened:
        """Start a stream, or take over the one that the resume token belongs to.

        Raises Draining, StreamExists, ResumeRefused or ServerFull.
        """
        if self._draining:
            raise Draining("the server is going down: connect to another one")
        held = self._sessions.get(settings.stream_id)
        resumed = held is not None and bool(settings.resume_token)
        if held is not None and resumed:
            if not secrets.compare_digest(held.token.encode(), settings.resume_token.encode()):
                raise ResumeRefused(f"the resume token is not that of stream {settings.stream_id!r}")
            if held.connection is not None:
                held.connection.on_taken_over()
            session = held
        else:
            if held is not None and held.connection is not None:
                raise StreamExists(f"stream {settings.stream_id!r} is live: choose another stream_id")
            if held is not None:
                self._end(held, now_s)
            if len(self._sessions) >= self._config.limits.max_streams:
                raise ServerFull(
                    f"the server follows {len(self._sessions)} streams already (--max-streams): "
                    "try another server, or later"
                )
            self._check_load(settings, now_s)
            session = Session(settings, self._config, now_s)
            self._sessions[settings.stream_id] = session
        session.connection = connection = Connection(session.settings)
        session.disconnected_s = None
        return Opened(session, connection, resumed)

    def detach(self, session: Session, connection: Connection, now_s: float, *, finished: bool) -> None:
        """Note that a connection is over: the stream ends with it, or waits for its resume token."""
        if session.connection is not connection:
            return  # Another connection took the session over.
        session.connection = None
        session.disconnected_s = now_s
        if finished or self._draining or self._config.resume_window_s == 0:
            self._end(session, now_s)

    def housekeep(self, now_s: float) -> None:
        """Find stale streams and end those that nobody came back for."""
        for session in self.snapshot():
            session.check_stale(now_s)
            left_s = session.disconnected_s
            if left_s is not None and now_s - left_s >= self._config.resume_window_s:
                self._end(session, now_s)

    def drain(self, now_s: float) -> None:
        """Refuse new streams and ask every live one to finish."""
        self._draining = True
        notice = Notice(NoticeKind.DRAINING, "the server is going down: what it has is finished first")
        for session in self.snapshot():
            if session.connection is None:
                self._end(session, now_s)
            else:
                session.connection.outbox.put(notice)
                session.connection.on_drain()

    def _check_load(self, settings: StreamSettings, now_s: float) -> None:
        """Raise ServerFull for a live stream while those that are there wait too long already.

        A stream of recorded frames may come: nothing of it is dropped, it only waits its turn.
        """
        wait_s = self._wait.mean_s(now_s)
        if settings.delivery is Delivery.LIVE and wait_s > self._config.limits.max_worker_wait_s:
            raise ServerFull(
                f"the server is busy: frames wait {wait_s * 1000:.0f} ms for a worker (--max-worker-wait): "
                "try another server, or later"
            )

    def _end(self, session: Session, now_s: float) -> None:
        self._sessions.pop(session.settings.stream_id, None)
        self._on_end(session.summary(now_s))


def _badness(session: Session) -> tuple[bool, float]:
    quality = session.quality.quality
    return (quality is None, 0.0 if quality is None else quality)


def _steady_fps(settings: StreamSettings, config: Config) -> float:
    """Frames a second scored at least of a steady stream, so often that it does not go stale; 0 is all."""
    if settings.delivery is Delivery.COMPLETE or not settings.min_fps:
        return 0.0
    return max(settings.min_fps, 2 / config.stale_after_s)


def _allowed_fps(settings: StreamSettings, config: Config) -> float:
    """Frames a second taken from a stream; 0 is no limit, which only COMPLETE delivery may have."""
    limit = config.limits.max_stream_fps
    if settings.delivery is Delivery.LIVE:
        return min(settings.max_fps or limit, limit)
    return settings.max_fps
