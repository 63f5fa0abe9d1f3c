"""The table of live streams: who may open one, resume one, and when one ends.

Everything here runs on the event loop, and time comes in as an argument: `now_s` is the server's monotonic
clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from facegauge_server.access.identity import ANYONE, Identity
from facegauge_server.admission.worker_slots import WaitEstimate
from facegauge_server.checkpoints import issuer as checkpoints
from facegauge_server.config import Config, StreamSettings
from facegauge_server.errors import (
    CapacityError,
    CheckpointRefused,
    Draining,
    FacegaugeError,
    QuotaExceeded,
    ServerFull,
)
from facegauge_server.events.refusals import Refusals
from facegauge_server.events.reporter import Report
from facegauge_server.metrics import ResumeResult
from facegauge_server.streams.claims import knows_more, open_checkpoint
from facegauge_server.streams.connection import Connection, Ending
from facegauge_server.streams.named_causes import CauseChanges
from facegauge_server.streams.rate_limit import TenantLimits
from facegauge_server.streams.session import Session
from facegauge_server.types import Delivery, FrameResult, Notice, NoticeKind, StreamSummary

__all__ = ["Opened", "SessionTable"]

CLOSED = "its client closed it"
LOST = "its connection broke"
DRAINED = "the server shut down"


@dataclass(frozen=True, slots=True)
class Opened:
    """A session with its new connection."""

    session: Session
    connection: Connection
    resumed: bool


class SessionTable:
    """The live streams by id."""

    def __init__(
        self,
        config: Config,
        on_end: Callable[[StreamSummary], None] = lambda _: None,
        wait: WaitEstimate | None = None,
        on_causes: Callable[[Session, CauseChanges], None] = lambda _session, _changes: None,
        report: Report = lambda _: None,
        issuer: checkpoints.CheckpointIssuer | None = None,
        on_resume: Callable[[ResumeResult], None] = lambda _: None,
    ) -> None:
        """Make an empty table.

        Args:
            config: the operator's.
            on_end: called with the summary of a stream that ends.
            wait: estimates how long frames wait for a worker.
            on_causes: called with what changed in a stream's named causes, after every frame.
            report: called with each event of a stream.
            issuer: makes and opens checkpoints; None for one whose checkpoints nobody else opens.
            on_resume: called with what came of each attempt to go on with a stream.
        """
        self.drained = asyncio.Event()
        """Set once the server is shutting down and the last stream has ended."""
        self._report = report
        self._refusals = Refusals(report)
        self._config = config
        self._wait = wait or WaitEstimate()
        self._on_end = on_end
        self._on_causes = on_causes
        self._issuer = issuer or checkpoints.CheckpointIssuer()
        self._on_resume = on_resume
        self._sessions: dict[tuple[str, str], Session] = {}
        self._tenant_limits = TenantLimits(config.limits.max_tenant_fps)
        self._draining = False

    @property
    def is_draining(self) -> bool:
        """Whether new streams are refused because the server is shutting down."""
        return self._draining

    def __len__(self) -> int:
        return len(self._sessions)

    def snapshot(self) -> list[Session]:
        """Return the live sessions, oldest first; safe to call from another thread."""
        return list(self._sessions.values())

    def worst_first(
        self, call_id: str = "", identity: Identity = ANYONE, *, stream_id: str = ""
    ) -> list[Session]:
        """Return the live sessions (of one call, or one alone), lowest quality first, those without one last.

        A caller gets its tenant's sessions only, of the calls that it may see.
        """
        matching = (
            session
            for session in self._sessions.values()
            if session.tenant == identity.tenant
            and stream_id in ("", session.settings.stream_id)
            and call_id in ("", session.settings.call_id)
            and identity.sees_call(session.settings.call_id)
        )
        return sorted(matching, key=_badness)

    def open(self, settings: StreamSettings, now_s: float, identity: Identity = ANYONE) -> Opened:
        """Start a stream for a caller, or go on with the one that its token or checkpoint belongs to.

        Raises Draining, Forbidden, StreamExists, ResumeRefused, CheckpointRefused, QuotaExceeded or
        ServerFull.
        """
        if self._draining:
            raise Draining("the server is shutting down: connect to another one")
        identity.require_call(settings.call_id)
        held = self._sessions.get((identity.tenant, settings.stream_id))
        try:
            if held is None:
                checkpoint = open_checkpoint(self._issuer, settings, identity.tenant)
                return self._start(settings, now_s, identity, checkpoint)
            why_taken = _why_taken(held, self._config.resume_window_s, now_s)
            checkpoint = knows_more(held, settings, self._issuer, why_taken)
        except CheckpointRefused:
            self._on_resume("refused")
            raise
        identity.require_call(held.settings.call_id)
        if checkpoint is not None:
            held.let_go()
            return self._begin(settings, now_s, identity.tenant, checkpoint)
        held.tickets.renew_token()
        held.reporter.resumed()
        self._on_resume("session")
        return Opened(held, held.connect(), resumed=True)

    def _start(
        self,
        settings: StreamSettings,
        now_s: float,
        identity: Identity,
        checkpoint: checkpoints.Opened | None,
    ) -> Opened:
        tenant = identity.tenant
        try:
            self._make_room(identity, now_s)
            self._check_load(settings, now_s)
        except CapacityError as error:
            self._refusals.note(tenant, settings.call_id, settings.stream_id, str(error), now_s)
            raise
        return self._begin(settings, now_s, tenant, checkpoint)

    def _begin(
        self, settings: StreamSettings, now_s: float, tenant: str, checkpoint: checkpoints.Opened | None
    ) -> Opened:
        """Make a session, from a checkpoint if there is one, in the place of the one of this id."""
        session = Session(
            settings,
            self._config,
            now_s,
            tenant,
            self._tenant_limits.of(tenant),
            self._on_causes,
            self._report,
            self._issuer,
            checkpoint,
        )
        self._sessions[tenant, settings.stream_id] = session
        if checkpoint is None:
            session.reporter.began()
        else:
            session.reporter.resumed()
            self._on_resume("checkpoint")
        return Opened(session, session.connect(), resumed=checkpoint is not None)

    def count_picture(self, tenant: str, now_s: float) -> None:
        """Count a single picture like a frame of a stream; raises QuotaExceeded for one too many."""
        limit = self._tenant_limits.of(tenant)
        if limit.ready_s > now_s:
            raise QuotaExceeded(
                f"tenant {tenant!r} sends more than {self._tenant_limits.max_fps:g} frames and pictures per "
                "second (--max-tenant-fps): try later"
            )
        limit.take(now_s)

    @contextmanager
    def connected(
        self, settings: StreamSettings, clock: Callable[[], float], identity: Identity = ANYONE
    ) -> Iterator[Opened]:
        """Open a stream for a block and detach its connection at the end, however the block ends.

        The stream ends with the block, or with an error of this package that the block raises. Anything else
        means a broken connection: the stream waits for its resume token.

        Raises: what `open` raises.
        """
        opened = self.open(settings, clock(), identity)
        finished, why = False, LOST
        try:
            yield opened
            finished, why = True, CLOSED
        except FacegaugeError as error:
            finished, why = True, str(error)
            raise
        finally:
            self.detach(opened.session, opened.connection, clock(), finished=finished, why=why)

    def detach(
        self, session: Session, connection: Connection, now_s: float, *, finished: bool, why: str = ""
    ) -> None:
        """Note the end of a connection: the stream ends with it, or waits for its resume token.

        `why` is what is told of a stream that ends.
        """
        if session.connection is not connection:
            return  # Another connection has taken the session over.
        session.connection = None
        session.disconnected_s = now_s
        if finished or self._draining or self._config.resume_window_s == 0:
            self._end(session, now_s, DRAINED if self._draining else why)

    def housekeep(self, now_s: float) -> None:
        """Mark stale streams, and end those that were not resumed in time."""
        for session in self.snapshot():
            session.check_stale(now_s)
            session.check_silence(now_s)
            session.reporter.check_shed(now_s)
            left_s, window_s = session.disconnected_s, self._config.resume_window_s
            if left_s is not None and now_s - left_s >= window_s:
                self._end(session, now_s, f"{LOST} and was not resumed for {window_s:g} s (--resume-window)")
        self._tenant_limits.forget_idle({tenant for tenant, _ in self._sessions}, now_s)

    def drain(self, now_s: float) -> None:
        """Refuse new streams and ask every live one to finish."""
        self._draining = True
        notice = Notice(
            NoticeKind.DRAINING, "the server is shutting down: frames received so far are finished first"
        )
        for session in self.snapshot():
            if session.connection is None:
                self._end(session, now_s, DRAINED)
            else:
                session.connection.outbox.put(notice, session.checkpoints.now(now_s))
                session.connection.end(Ending.DRAINING)
        self._note_drained()

    def _make_room(self, identity: Identity, now_s: float) -> None:
        """End a stream that only waits for its client to come back, where its place is needed.

        Raises ServerFull or QuotaExceeded where the server or the tenant has all streams that it may.
        """
        limits = self._config.limits
        if identity.tenant:
            own = [one for one in self._sessions.values() if one.tenant == identity.tenant]
            if len(own) >= limits.max_tenant_streams and not self._end_disconnected(own, now_s):
                raise QuotaExceeded(
                    f"tenant {identity.tenant!r} has {len(own)} live streams already (--max-tenant-streams)"
                )
        if len(self._sessions) >= limits.max_streams and not self._end_disconnected(self.snapshot(), now_s):
            raise ServerFull(
                f"the server follows {len(self._sessions)} streams already (--max-streams): "
                "try another server, or later"
            )

    def _end_disconnected(self, sessions: list[Session], now_s: float) -> bool:
        """End the stream that has least to lose of those that have lost their connection, if there is one."""
        waiting = [one for one in sessions if one.disconnected_s is not None]
        if not waiting:
            return False
        chosen = min(waiting, key=lambda one: (one.frames[FrameResult.SCORED], one.disconnected_s))
        why = f"{LOST}, and its place was needed"
        chosen.reporter.shed(why)
        self._end(chosen, now_s, why)
        return True

    def _check_load(self, settings: StreamSettings, now_s: float) -> None:
        """Raise ServerFull for a live stream while the present ones already wait too long.

        A COMPLETE stream is admitted: nothing of it is dropped, it only waits its turn.
        """
        wait_s = self._wait.mean_s(now_s)
        if settings.delivery is Delivery.LIVE and wait_s > self._config.limits.max_worker_wait_s:
            raise ServerFull(
                f"the server is busy: frames wait {wait_s * 1000:.0f} ms for a worker (--max-worker-wait): "
                "try another server, or later"
            )

    def _end(self, session: Session, now_s: float, why: str) -> None:
        self._sessions.pop((session.tenant, session.settings.stream_id), None)
        session.end_causes()
        summary = session.summary(now_s)
        self._on_end(summary)
        session.reporter.ended(summary, why, now_s)
        self._note_drained()

    def _note_drained(self) -> None:
        if self._draining and not self._sessions:
            self.drained.set()


def _why_taken(held: Session, resume_window_s: float, now_s: float) -> str:
    stream_id = held.settings.stream_id
    if held.disconnected_s is None:
        return f"stream {stream_id!r} is live: choose another stream_id"
    left_s = max(0.0, held.disconnected_s + resume_window_s - now_s)
    return (
        f"stream {stream_id!r} lost its connection and waits {left_s:.1f} s more for its client "
        "(--resume-window): present its resume token, or wait"
    )


def _badness(session: Session) -> tuple[bool, float]:
    quality = session.quality.quality
    return (quality is None, 0.0 if quality is None else quality)
