"""One live stream: what is known of it, the connection that feeds it, and what its client may go on with.

A `Session` outlives the connection that feeds it: when a connection breaks, the session waits for its client,
then ends. Everything here runs on the event loop, and time comes in as an argument: `now_s` is the server's
monotonic clock, `wall_s` its wall clock.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable

from facegauge_server.admission.fair_queue import Flow
from facegauge_server.checkpoints.issuer import CheckpointIssuer, Opened, Owner
from facegauge_server.config import Config, StreamSettings
from facegauge_server.errors import BadFrame
from facegauge_server.events.reporter import Report, StreamReporter
from facegauge_server.streams.checkpointing import Checkpointing
from facegauge_server.streams.connection import Connection, Ending, allowed_fps, steady_fps
from facegauge_server.streams.named_causes import CauseChanges
from facegauge_server.streams.rate_limit import RateLimit
from facegauge_server.streams.stream_memory import StreamMemory
from facegauge_server.streams.tickets import Tickets
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

__all__ = ["Session"]

FPS_WINDOW_S = 5.0


class Session:
    """One live stream on this server."""

    def __init__(
        self,
        settings: StreamSettings,
        config: Config,
        now_s: float,
        tenant: str = "",
        tenant_limit: RateLimit | None = None,
        on_causes: Callable[[Session, CauseChanges], None] = lambda _session, _changes: None,
        report: Report = lambda _: None,
        issuer: CheckpointIssuer | None = None,
        opened: Opened | None = None,
    ) -> None:
        """Begin a stream, or go on with one whose checkpoint has been opened."""
        self.settings = settings
        self.reporter = StreamReporter(report, tenant, settings.call_id, settings.stream_id, now_s)
        self.tenant = tenant
        self.tenant_limit = tenant_limit
        self.flow = Flow(tenant, settings.stream_id, is_live=settings.delivery is Delivery.LIVE)
        """Whom the stream's worker time is charged to; frames of COMPLETE streams wait on purpose."""
        owner = Owner(tenant, settings.stream_id, settings.call_id)
        self.tickets = Tickets(issuer or CheckpointIssuer(), owner, opened)
        self.max_fps = allowed_fps(settings, config)
        self.min_fps = steady_fps(settings, config)
        self.connection: Connection | None = None
        self.disconnected_s: float | None = None
        self._memory = memory = StreamMemory(
            settings, config, self.reporter, lambda changes: on_causes(self, changes), now_s
        )
        if opened is not None:
            taken_wall_s = opened.sealed_ms / 1000
            memory.restore(opened.snapshot, now_s - opened.passed_s, taken_wall_s)
        self.frames, self.traffic, self.tracker = memory.frames, memory.traffic, memory.tracker
        self.checkpoints = Checkpointing(
            memory, self.tickets, settings.delivery, config.checkpoint_interval_s
        )
        self._was_handed_over = opened is not None and settings.delivery is Delivery.LIVE
        """Whether the next frame is the first that this server gets of a live stream that another one had."""
        self._listens = False
        """Whether frames of a live stream have come on this connection, so that their absence tells."""
        self._arrivals_s: deque[float] = deque(maxlen=1024)
        self._since_s = now_s
        """When this server got the stream."""
        self._unreported: Counter[FrameResult] = Counter()
        self._frames_under_way = 0
        self._raw_quality: float | None = None
        self.answer_time_s: float | None = None
        """Time from the receipt of a frame to its answer, of the last one answered; None before the first."""

    @property
    def token(self) -> str:
        """What a connection must present to resume the stream here."""
        return self.tickets.token

    @property
    def started_s(self) -> float:
        """When the stream began, here or elsewhere."""
        return self._memory.started_s

    @property
    def quality(self) -> StreamQuality:
        """What the stream is like."""
        return self._memory.quality

    @property
    def raw_quality(self) -> float | None:
        """The main face's in the last frame that was scored here, alone; None without a current score."""
        return None if self.quality.quality is None else self._raw_quality

    @property
    def last_frame_s(self) -> float | None:
        """When the last frame arrived."""
        return self._memory.last_frame_s

    @property
    def last_frame_wall_s(self) -> float | None:
        """The same on the wall clock."""
        return self._memory.last_frame_wall_s

    @property
    def last_sequence(self) -> int | None:
        """Number of the last frame that was answered."""
        return self._memory.last_sequence

    @property
    def last_capture_time_s(self) -> float:
        """Capture time of the last frame that could be used; minus infinity before the first."""
        last_s = self._memory.last_capture_time_s
        return -math.inf if last_s is None else last_s

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
        if self._was_handed_over:
            self._was_handed_over = False
            self._memory.bridge(frame.capture_time_s)
        self._memory.causes.arrived(frame.capture_time_s, frames, is_decodable=is_decodable)
        self._memory.last_frame_s, self._memory.last_frame_wall_s = now_s, wall_s
        self.traffic.received_bytes += len(frame.data)
        self._listens = self.settings.delivery is Delivery.LIVE
        self.tickets.arrived()
        self._frames_under_way += 1
        self._arrivals_s.append(now_s)

    def note_undecodable(self, capture_time_s: float) -> None:
        """Note that units from this capture time on, which have arrived, could not be decoded after all."""
        self._memory.causes.undecodable_since(capture_time_s)

    def note_unscored(self, result: FrameResult, count: int) -> None:
        """Count frames that were left out; the next assessment reports them."""
        self.frames[result] += count
        self._frames_under_way -= count
        self._unreported[result] += count

    def connect(self) -> Connection:
        """Start a connection; the one that fed the session until now is ended as taken over."""
        if self.connection is not None:
            self.connection.end(Ending.TAKEN_OVER)
        self.connection = Connection(
            self.settings, max_fps=self.max_fps, min_fps=self.min_fps, tenant_limit=self.tenant_limit
        )
        self.disconnected_s, self._listens = None, False
        self._memory.causes.interrupted()
        return self.connection

    def let_go(self) -> None:
        """Leave the stream to another session of it, which knows more."""
        if self.connection is not None:
            self.connection.end(Ending.TAKEN_OVER)
        self.connection = None

    def check_clock(self, frame: EncodedFrame) -> None:
        """Raise BadFrame for a capture time before the last good frame's."""
        last = self._memory.last_capture_time_s
        if last is not None and frame.capture_time_s < last:
            raise BadFrame(
                f"capture_time_s went back from {last:g} to {frame.capture_time_s:g}: "
                "send frames in the order of their capture"
            )

    def assess(self, score: FrameScore, now_s: float, received_s: float | None = None) -> Assessment:
        """Smooth a frame's score into the stream's quality and return the assessment for the client.

        Args:
            score: of the frame.
            now_s: the server's monotonic clock.
            received_s: when the frame came, on that clock; None where nobody knows.
        """
        self._frames_under_way -= 1
        self._memory.add(score, now_s)
        if self.quality.raw_quality is not None:
            self._raw_quality = self.quality.raw_quality
        return self._report(score, received_s)

    def note_sent(self, assessment: Assessment, now_s: float) -> None:
        """Note that an assessment is on its way to the client."""
        if assessment.received_s is not None:
            self.answer_time_s = now_s - assessment.received_s

    def check_stale(self, now_s: float) -> None:
        """Report to the client, unasked and once, that the stream has no current quality any more.

        A COMPLETE stream is not stale while its frames wait for the server.
        """
        waits_for_server = self.settings.delivery is Delivery.COMPLETE and self._frames_under_way > 0
        if waits_for_server or self.quality.state is StreamState.STALE:
            return
        memory = self._memory
        quality = memory.smoother.at(now_s)
        if quality.state is StreamState.STALE:
            memory.enter(memory.causes.name(quality, now_s - memory.assessed_s), now_s)
            if self.connection is not None:
                self.connection.outbox.put(self._report(None))

    def check_silence(self, now_s: float) -> None:
        """Report to the client, unasked, that a live stream stands: nothing comes, or nothing decodes."""
        memory = self._memory
        if self.connection is None or memory.last_frame_s is None or not self._listens:
            return
        before = self.quality
        quality = memory.causes.check(now_s - memory.last_frame_s, now_s - memory.assessed_s, before)
        if quality is not None:
            memory.enter(quality, now_s)
            if {one.kind for one in quality.causes} != {one.kind for one in before.causes}:
                self.connection.outbox.put(self._report(None))

    def fps(self, now_s: float) -> float:
        """Return the frames received per second over the last seconds."""
        span_s = min(FPS_WINDOW_S, max(now_s - self._since_s, 1.0))
        return sum(1 for arrival_s in self._arrivals_s if arrival_s > now_s - span_s) / span_s

    def summary(self, now_s: float) -> StreamSummary:
        """Sum up the whole stream so far."""
        return self._memory.summary(now_s)

    def end_causes(self) -> None:
        """Let the causes end with the stream."""
        self._memory.causes.end()

    def _report(self, score: FrameScore | None, received_s: float | None = None) -> Assessment:
        """Build an assessment with the counts of frames left out since the last one."""
        left_out, self._unreported = self._unreported, Counter()
        return Assessment(
            score,
            self.quality,
            left_out[FrameResult.DROPPED],
            left_out[FrameResult.SKIPPED],
            left_out[FrameResult.NOT_DECODED],
            received_s,
        )
