"""One live stream: its connection, tracker, smoothing, counters and times.

A `Session` outlives the connection that feeds it: when a connection breaks, the session waits for its resume
token, then ends. Everything here runs on the event loop, and time comes in as an argument: `now_s` is the
server's monotonic clock, `wall_s` its wall clock.
"""

from __future__ import annotations

import asyncio
import enum
import math
import secrets
from collections import Counter, deque
from collections.abc import Callable

from facegauge_server.admission.fair_queue import Flow
from facegauge_server.config import Config, StreamSettings
from facegauge_server.errors import BadFrame
from facegauge_server.events.reporter import Report, StreamReporter
from facegauge_server.stages.smooth import QualitySmoother, SessionPool
from facegauge_server.streams.buffers import Outbox, create_inbox
from facegauge_server.streams.named_causes import CauseChanges
from facegauge_server.streams.rate_limit import RateLimit
from facegauge_server.streams.stream_causes import StreamCauses
from facegauge_server.streams.traffic import Traffic
from facegauge_server.types import (
    Assessment,
    Delivery,
    EncodedFrame,
    FrameResult,
    FrameScore,
    StreamQuality,
    StreamState,
    StreamSummary,
)
from facegauge_server.workers.tracker_state import TrackerCell

__all__ = ["Connection", "Ending", "Session"]

FPS_WINDOW_S = 5.0


class Ending(enum.Enum):
    """Why the server ends a connection."""

    DRAINING = "draining"
    """The server is shutting down: what was received is finished first."""
    TAKEN_OVER = "taken_over"
    """Another connection presented the stream's resume token."""


class Connection:
    """One RPC that feeds a session: its two buffers, and the future that ends it. Needs a running loop."""

    def __init__(
        self,
        settings: StreamSettings,
        *,
        max_fps: float,
        min_fps: float,
        tenant_limit: RateLimit | None = None,
    ) -> None:
        self.inbox = create_inbox(
            settings.delivery, max_fps=max_fps, min_fps=min_fps, tenant_limit=tenant_limit
        )
        self.outbox = Outbox(settings.delivery)
        self.ended: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        """Done once the server ends the connection; its result is the reason."""

    def end(self, why: Ending) -> None:
        """Ask whoever runs the connection to end it; only the first reason counts."""
        if not self.ended.done():
            self.ended.set_result(why)


class Session:
    """One live stream: tracker, smoothing, counters and times."""

    def __init__(
        self,
        settings: StreamSettings,
        config: Config,
        now_s: float,
        tenant: str = "",
        tenant_limit: RateLimit | None = None,
        on_causes: Callable[[Session, CauseChanges], None] = lambda _session, _changes: None,
        report: Report = lambda _: None,
    ) -> None:
        self.settings = settings
        self.reporter = StreamReporter(report, tenant, settings.call_id, settings.stream_id, now_s)
        self.tenant = tenant
        self.tenant_limit = tenant_limit
        self.flow = Flow(tenant, settings.stream_id, is_live=settings.delivery is Delivery.LIVE)
        """Whom the stream's worker time is charged to; frames of COMPLETE streams wait on purpose."""
        self.token = secrets.token_urlsafe(16)
        """What a connection must present to resume the stream; a new one after each use."""
        self._earlier_token = ""
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
        self.traffic = Traffic()
        self.quality = StreamQuality(StreamState.WAITING)
        self.last_frame_s: float | None = None
        self.last_frame_wall_s: float | None = None
        self._smoother = QualitySmoother(
            median_window=settings.median_window,
            time_constant_s=settings.time_constant_s,
            stale_after_s=config.stale_after_s,
            cause_threshold=config.cause_threshold,
        )
        self._pool = SessionPool()
        self._causes = StreamCauses(self._note_causes)
        self._on_causes = on_causes
        self._listens = False
        """Whether frames of a live stream have come on this connection, so that their absence tells."""
        self._arrivals_s: deque[float] = deque(maxlen=1024)
        self._state_times_s: dict[StreamState, float] = {}
        self._state_since_s = now_s
        self._last_capture_time_s: float | None = None
        self._unreported: Counter[FrameResult] = Counter()
        self._frames_under_way = 0
        self._assessed_s = now_s

    @property
    def last_capture_time_s(self) -> float:
        """Capture time of the last frame that could be used; minus infinity before the first."""
        return -math.inf if self._last_capture_time_s is None else self._last_capture_time_s

    def note_frame(
        self, frame: EncodedFrame, now_s: float, wall_s: float, frames: int = 1, *, is_decodable: bool = True
    ) -> None:
        """Note a frame that arrived.

        Args:
            frame: which is not kept.
            now_s: the server's monotonic clock.
            wall_s: its wall clock.
            frames: how many the sender has captured since the one before, with this one.
            is_decodable: whether what it depends on has come, as far as the stream is to blame.
        """
        self._causes.arrived(frame.capture_time_s, frames, is_decodable=is_decodable)
        self.traffic.received_bytes += len(frame.data)
        self._listens = self.settings.delivery is Delivery.LIVE
        self.last_frame_s, self.last_frame_wall_s = now_s, wall_s
        self._earlier_token = ""  # a frame comes after the answer that carries the new token
        self._frames_under_way += 1
        self._arrivals_s.append(now_s)

    def note_undecodable(self, capture_time_s: float) -> None:
        """Note that units from this capture time on, which have arrived, could not be decoded after all."""
        self._causes.undecodable_since(capture_time_s)

    def note_unscored(self, result: FrameResult, count: int) -> None:
        """Count frames that were left out; the next assessment reports them."""
        self.frames[result] += count
        self._frames_under_way -= count
        self._unreported[result] += count

    def accepts(self, token: str) -> bool:
        """Return whether a resume token is this stream's."""
        is_current = secrets.compare_digest(self.token.encode(), token.encode())
        earlier = self._earlier_token or self.token
        return secrets.compare_digest(earlier.encode(), token.encode()) or is_current

    def renew_token(self) -> None:
        """Replace the resume token; the earlier one holds until a frame shows that the new one arrived."""
        self._earlier_token, self.token = self.token, secrets.token_urlsafe(16)

    def connect(self) -> Connection:
        """Start a connection; the one that fed the session until now is ended as taken over."""
        if self.connection is not None:
            self.connection.end(Ending.TAKEN_OVER)
        self.connection = Connection(
            self.settings, max_fps=self.max_fps, min_fps=self.min_fps, tenant_limit=self.tenant_limit
        )
        self.disconnected_s, self._listens = None, False
        self._causes.interrupted()
        return self.connection

    def check_clock(self, frame: EncodedFrame) -> None:
        """Raise BadFrame for a capture time before the last good frame's."""
        last = self._last_capture_time_s
        if last is not None and frame.capture_time_s < last:
            raise BadFrame(
                f"capture_time_s went back from {last:g} to {frame.capture_time_s:g}: "
                "send frames in the order of their capture"
            )

    def assess(self, score: FrameScore, now_s: float) -> Assessment:
        """Smooth a frame's score into the stream's quality and return the assessment for the client."""
        self.frames[score.result] += 1
        if score.result is not FrameResult.ERROR:
            self._last_capture_time_s = score.capture_time_s
            self._assessed_s = now_s
        self._frames_under_way -= 1
        self._enter(self._causes.scored(score, self._smoother.add(score, now_s)), now_s)
        if score.result is FrameResult.SCORED and self.quality.quality is not None:
            self._pool.add(self.quality.quality)
        return self._report(score)

    def check_stale(self, now_s: float) -> None:
        """Report to the client, unasked and once, that the stream has no current quality any more.

        A COMPLETE stream is not stale while its frames wait for the server.
        """
        waits_for_server = self.settings.delivery is Delivery.COMPLETE and self._frames_under_way > 0
        if waits_for_server or self.quality.state is StreamState.STALE:
            return
        quality = self._smoother.at(now_s)
        if quality.state is StreamState.STALE:
            self._enter(self._causes.name(quality, now_s - self._assessed_s), now_s)
            if self.connection is not None:
                self.connection.outbox.put(self._report(None))

    def check_silence(self, now_s: float) -> None:
        """Report to the client, unasked, that a live stream stands: nothing comes, or nothing decodes."""
        if self.connection is None or self.last_frame_s is None or not self._listens:
            return
        before = self.quality
        quality = self._causes.check(now_s - self.last_frame_s, now_s - self._assessed_s, before)
        if quality is not None:
            self._enter(quality, now_s)
            if {one.kind for one in quality.causes} != {one.kind for one in before.causes}:
                self.connection.outbox.put(self._report(None))

    def fps(self, now_s: float) -> float:
        """Return the frames received per second over the last seconds."""
        span_s = min(FPS_WINDOW_S, max(now_s - self.started_s, 1.0))
        return sum(1 for arrival_s in self._arrivals_s if arrival_s > now_s - span_s) / span_s

    def summary(self, now_s: float) -> StreamSummary:
        """Sum up the whole stream so far."""
        self._enter(self.quality, now_s)
        return StreamSummary(
            self._pool.mean,
            self._pool.percentile(10),
            dict(self._state_times_s),
            dict(self.frames),
            self._causes.times_s,
        )

    def end_causes(self) -> None:
        """Let the causes end with the stream."""
        self._causes.end()

    def _report(self, score: FrameScore | None) -> Assessment:
        """Build an assessment with the counts of frames left out since the last one."""
        left_out, self._unreported = self._unreported, Counter()
        return Assessment(
            score,
            self.quality,
            left_out[FrameResult.DROPPED],
            left_out[FrameResult.SKIPPED],
            left_out[FrameResult.NOT_DECODED],
        )

    def _note_causes(self, changes: CauseChanges) -> None:
        self.reporter.note_causes(changes.began, changes.ended, changes.at_s)
        self._on_causes(self, changes)

    def _enter(self, quality: StreamQuality, now_s: float) -> None:
        spent_s = self._state_times_s.get(self.quality.state, 0.0)
        self._state_times_s[self.quality.state] = spent_s + now_s - self._state_since_s
        self._state_since_s = now_s
        self.quality = quality
        self.reporter.follow(quality, now_s)


def _steady_fps(settings: StreamSettings, config: Config) -> float:
    """Return the minimum fps scored on a steady stream, enough not to go stale; 0 scores all."""
    if settings.delivery is Delivery.COMPLETE or not settings.min_fps:
        return 0.0
    return max(settings.min_fps, 2 / config.stale_after_s)


def _allowed_fps(settings: StreamSettings, config: Config) -> float:
    """Return the maximum fps of a stream; 0 is no limit, which only COMPLETE delivery may have."""
    limit = config.limits.max_stream_fps
    if settings.delivery is Delivery.LIVE:
        return min(settings.max_fps or limit, limit)
    return settings.max_fps
